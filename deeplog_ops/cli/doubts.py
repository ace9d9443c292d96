"""`deeplog-ops doubts`: what a training would ask a person."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from deeplog_ops.cli.options import counted, json_option, source_option

if TYPE_CHECKING:
    from deeplog_ops.db.training_doubts import AskedDoubt

_ID = 8  # characters of an id that are shown: enough to name it


@click.command()
@source_option
@click.option("--version", help="Of which model version. Default: the champion.")
@json_option
def doubts(source_name: str, version: str | None, as_json: bool) -> None:
    """Groups of training sessions that are unlike the rest and only vouch for each other: real, or normal?"""
    from deeplog_ops.db import models
    from deeplog_ops.db.training_doubts import doubts_of, unasked
    from deeplog_ops.errors import ModelError
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    key = place.registered(source_name).key
    chosen = version or models.champion(place.engine, key)
    if chosen is None:
        raise ModelError(
            f"{source_name} has no champion yet: `deeplog-ops train --source {source_name}`, or name a --version"
        )
    models.version(place.engine, key, chosen)
    found, error = doubts_of(place.engine, key, chosen), unasked(place.engine, key, chosen)
    if as_json:
        told = {"version": chosen, "doubts": [asdict(each) for each in found], "error": error}
        click.echo(json.dumps(told, default=str, indent=2, ensure_ascii=False))
        return
    if error:
        click.echo(
            f"version {chosen} of {source_name} asks nothing, since its training could not: {error}. The next one asks "
            f"again: deeplog-ops train --source {source_name}"
        )
        return
    if not found:
        click.echo(
            f"version {chosen} of {source_name} asks nothing: no group of its training sessions is odd and small enough, "
            "many of them are like no other, or it was trained before trainings asked"
        )
        return
    waiting = [each for each in found if each.verdict is None]
    click.secho(f"{source_name}, version {chosen}: {counted(len(found), 'doubt')}, ", bold=True, nl=False)
    click.secho(f"{len(waiting)} without an answer", bold=True)
    for each in found:
        _tell(each, source_name)
    if len(waiting) < len(found):
        click.echo(f"\nThe next training heeds the answers: deeplog-ops train --source {source_name}")


def _tell(doubt: AskedDoubt, source_name: str) -> None:
    share = f"{doubt.share:.2%} of the training"
    click.secho(f"\n{doubt.rank:>2}  {doubt.doubt_id[:_ID]}  ", nl=False)
    click.secho(counted(doubt.sessions, "session"), bold=True, nl=False)
    click.echo(f", {share}, {counted(doubt.sequences, 'sequence')}")
    click.echo(f"    {doubt.reason}")
    where = (
        f"{doubt.path}, line {doubt.line_no:,}"
        if doubt.path
        else f"line {doubt.line_no:,} of a file that is gone"
    )
    click.echo(f"    such as {doubt.session} of {doubt.day} ({counted(doubt.event_count, 'event')}): {where}")
    if doubt.verdict is not None:
        click.echo(f"    answered: {doubt.verdict.replace('_', ' ')}, verdict {doubt.verdict_id}")
        return
    command = f"deeplog-ops verdict add {source_name} --doubt {doubt.doubt_id[:_ID]}"
    click.echo(f"    it is real, leave it out:  {command} --true-positive")
    click.echo(f"    it is normal, learn it:    {command} --false-positive")
