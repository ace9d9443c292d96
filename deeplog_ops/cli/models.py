"""`deeplog-ops models`."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict

import click

from deeplog_ops.cli.options import json_option, source_option


@click.group()
def models() -> None:
    """Model versions: list, promote, revert."""


@models.command("list")
@source_option
@json_option
def list_versions(source_name: str, as_json: bool) -> None:
    """Versions of a source, newest first; the champion is marked."""
    from rich.console import Console
    from rich.table import Table

    from deeplog_ops.db import models as rows
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    found = rows.list_versions(place.engine, place.registered(source_name).key)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in found], default=str, indent=2))
        return
    if not found:
        click.echo(
            f"{source_name} has no model version yet: `deeplog-ops train --source {source_name}` makes one"
        )
        return
    table = Table("", "version", "made", "trained on", "sessions", "state")
    for row in found:
        table.add_row(
            "→" if row.champion else "",
            row.version,
            f"{row.created_at:%Y-%m-%d %H:%M}",
            f"{row.first_day} to {row.last_day}",
            f"{row.metrics.get('sessions', 0):,}",
            "champion" if row.champion else row.state,
        )
    Console().print(table)


@models.command()
@source_option
@click.argument("version")
@click.option("--why", default="", help="Kept in the audit.")
def promote(source_name: str, version: str, why: str) -> None:
    """Make VERSION the champion: days that run from now on use it."""
    from deeplog_ops.db import models as rows
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    rows.promote(
        place.engine,
        place.registered(source_name).key,
        version,
        who=getpass.getuser(),
        why=why or "by command",
    )
    click.echo(f"{version} is the champion of {source_name} now")


@models.command()
@source_option
@click.option("--why", default="", help="Kept in the audit.")
def revert(source_name: str, why: str) -> None:
    """Back to the champion before this one. Days it scored are rescored by running or backfilling them."""
    from deeplog_ops.steps.promote import revert as step
    from deeplog_ops.steps.workplace import Workplace

    version = step(Workplace.open(), source_name, who=getpass.getuser(), why=why or "by command")
    click.echo(f"{version} is the champion of {source_name} again")
