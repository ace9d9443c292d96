"""`deeplog-ops deploy`: when the software that writes a source changed."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from deeplog_ops.cli.options import json_option, source_argument


@click.command()
@source_argument
@click.option("--label", help="What went live, such as a version. Without it the deploys are listed.")
@click.option(
    "--at",
    "moment",
    metavar="TIME",
    help="When it went live, such as 2026-11-14T09:30; in the source's zone unless it names one. Default: now.",
)
@click.option("--withdraw", "deploy_id", type=int, metavar="NUMBER", help="Take one back.")
@json_option
def deploy(
    source_name: str, label: str | None, moment: str | None, deploy_id: int | None, as_json: bool
) -> None:
    """Mark a deploy: incidents that begin within a day after it, or with it in their span, name it."""
    if moment is not None and label is None:
        raise click.UsageError("--at needs --label: what went live?")
    if deploy_id is not None and label is not None:
        raise click.UsageError("either mark one with --label, or take one back with --withdraw")
    from deeplog_ops.db import deploys as rows
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    source = place.registered(source_name)
    if deploy_id is not None:
        gone = rows.withdraw_deploy(place.engine, source.key, deploy_id, who=getpass.getuser())
        click.echo(f"deploy {deploy_id} is withdrawn: {gone.label} at {gone.at.astimezone(source.timezone)}")
        return
    if label is not None:
        at = place.now() if moment is None else _moment(moment, source.timezone)
        number = rows.mark_deploy(place.engine, source.key, at, label, who=getpass.getuser())
        click.echo(f"deploy {number}: {label} went live at {at.astimezone(source.timezone)}")
        return
    found = rows.deploys(place.engine, source.key)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in found], default=str, indent=2, ensure_ascii=False))
        return
    for row in found:
        state = "" if row.withdrawn_at is None else "  (withdrawn)"
        click.echo(
            f"{row.deploy_id:>4}  {row.at.astimezone(source.timezone)}  {row.label}  by {row.who}{state}"
        )
    if not found:
        click.echo(f"no deploy of {source_name} was marked: --label NAME marks one")


def _moment(given: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise click.BadParameter(
            f"{given!r} is not a time: write 2026-11-14T09:30, with an offset such as +01:00 where it is not of the "
            "source's zone",
            param_hint="--at",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
