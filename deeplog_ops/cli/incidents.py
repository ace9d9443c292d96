"""`deeplog-ops incidents`: what is going on, and one incident in full."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click

from deeplog_ops.cli.options import counted, day_option, json_option, source_argument
from deeplog_ops.cli.report import print_anomaly

if TYPE_CHECKING:
    from deeplog_ops.db.incidents import IncidentReport, PublishedIncident

_COLOURS = {"new": "red", "ongoing": "yellow", "resolved": "green"}


class _ListsByDefault(click.Group):
    """What names no command is a source whose incidents are listed."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            args = ["list", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_ListsByDefault)
def incidents() -> None:
    """Incidents: anomalies that are one event to a person. `incidents SOURCE` lists them, `incidents show ID` tells all."""


@incidents.command("list")
@source_argument
@day_option("The day. Default: the latest scored day.", "--day", "-d", required=False)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Those that verdicts hide, too; without --day those of every day.",
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many.")
@json_option
def list_incidents(source_name: str, day: date | None, everything: bool, limit: int, as_json: bool) -> None:
    """The incidents of a source, the severest first: of its latest scored day, of a day, or of all days."""
    from deeplog_ops.db import incidents as rows
    from deeplog_ops.db import readers
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    key = place.registered(source_name).key
    latest = rows.latest_scored_day(place.engine, key)
    chosen = day if day is not None or everything else latest
    known = readers.coverage(place.engine, key, chosen, chosen) if chosen is not None else []
    status = known[0] if known else None
    found = []
    if chosen is not None or everything:
        found = rows.incidents(place.engine, key, chosen, hidden=everything, limit=limit)
    if as_json:
        state = status.state if status else "not_scored"
        said = {
            "day": chosen,
            "state": None if everything and day is None else state,
            "incidents": [asdict(row) for row in found],
        }
        click.echo(json.dumps(said, default=str, indent=2, ensure_ascii=False))
        return
    if latest is None and not found:
        click.echo(
            f"no day of {source_name} was scored yet: `deeplog-ops report --source {source_name}` says why"
        )
        return
    click.secho(f"{source_name} {chosen or 'on all days'}: ", bold=True, nl=False)
    if chosen is not None and (status is None or status.run_id is None):
        # None found and never looked at are two things.
        reason = status.reason if status else "no run has touched this day"
        click.echo(
            f"{status.state if status else 'not_scored'} ({reason}); the latest scored day is {latest}"
        )
        return
    odd = f", {status.state}: {status.reason}" if status and status.state != "scored" else ""
    click.secho(f"{counted(len(found), 'incident')}{odd}", bold=True)
    for incident in found:
        _line(incident, dated=chosen is None)
    if not everything and chosen is not None:
        hidden = len(rows.incidents(place.engine, key, chosen, hidden=True, limit=10_000)) - len(found)
        if hidden > 0 and len(found) < limit:
            click.echo(f"{counted(hidden, 'incident')} more, hidden by verdicts: --all shows them")
    if found:
        click.echo(f"In full: deeplog-ops incidents show {found[0].incident_id[:8]}")


def _line(incident: PublishedIncident, dated: bool) -> None:
    click.echo(f"{incident.incident_id[:8]}  ", nl=False)
    if dated:
        click.echo(f"{incident.day}  ", nl=False)
    click.secho(f"{incident.status:<8}", fg=_COLOURS[incident.status], nl=False)
    days = f", seen on {incident.days_seen} days since {incident.first_day}" if incident.days_seen > 1 else ""
    deploy = f", after the deploy of {incident.deploy}" if incident.deploy else ""
    hidden = "" if incident.shown else f"  (hidden: {(incident.verdict or 'verdicts').replace('_', ' ')})"
    click.echo(
        f"  {incident.severity_now:>3}  {incident.title}: {_anomalies(incident.anomalies)} in "
        f"{counted(incident.sessions, 'session')}{days}{deploy}{hidden}"
    )


def _anomalies(number: int) -> str:
    return "1 anomaly" if number == 1 else f"{number:,} anomalies"


@incidents.command()
@click.argument("incident_id", metavar="ID")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How many of its anomalies, the worst first.",
)
@json_option
def show(incident_id: str, limit: int, as_json: bool) -> None:
    """One incident in full: what happened in words, its lines, and what to do next. The beginning of the id will do."""
    from deeplog_ops.db import incidents as rows
    from deeplog_ops.steps.workplace import Workplace

    found = rows.incident(Workplace.open().engine, incident_id, limit)
    if as_json:
        click.echo(json.dumps(asdict(found), default=str, indent=2, ensure_ascii=False))
        return
    _print(found)


def _print(found: IncidentReport) -> None:
    incident = found.incident
    click.secho(f"{incident.title} ", bold=True, nl=False)
    click.secho(incident.status, fg=_COLOURS[incident.status])
    click.echo(f"{incident.source} on {incident.day}, severity {incident.severity_now} of 100", nl=False)
    click.echo(f" ({incident.severity} by itself)" if incident.severity != incident.severity_now else "")
    click.echo(incident.reason)
    if incident.first_time is not None:
        click.echo(
            f"From {incident.first_time:%Y-%m-%d %H:%M:%S} to {incident.last_time:%Y-%m-%d %H:%M:%S} UTC"
        )
    if incident.days_seen > 1:
        click.echo(f"Seen on {incident.days_seen} days from {incident.first_day} to {incident.last_day}")
    if incident.deploy:
        click.echo(f"After the deploy of {incident.deploy} at {incident.deploy_at:%Y-%m-%d %H:%M} UTC")
    if incident.day_state == "stale":
        click.echo("Lines came after scoring: run the day again to be sure")
    if incident.verdict or incident.anomalies_hidden:
        said = incident.verdict.replace("_", " ") if incident.verdict else "of some of its anomalies"
        hides = "" if incident.shown else "; hidden in lists"
        click.echo(f"People said: {said} ({_anomalies(incident.anomalies_hidden)} hidden){hides}")
    shown = len(found.anomalies)
    rest = f", the worst {shown}" if shown < incident.anomalies else ""
    click.echo(f"{_anomalies(incident.anomalies)} in {counted(incident.sessions, 'session')}{rest}:")
    for anomaly in found.anomalies:
        print_anomaly(anomaly)
    click.echo()
    for advice in _next(incident):
        click.echo(advice)


def _next(incident: PublishedIncident) -> list[str]:
    add = f"  deeplog-ops verdict add {incident.source} --incident {incident.incident_id[:12]}"
    advice = [
        "What to do next:",
        f"{add} --false-positive   it is normal: learnt for good",
        f"{add} --true-positive    it is real: kept out of training",
        f"{add} --expected --until YYYY-MM-DD   known, and over then",
    ]
    if incident.status == "new" and incident.deploy is None:
        advice.append(
            f"  deeplog-ops deploy {incident.source} --at TIME --label VERSION   if a deploy came before it"
        )
    if incident.verdict:
        advice.append(f"  deeplog-ops verdict list {incident.source}   what was said, to take it back")
    return advice
