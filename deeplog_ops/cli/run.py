"""`deeplog-ops run`: days without Airflow."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import click

from deeplog_ops.cli.options import day_option, source_option, working


@click.group()
def run() -> None:
    """Score a day, without Airflow."""


@run.command(short_help="Score a day, or several.")
@source_option
@day_option("The day to score.")
@day_option("Score every day from --day to this one.", "--until", required=False)
@click.option("--model", default="champion", show_default=True, help="champion, keep, or a version's name.")
def daily(source_name: str, day: date, until: date | None, model: str) -> None:
    """Score a day from raw lines to rows in Postgres, replacing what was there."""
    from deeplog_ops.steps.whole_runs import run_day
    from deeplog_ops.steps.workplace import Workplace

    last = until or day
    if last < day:
        raise click.BadParameter(f"{last} is before {day}", param_hint="--until")
    place = Workplace.open()
    while day <= last:
        with working(f"{source_name} {day}") as (say, progress):
            result = run_day(
                place,
                source_name,
                day,
                run_key=f"cli-{uuid.uuid4()}",
                choice=model,
                say=say,
                progress=progress,
            )
        note = f" ({result.reason})" if result.reason else ""
        click.echo(
            f"{day}  {result.state}{note}: {result.events:,} events, {result.sessions_judged:,} sessions judged, "
            f"{result.anomalies:,} anomalies"
        )
        day += timedelta(days=1)
