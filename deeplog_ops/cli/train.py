"""`deeplog-ops train`."""

from __future__ import annotations

import getpass
import uuid
from datetime import date

import click

from deeplog_ops.cli.options import day_option, source_option, working


@click.command()
@source_option
@day_option("The last day to learn from. Default: yesterday.", "--last-day", required=False)
@click.option("--days", type=click.IntRange(min=1), help="How many days. Default: as the source says.")
@click.option("--epochs", type=click.IntRange(min=1), help="At most so many. Default: as the source says.")
@click.option("--promote", type=click.Choice(["auto", "yes", "no"]), help="Default: as the source says.")
def train(
    source_name: str, last_day: date | None, days: int | None, epochs: int | None, promote: str | None
) -> None:
    """Train a model version on some days of raw logs, without Airflow."""
    from deeplog_ops.steps.day import resolve_day
    from deeplog_ops.steps.whole_runs import run_training
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    last = last_day or resolve_day(
        asked=None,
        by_hand=False,
        logical_date=None,
        interval_start=None,
        run_after=place.now(),
        zone=place.source(source_name).reading.zone,
    )
    with working(f"training {source_name}") as (say, progress):
        version, decision = run_training(
            place,
            source_name,
            last,
            run_key=f"cli-{uuid.uuid4()}",
            days=days,
            epochs=epochs,
            rule=promote,
            who=getpass.getuser(),
            say=say,
            progress=progress,
            epoch_progress=lambda loss, epochs: say(
                f"epoch {loss.epoch} of {epochs}, loss {loss.train:.4f}, held out {loss.validation:.4f}"
            ),
        )
    click.echo(f"version {version}")
    click.echo(decision.reason)
