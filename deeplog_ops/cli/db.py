"""`deeplog-ops db`."""

from __future__ import annotations

import click


@click.group()
def db() -> None:
    """The platform's tables."""


@db.command()
def migrate() -> None:
    """Bring the tables and views up to date. Safe to run at any time, and at once from several places."""
    from deeplog_ops.db.engine import connect
    from deeplog_ops.db.migrate import migrate as apply
    from deeplog_ops.settings import Settings

    applied = apply(connect(Settings.load().database_url))
    for name in applied:
        click.echo(f"applied {name}")
    click.echo("the tables are up to date" if not applied else f"{len(applied)} migrations applied")
