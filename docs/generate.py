"""Writes the parts of docs/ that the code already says: settings, commands, exit codes, formats, tables.

    python docs/generate.py            write them
    python docs/generate.py --check    change nothing; exit code 1 when a page is not current

A part stands in its page between `<!-- begin NAME -->` and `<!-- end NAME -->`; what is around it is written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from deeplog_ops import config, errors
from deeplog_ops.cli.main import cli
from deeplog_ops.formats import catalog
from deeplog_ops.formats.spec import FormatSpec

DOCS = Path(__file__).parent
VIEWS = DOCS.parent / "sql" / "views"

# What a setting means, where its name says it to a programmer but not to everybody.
MEANINGS = {
    "name": "the source's name: its file is NAME.yaml, its DAGs NAME__daily, NAME__train, NAME__feedback, NAME__decode, NAME__maintenance",
    "description": "shown in Airflow",
    "owner": "shown in Airflow as the owner of the tasks",
    "tags": "shown in Airflow, besides `deeplog`, the kind of DAG and the source's name",
    "exclude": "patterns left out: for the whole path, or without a slash for the name of a file or folder",
    "reading.encoding": "of the files: any that Python knows, or `auto` to look at each file; bytes that do not fit stay readable as `\\xNN`",
    "reading.redact": "what is blotted out before anything is written",
    "reading.redact[].replacement": "what stands there instead",
    "templates.similarity": "drain3's: share of equal words from which on two masked messages may be one template",
    "templates.depth": "drain3's: depth of its tree",
    "templates.masks[].name": "a name for it",
    "templates.masks[].pattern": "a regular expression, without look-around and back-references",
    "sessions.by": "`identifier`: found in the message by a pattern; `field`: the values of columns; `window`: stretches of time; `stream`: the source as one, cut at fixed clock times",
    "model.history": "how many keys before it the next key is predicted from",
    "model.hidden": "width of the LSTM",
    "model.layers": "layers of the LSTM",
    "model.embedding": "numbers that stand for a key",
    "model.epochs": "at most so many",
    "model.batch_size": "windows at once in training",
    "model.patience": "training stops after so many epochs without a better loss on held-out sessions",
    "model.seed": "equal input, seed and library versions give equal weights on one machine's CPU",
    "model.device": "`auto` takes a GPU where there is one",
    "training.schedule": "cron, in the source's zone; null: by hand alone",
    "training.days": "how many days are learnt from",
    "training.promote": "`auto`: when the checks pass; `yes`: always; `no`: never",
    "training.pool": "Airflow pool of the task that fits the model",
    "training.queue": "Airflow queue of that task; another than `default` needs a worker that serves it",
    "training.timeout": "of that task",
    "daily.retries": "of every task of this source's DAGs, after 30 s, then longer, 15 min at most",
    "daily.timeout": "of every task of this source's DAGs, but for the fit",
    "daily.max_active_runs": "days scored at once; a backfill has a limit of its own",
    "daily.pool": "Airflow pool of every task of this source's DAGs, but for the fit",
    "publish.lines_per_anomaly": "records of its session published with an anomaly, those nearest to its worst",
    "publish.line_characters": "a published line is cut after so many",
    "retention.lake_days": "Parquet partitions of older days are deleted",
    "retention.results_days": "rows of older days are deleted",
}  # fmt: skip
SECTIONS: dict[str, str] = {
    "reading": "Stage ingest: raw bytes to records",
    "templates": "Messages to keys",
    "sessions": "Which events belong together",
    "model": "The key model, an LSTM",
    "detection": "Verdicts",
    "training": "The DAGs that learn: train and feedback",
    "daily": "The daily DAG",
    "publish": "What goes into Postgres",
    "retention": "What maintenance deletes",
}
_GIVEN = {"key": "the name", "format": "required", "name": "required", "paths": "required"}


def settings() -> str:
    """Every setting of config/sources/NAME.yaml, a table a section."""
    parts = ["### The source itself", "", *_table(config.SourceConfig, "")]
    for name, title in SECTIONS.items():
        model = _section(name)
        parts += ["", f"### `{name}`: {title}", "", *_table(model, f"{name}.")]
    return "\n".join(parts)


def setting_names() -> list[str]:
    """All settings by their dotted names."""
    names = [name for name, _ in _fields(config.SourceConfig, "")]
    for section in SECTIONS:
        model = _section(section)
        names += [name for name, _ in _fields(model, f"{section}.")]
    return names


def _section(name: str) -> type[BaseModel]:
    model: Any = config.SourceConfig.model_fields[name].annotation
    return cast("type[BaseModel]", model)


def _table(model: type[BaseModel], prefix: str) -> list[str]:
    rows = [
        (f"`{name}`", _accepted(name, field.annotation), _default(name, field.default), _meaning(name, field))
        for name, field in _fields(model, prefix)
    ]
    return list(_rows(("setting", "accepted", "default", "meaning"), rows))


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, Any]]:
    """The settings of a model, those of nested ones by dotted names; of a list of models as name[].inner."""
    for name, field in model.model_fields.items():
        if not prefix and name in SECTIONS:
            continue
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _fields(inner, f"{prefix}{name}.")
            continue
        yield f"{prefix}{name}", field
        of = get_args(inner)[0] if get_origin(inner) is tuple else None
        if isinstance(of, type) and issubclass(of, BaseModel):
            yield from _fields(of, f"{prefix}{name}[].")


def _meaning(name: str, field: Any) -> str:
    said = [text for text in (field.description, MEANINGS.get(name)) if text]
    return _cell("; ".join(said))


def _default(name: str, value: Any) -> str:
    if name in _GIVEN:
        return _GIVEN[name]
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ((), ""):
        return "none"
    if isinstance(value, timedelta):
        return f"`{_duration(value)}`"
    if isinstance(value, int) and not isinstance(value, bool) and name.endswith("bytes"):
        return f"`{_size(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length == 0 and (unit != "d" or seconds > length):
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _size(value: int) -> str:
    for unit, length in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value % length == 0:
            return f"{value // length}{unit}"
    return f"{value}B"


def _accepted(name: str, annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return " ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (Union, UnionType):
        kinds = [_accepted(name, kind) for kind in get_args(annotation) if kind is not NoneType]
        return " or ".join(kinds) + (" or none" if NoneType in get_args(annotation) else "")
    if origin is tuple:
        of = get_args(annotation)[0]
        return "list" if isinstance(of, type) and issubclass(of, BaseModel) else "list of texts"
    if origin is not None and get_args(annotation):  # Annotated
        return _accepted(name, get_args(annotation)[0])
    if annotation is timedelta:
        return "duration"
    if annotation is int:
        return "size" if name.endswith("bytes") else "whole number"
    if annotation is FormatSpec:
        return "a format written out"
    return {str: "text", float: "number", bool: "`true` `false`"}.get(annotation, str(annotation))


def commands() -> str:
    """Every command with its usage, what it does, and its options."""
    context = click.Context(cli, info_name="deeplog-ops")
    return "\n\n".join(_command(command, parent) for command, parent in walk(cli, context))


def walk(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """All commands that do something, with their contexts."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from walk(command, inner)
        else:
            yield command, inner


