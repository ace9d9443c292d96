"""`deeplog-ops health`."""

from __future__ import annotations

import json

import click

from deeplog_ops.cli.options import counted, json_option, source_option


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
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    found = drift(place, source_name)
    key = place.registered(source_name).key
    doubts, error = awaiting(place.engine, key, found.version), unasked(place.engine, key, found.version)
    if as_json:
        days = [{"day": str(day), **asdict(each)} for day, each in found.days]
        told = {
            "version": found.version,
            "level": found.advice.level,
            "advice": found.advice.reason,
            "doubts": doubts,
            "doubts_error": error,
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
    if doubts:
        click.echo(
            f"{counted(doubts, 'doubt')} of its training {'awaits' if doubts == 1 else 'await'} an answer: "
            f"deeplog-ops doubts --source {source_name}"
        )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
