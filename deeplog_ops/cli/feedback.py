"""`deeplog-ops feedback`: the champion learns what people called false alarms."""

from __future__ import annotations

import getpass
import json
import uuid
from dataclasses import asdict

import click

from deeplog_ops.cli.options import counted, json_option, source_argument, working


@click.command()
@source_argument
@click.option(
    "--promote",
    type=click.Choice(["auto", "yes", "no"]),
    help="auto: if the checks pass; yes: whatever they say. Default: as the source says (training.promote).",
)
@json_option
def feedback(source_name: str, promote: str | None, as_json: bool) -> None:
    """Let the champion learn the false positives said since it was made, check the result, and promote or refuse it."""
    from deeplog_ops.steps.feedback import update
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    with working(f"updating {source_name}"):
        done = update(place, source_name, who=getpass.getuser(), run_key=f"cli-{uuid.uuid4()}", rule=promote)
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2, ensure_ascii=False))
        return
    if done.version is None:
        click.echo(done.reason)
        return
    click.echo(
        f"version {done.version} of champion {done.champion}, with {counted(done.learnt, 'false positive')}"
    )
    for check in done.checks:
        click.secho(
            "  passed  " if check.passed else "  FAILED  ", fg=None if check.passed else "red", nl=False
        )
        click.echo(f"{check.name}: {check.words}")
    if done.promoted:
        click.echo(
            f"{done.version} is the champion of {source_name} now. Days run from now on use it; those before are "
            f"scored anew by running them. Back: deeplog-ops models revert --source {source_name}"
        )
    else:
        click.echo(f"{done.champion} stays the champion. {done.reason}")