def _command(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"### `{context.command_path}`", f"    {usage}", _paragraphs(command.help or "")]
    options = [option for option in command.params if isinstance(option, click.Option)]
    rows = [record for option in options if (record := option.get_help_record(context)) is not None]
    if rows:
        parts.append(
            "\n".join(_rows(("option", "meaning"), [(f"`{name}`", _cell(text)) for name, text in rows]))
        )
    return "\n\n".join(parts)


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))


def exit_codes() -> str:
    """Exit codes, from the tree of errors."""
    rows = [
        ("0", "", "done"),
        ("1", "", "something unforeseen; `status`: something that should run does not"),
    ]
    rows.append(("2", "", "wrong usage: the message names the option"))
    found = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.DeeplogError)
    ]
    for kind in sorted(found, key=lambda kind: kind.exit_code):
        if kind.exit_code > 1:
            rows.append(
                (str(kind.exit_code), f"`{kind.__name__}`", _cell((kind.__doc__ or "").strip().rstrip(".")))
            )
    rows += [("130", "", "interrupted"), ("141", "", "whoever read the output went away")]
    return "\n".join(_rows(("code", "error", "meaning"), rows))


def formats() -> str:
    """The shipped formats, and an example line of each."""
    rows = [
        (
            f"`{spec.name}`",
            spec.kind,
            spec.multiline,
            f"{_cell(spec.title)}<br>`{_cell(spec.example.splitlines()[-1])}`",
        )
        for spec in sorted(catalog.shipped().values(), key=lambda spec: spec.name)
    ]
    return "\n".join(_rows(("name", "kind", "lines without a header", "what it is, and a line of it"), rows))


def tables() -> str:
    """The views of schema bi with their columns, from the comments in sql/views."""
    parts = []
    for file in sorted(VIEWS.glob("*.sql")):
        text = file.read_text(encoding="utf-8")
        for view, about in re.findall(r"COMMENT ON VIEW (bi\.\w+)\s+IS '((?:[^']|'')*)'", text):
            columns = re.findall(rf"COMMENT ON COLUMN {view}\.(\w+)\s+IS '((?:[^']|'')*)'", text)
            rows = [(f"`{name}`", _cell(_plain(said))) for name, said in columns]
            parts.append(
                "\n".join([f"### `{view}`", "", _plain(about), "", *_rows(("column", "meaning"), rows)])
            )
    return "\n\n".join(parts)


def _plain(text: str) -> str:
    return text.replace("''", "'").replace("<*>", "`<*>`")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _rows(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heading)} |"
    yield f"|{'---|' * len(heading)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("configuration.md", settings),
    "commands": ("cli.md", commands),
    "exit codes": ("cli.md", exit_codes),
    "formats": ("formats.md", formats),
    "tables": ("tables.md", tables),
}


def pages() -> dict[Path, str]:
    """Every page with a generated part, as it should be."""
    texts: dict[Path, str] = {}
    for name, (page, part) in PARTS.items():
        path = DOCS / page
        text = texts.get(path) or path.read_text(encoding="utf-8")
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if begin not in text or end not in text:
            raise SystemExit(f"{path} has no place for {name}: write {begin} and {end} on lines of their own")
        head, rest = text.split(begin, 1)
        texts[path] = f"{head}{begin}\n\n{part()}\n\n{end}{rest.split(end, 1)[1]}"
    return texts


def main() -> None:
    old = [path for path, text in pages().items() if path.read_text(encoding="utf-8") != text]
    for path in old:
        if "--check" in sys.argv:
            print(f"{path} is not current: python docs/generate.py")
        else:
            path.write_text(pages()[path], encoding="utf-8")
            print(f"written {path}")
    sys.exit(1 if old and "--check" in sys.argv else 0)


if __name__ == "__main__":
    main()
