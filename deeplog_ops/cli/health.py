"""`deeplog-ops health`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from deeplog_ops.cli.options import counted, json_option, source_option

if TYPE_CHECKING:
    from deeplog_ops.steps.misplaced_days import MisplacedDays

_NAMED = 5  # commands that are written out


@click.command()
@source_option
@json_option
def health(source_name: str, as_json: bool) -> None:
    """Whether the champion still fits its source: its last days, and what they advise."""
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from deeplog_ops.db.training_doubts import awaiting, unasked
    from deeplog_ops.steps.drift import drift
    from deeplog_ops.steps.misplaced_days import MisplacedDays, misplaced_days
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    found = drift(place, source_name)
    key = place.registered(source_name).key
    doubts, error = awaiting(place.engine, key, found.version), unasked(place.engine, key, found.version)
    try:
        misplaced = misplaced_days(place, source_name)
    except Exception as failure:  # of a disk or any object store: what the tables say of the model does not hang on raw files
        misplaced = MisplacedDays((), ())
        click.secho(
            f"whether raw files have the lines of published days is not known: {failure}",
            fg="yellow",
            err=True,
        )
    if as_json:
        days = [{"day": str(day), **asdict(each)} for day, each in found.days]
        told = {
            "version": found.version,
            "level": found.advice.level,
            "advice": found.advice.reason,
            "doubts": doubts,
            "doubts_error": error,
            "days_without_lines": [str(day) for day in misplaced.gone],
            "days_read_otherwise": [str(day) for day in misplaced.otherwise],
            "days": days,
        }
        click.echo(json.dumps(told, indent=2))
        return
    if found.days:
        table = Table("day", "judged", "flagged", "budget", "unknown templates", "p <= 0.1", "says")
        for day, each in found.days:
            table.add_row(
                str(day),
                f"{each.judged:,}",
                _share(each.alarm_rate),
                _share(each.budget),
                _share(each.unknown_share),
                _share(each.p_low),
                each.level,
            )
        Console().print(table)
    click.echo(f"{found.advice.level}: {found.advice.reason}")
    if error:
        click.echo(
            f"its training could not say what it is in doubt of: {error}. The version is as good without; the next training "
            "asks again"
        )
    _tell_misplaced(source_name, misplaced)
    if doubts:
        click.echo(
            f"{counted(doubts, 'doubt')} of its training {'awaits' if doubts == 1 else 'await'} an answer: "
            f"deeplog-ops doubts --source {source_name}"
        )


def _tell_misplaced(source_name: str, days: MisplacedDays) -> None:
    if days.gone:
        click.echo(
            f"{counted(len(days.gone), 'published day')} without lines: the files that were read for them are there, and none has "
            "a line of these days. Year, zone or format was set right since, or files were copied without their times. To "
            "take the days away:"
        )
        _tell_commands(f"deeplog-ops source forget {source_name}", days.gone)
    if days.otherwise:
        click.echo(
            f"{counted(len(days.otherwise), 'published day')} read otherwise than {source_name} is read now: its year, zone or "
            "format has changed since. To run them again:"
        )
        _tell_commands(f"deeplog-ops run daily --source {source_name}", days.otherwise)


def _tell_commands(command: str, days: Sequence[date]) -> None:
    """One for each row of days without a gap."""
    spans: list[list[date]] = []
    for day in days:
        if spans and day - spans[-1][-1] == timedelta(days=1):
            spans[-1].append(day)
        else:
            spans.append([day])
    for span in spans[:_NAMED]:
        click.echo(f"  {command} --day {span[0]}" + (f" --until {span[-1]}" if len(span) > 1 else ""))
    if len(spans) > _NAMED:
        click.echo(
            f"  and {counted(len(spans) - _NAMED, 'more such span')} to {days[-1]}: --json lists all days"
        )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
