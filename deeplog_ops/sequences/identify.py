"""Which session an event belongs to."""

from __future__ import annotations

import polars as pl

from deeplog_ops.config import Sessions
from deeplog_ops.errors import ConfigError
from deeplog_ops.sequences.cells import cell_names, microseconds

COLUMNS = ("host", "component", "pid", "thread", "level")
UNGROUPED = "all"


def session_ids(lines: pl.DataFrame, settings: Sessions) -> pl.Series:
    """The session of each row of `lines` (columns of schemas.LINES), a String series; null: none.

    - identifier: the first group of the pattern that took part (all of the match, where it has no groups), in the
      message, else in the whole record.
    - field: the values of the fields; null where the record has none of them.
    - window of fixed width, and stream: the start of its stretch of time, after the values of the fields.
    - sliding window: the values of the fields; an event is in several windows, which sessions.build names.

    Raises ConfigError if the pattern is not a regular expression of the linear-time engine.
    """
    if settings.by == "identifier":
        return _identified(lines, settings.pattern or "").alias("session")
    group = _group(settings.fields)
    if settings.by == "field":
        missing = pl.all_horizontal(_field(name).is_null() for name in settings.fields)
        chosen = pl.when(~missing).then(group).otherwise(None)
    elif settings.by == "window" and settings.step not in (None, settings.width):
        chosen = pl.when(group == "").then(pl.lit(UNGROUPED)).otherwise(group)
    else:
        width = microseconds(settings.width)
        name = cell_names(pl.col("time").dt.epoch("us") // width * width, group, settings.width)
        untimed = pl.when(group == "").then(pl.lit(UNGROUPED)).otherwise(group)
        chosen = pl.when(pl.col("time").is_null()).then(untimed).otherwise(name)
    return lines.select(chosen.alias("session")).to_series()


def _identified(lines: pl.DataFrame, pattern: str) -> pl.Series:
    groups = _groups(pattern)
    found = lines.select(_first_match("message", pattern, groups)).to_series()
    rest = found.is_null()
    if not rest.any():
        return found
    # The whole record is searched only where the message has no identifier.
    in_raw = lines.filter(rest).select(_first_match("raw", pattern, groups)).to_series()
    return found.scatter(rest.arg_true(), in_raw)


def _first_match(column: str, pattern: str, groups: int) -> pl.Expr:
    if groups == 0:
        return pl.col(column).str.extract(pattern, 0)
    return pl.coalesce(pl.col(column).str.extract(pattern, group) for group in range(1, groups + 1))


def _groups(pattern: str) -> int:
    """How many groups the pattern has."""
    try:
        dtype = pl.Series([""]).str.extract_groups(pattern).dtype
    except pl.exceptions.ComputeError as error:
        raise ConfigError(
            f"sessions.pattern: {pattern!r} is not a regular expression without look-around and back-references: {error}"
        ) from error
    return len(dtype.fields) if isinstance(dtype, pl.Struct) else 0


def _group(fields: tuple[str, ...]) -> pl.Expr:
    """The values of the fields in one name; what is missing is empty. Ways to write one name never collide."""
    values = [_field(name).fill_null("") for name in fields]
    if len(values) > 1:
        values = [
            value.str.replace_all("\\", "\\\\", literal=True).str.replace_all("|", "\\|", literal=True)
            for value in values
        ]
    return pl.concat_str(values, separator="|") if values else pl.lit("")


def _field(name: str) -> pl.Expr:
    """A column, or what stands under this name in the record's other fields (a dotted name goes into objects)."""
    if name in COLUMNS:
        return pl.col(name)
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    paths = [f"$['{quoted}']"]
    if "." in name:
        paths.append("$" + "".join(f"['{part}']" for part in quoted.split(".")))
    return pl.coalesce(pl.col("fields").str.json_path_match(path) for path in paths)
