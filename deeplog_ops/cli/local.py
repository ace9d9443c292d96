"""`deeplog-ops up, down, status, demo, doctor`: the embedded installation."""

from __future__ import annotations

import sys

import click


@click.command()
def up() -> None:
    """Start the embedded PostgreSQL and Airflow, with the data of last time."""
    from deeplog_ops.local import platform

    for line in platform.up().lines():
        click.echo(line)


@click.command()
@click.option("--delete-data", is_flag=True, help="Also delete databases, lake and models.")
def down(delete_data: bool) -> None:
    """Stop everything that `up` started; the data stays."""
    from deeplog_ops.local import platform

    platform.down(delete_data=delete_data)


@click.command()
def status() -> None:
    """What runs, and where. Exit code 1 when something that should run does not."""
    from deeplog_ops.local import platform

    sys.exit(0 if platform.status() else 1)


@click.command()
def demo() -> None:
    """Two weeks of a sample source: write its logs, train, backfill, and compare what was found with what was hidden."""
    from deeplog_ops.local.demo import run

    run()


@click.command()
def doctor() -> None:
    """Check this installation, and say what to do. Exit code 9 when something is wrong."""
    from deeplog_ops.local.doctor import checks

    wrong = 0
    for check in checks():
        wrong += not check.ok
        click.secho("ok   " if check.ok else "FAIL ", fg="green" if check.ok else "red", nl=False)
        click.echo(f"{check.name}: {check.found}")
        if not check.ok:
            click.echo(f"       {check.advice}")
    if wrong:
        click.echo(f"{wrong} things to mend")
        sys.exit(9)
    click.echo("all is well")
