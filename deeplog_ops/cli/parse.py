"""`deeplog-ops parse`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from deeplog_ops.cli.options import errors_console, json_option, working


@click.command()
@click.argument("file")
@click.option(
    "--format", "-f", "format_name", help="The name of a shipped format. Default: guessed from the file."
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("events.parquet"),
    show_default=True,
)
@json_option
def parse(file: str, format_name: str | None, out: Path, as_json: bool) -> None:
    """FILE to a table of events with template ids, parameters and line numbers. Needs no database.

    FILE may be plain or .gz .bz2 .xz .zst, larger than memory, local or on an object store (s3://...). Columns of the
    output: line_no (from 1), key (the template's id), template, parameters, numbers, time, level, host, component,
    pid, thread, fields, message, line_count, byte_offset, file_id.
    """
    from deeplog_ops.steps.parse_file import parse_file

    with working(f"parsing {file}") as (_, progress):
        done = parse_file(
            file,
            out,
            format_name=format_name,
            progress=lambda read, size: progress("", read // 2**20, size // 2**20),
        )
    account = asdict(done.account)
    if as_json:
        print(
            json.dumps(
                {
                    "file": done.file,
                    "out": done.out,
                    "format": done.format,
                    "sure": done.sure,
                    "notes": done.notes,
                    **account,
                    "templates": [
                        {"key": template.template_id, "text": template.text, "events": count}
                        for template, count in done.templates
                    ],
                    "quarantine": done.quarantined,
                },
                default=str,
                ensure_ascii=False,
                indent=2,
            )
        )
        return
    guessed = (
        "" if format_name else (" (guessed)" if done.sure else " (guessed, not sure; --format names another)")
    )
    click.echo(f"{done.file}: format {done.format}{guessed}")
    for note in done.notes:
        errors_console.print(f"note: {note}", style="yellow", markup=False)
    click.echo(
        ", ".join(
            f"{count:,} {name.replace('_', ' ')}"
            for name, count in account.items()
            if count or name == "events"
        )
    )
    for template, count in done.templates[:20]:
        click.echo(f"{count:>9,}  {template.template_id}  {template.text[:110]}")
    if len(done.templates) > 20:
        click.echo(f"… and {len(done.templates) - 20} templates more")
    for row in done.quarantined[:5]:
        errors_console.print(
            f"quarantine: line {row['line_no']}: {row['reason']}: {row['detail']}",
            style="yellow",
            markup=False,
        )
    click.echo(f"written to {done.out}")
