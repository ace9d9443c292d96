"""`deeplog-ops report`: what was found on a day."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click

from deeplog_ops.cli.options import day_option, json_option, source_option

if TYPE_CHECKING:
    from deeplog_ops.db.readers import Hiding, PublishedAnomaly


@click.command()
@source_option
@day_option("The day. Default: a line for every day of the source.", "--day", "-d", required=False)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many anomalies, the worst first.",
)
@click.option("--all", "everything", is_flag=True, help="Anomalies that verdicts hide, too.")
@json_option
def report(source_name: str, day: date | None, limit: int, everything: bool, as_json: bool) -> None:
    """What was found on a day, with the raw lines; or what became of every day."""
    from deeplog_ops.db import readers
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    key = place.registered(source_name).key
    if day is None:
        days = readers.coverage(place.engine, key)
        if as_json:
            click.echo(json.dumps([asdict(row) for row in days], default=str, indent=2))
            return
        for row in days:
            click.echo(
                f"{row.day}  {row.state:<11} {'' if row.anomalies is None else _count(row.anomalies, 'anomalies'):<16}  {row.reason or ''}".rstrip()
            )
        return
    found = readers.day_report(place.engine, key, day, limit, hidden=everything)
    if as_json:
        click.echo(json.dumps(asdict(found), default=str, indent=2, ensure_ascii=False))
        return
    status = found.status
    click.secho(f"{source_name} {day}: {status.state}", bold=True, nl=False)
    click.echo(f" ({status.reason})" if status.reason else "")
    if status.run_id is None:
        return
    click.echo(
        f"{_count(status.events, 'events')}, {_count(status.sessions_judged, 'sessions judged')}, "
        f"{_count(status.sessions_open, 'still open')}, {_count(status.quarantined, 'lines in quarantine')}, "
        f"model {status.model_version or 'none yet'}"
    )
    hidden = sum(verdict.anomalies for verdict in found.hidden)
    shown = (status.anomalies or 0) - (0 if everything else hidden)
    click.echo(
        _count(status.anomalies, "anomalies")
        + (f", {hidden:,} of them hidden" if hidden and status.anomalies != 1 else ", hidden" * bool(hidden))
        + (f", the worst {limit}:" if shown > limit else "")
    )
    for verdict in found.hidden:
        _print_hiding(verdict)
    if hidden and not everything:
        click.echo("  --all shows them")
    for anomaly in found.anomalies:
        print_anomaly(anomaly)


def _count(number: int | None, noun: str) -> str:
    if number == 1:
        noun = {"anomalies": "anomaly"}.get(
            noun, noun.replace("events", "event").replace("sessions", "session")
        )
    return f"{'?' if number is None else format(number, ',')} {noun}"


def _print_hiding(verdict: Hiding) -> None:
    until = f" until {verdict.until}" if verdict.until else ""
    note = f": {verdict.note}" if verdict.note else ""
    click.echo(
        f"  {verdict.anomalies:,} by verdict {verdict.verdict_id}, {verdict.verdict.replace('_', ' ')}{until} "
        f"of {'an' if verdict.scope[0] in 'ai' else 'a'} {verdict.scope}, {verdict.who}{note}"
    )


def _extent(anomaly: PublishedAnomaly) -> str:
    """How much it is about: of values those of one kind in a session, of rates and rules the lines that count."""
    count = anomaly.event_count
    if anomaly.detector == "values":
        return f"{count:,} such values" if count > 1 else ""
    if anomaly.detector == "rates":
        return ""  # the reason has the number, and what is usual
    return (
        f"{count:,} {'line' if count == 1 else 'lines'}"
        if anomaly.detector == "rules"
        else _count(count, "events")
    )


def print_anomaly(anomaly: PublishedAnomaly) -> None:
    """An anomaly as people read it: what kind, where, why, and its lines."""
    click.echo()
    click.secho(f"{anomaly.kind.replace('_', ' ')} ", fg="red", bold=True, nl=False)
    place = ", ".join(filter(None, (f"in {anomaly.session}" if anomaly.session else "", _extent(anomaly))))
    chance = f", p = {anomaly.p_value:.1e}" if anomaly.p_value else ""
    said = f" [{anomaly.verdict.replace('_', ' ')}]" if anomaly.verdict else ""
    click.echo(f"{place}{chance}{said}  {anomaly.anomaly_id[:8]}")
    click.echo(f"  {anomaly.reason}")
    for sentence in anomaly.details.get("diagnosis", ()):
        click.echo(f"  - {sentence}")
    # File names alone may repeat in a folder a day: the worst line's is given whole.
    worst = next((line for line in anomaly.lines if line.is_worst), None)
    if worst is not None and worst.path:
        click.echo(f"  {worst.path}:{worst.line_no}, byte {worst.byte_offset:,}")
    for line in anomaly.lines:
        mark = ">" if line.is_worst else ("|" if line.of_session else " ")
        where = f"{(line.path or line.file_id).rsplit('/', 1)[-1]}:{line.line_no}"
        first = line.text.split("\n", 1)[0]
        click.secho(
            f"  {mark} {where:<24} {first[:150]}",
            fg="yellow" if line.is_worst else None,
            dim=not line.of_session,
        )
