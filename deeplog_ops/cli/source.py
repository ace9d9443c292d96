"""`deeplog-ops source`: a person's own logs."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeplog_ops.cli.options import counted, day_option, json_option

if TYPE_CHECKING:
    from deeplog_ops.formats.guess_source import Preview


@click.group()
def source() -> None:
    """Your logs: add, check, list, rename, forget days, remove."""


def _folder() -> Path:
    from deeplog_ops.settings import sources_folder

    return sources_folder()


@source.command(short_help="Look at raw logs and write a configuration for them.")
@click.argument("name")
@click.argument("paths", nargs=-1, required=True)
@click.option("--connection", help="Airflow connection that opens an object store.")
@click.option("--dry-run", is_flag=True, help="Print the configuration instead of writing it.")
@click.option("--replace", is_flag=True, help="Write it anew where it exists.")
def add(name: str, paths: tuple[str, ...], connection: str | None, dry_run: bool, replace: bool) -> None:
    """Look at the files under PATHS, guess how to read them, and write config/sources/NAME.yaml.

    PATHS are files, folders or quoted patterns, local or on an object store (s3://bucket/folder). Look at the preview;
    what is a guess is said, and the file has comments on what can be changed.
    """
    from deeplog_ops.steps import source_files

    proposal = source_files.propose(name, paths, connection)
    if dry_run:
        click.echo(proposal.text)
        return
    path = source_files.add(_folder(), name, proposal.text, replace=replace)
    _show(proposal.guess.preview, proposal.files)
    for note in proposal.guess.notes:
        click.secho(f"not sure: {note}", fg="yellow")
    click.echo(f"written to {path}")
    click.echo(
        f"next: deeplog-ops train --source {name} --last-day YYYY-MM-DD, or the DAG {name}__train in Airflow"
    )


@source.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Say what is wrong with a configuration, with file and line. Exit code 3 when it cannot be used.

    Without a NAME all sources are checked.
    """
    faulty = False
    for name in names or sorted(path.stem for path in _folder().glob("*.yaml")):
        faulty |= _check(name, say_which=len(names) != 1)
    if faulty:
        sys.exit(3)


def _check(name: str, say_which: bool) -> bool:
    """Whether the source cannot be used; what was found is printed."""
    from deeplog_ops.steps import source_files

    checked = source_files.check(_folder(), name)
    if say_which:
        click.secho(name, bold=True)
    for fault in checked.faults:
        click.secho(fault, fg="red", err=True)
    for warning in checked.warnings:
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    if checked.faults:
        return True
    if checked.preview:
        _show(checked.preview, checked.files)
    warned = len(checked.warnings)
    click.echo(f"{name} can be used" + (f", with {counted(warned, 'warning')}" if warned else ""))
    return False


@source.command("list")
@json_option
def list_sources(as_json: bool) -> None:
    """The sources, and what cannot be used."""
    import json

    from deeplog_ops.config_files import load_sources

    found, errors = load_sources(_folder())
    if as_json:
        rows = [
            {"name": one.name, "key": one.key, "paths": one.paths, "format": _format(one.format)}
            for one in found
        ]
        click.echo(json.dumps({"sources": rows, "errors": [str(error) for error in errors]}, indent=2))
        return
    if not found and not errors:
        click.echo(f"no sources in {_folder()}: `deeplog-ops source add NAME PATH...` makes one")
    for one in found:
        click.echo(f"{one.name:<20} {_format(one.format):<16} {' '.join(one.paths)}")
    for error in errors:
        click.secho(f"broken: {error}", fg="red", err=True)


@source.command()
@click.argument("old")
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Give a source another name. Its rows, lake and models stay; its DAGs get the new name."""
    from deeplog_ops.steps import source_files
    from deeplog_ops.steps.workplace import Workplace

    click.echo(f"{old} is {new} now: {source_files.rename(Workplace.open(), old, new)}")


@source.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Delete a source with its rows, partitions and model versions. Raw files are not touched."""
    from deeplog_ops.steps import source_files
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    place.source(name)
    if not yes:
        click.confirm(f"Delete all results, partitions and models of {name}?", abort=True)
    done = source_files.remove(place, name)
    click.echo(
        f"{name} is gone: {done.rows:,} rows, {done.partitions} partitions, {done.versions} model versions"
    )


@source.command(short_help="Take published days away that no raw file has lines of.")
@click.argument("name")
@day_option("The day.")
@day_option("Every published day from --day to this one.", "--until", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(name: str, day: date, until: date | None, yes: bool) -> None:
    """Delete the rows of published days that no raw file has lines of, as of a year that was set right since.

    `deeplog-ops health` names such days. Days that a raw file has lines of are refused: run them again. What people said
    stays.
    """
    from deeplog_ops.db.published_days import published_days
    from deeplog_ops.steps.misplaced_days import forget as forget_days
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    key = place.registered(name).key
    days = [one.day for one in published_days(place.engine, key) if day <= one.day <= (until or day)]
    if not days:
        raise click.BadParameter(
            f"{name} has no published day from {day} to {until or day}", param_hint="--day"
        )
    listed = ", ".join(map(str, days))
    if not yes:
        click.confirm(f"Delete all results of {name} of {listed}?", abort=True)
    for gone, rows in forget_days(place, name, days).items():
        click.echo(f"{gone} is gone: {counted(rows, 'row')}")


def _format(given: object) -> str:
    return given if isinstance(given, str) else str(getattr(given, "name", given))


def _show(preview: Preview, files: int) -> None:
    """What a person looks at before they trust a guess."""
    from deeplog_ops.steps.source_files import templates

    span = ""
    if preview.first_time and preview.last_time:
        span = f", {preview.first_time:%Y-%m-%d %H:%M} to {preview.last_time:%Y-%m-%d %H:%M} UTC in the part looked at"
    click.echo(
        f"{counted(files, 'file')}; {preview.share_understood:.1%} of the lines looked at are understood{span}"
    )
    for name, values in preview.fields.items():
        shown = ", ".join(value[:40] for value in values[:4])
        click.echo(f"  {name:<10} {shown}")
    found = templates(preview)
    click.echo(f"templates: {len(found)} in {len(preview.sample):,} lines, the commonest:")
    for text, count in found[:6]:
        click.echo(f"  {count:>7,}  {text[:110]}")
    if preview.sessions:
        click.echo(f"sessions: {preview.sessions:,} found, {preview.mean_session_length:.1f} events each")
    for reason, lines in preview.quarantined.items():
        click.secho(f"quarantine: {lines} lines, {reason}", fg="yellow")
