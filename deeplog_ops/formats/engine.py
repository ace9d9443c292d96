"""A format made ready to run: checked patterns, compiled time forms. All kinds give the same columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from deeplog_ops.errors import FormatError
from deeplog_ops.formats import times
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.formats.times import Stamps, TimeForm

COLUMNS = ("level", "host", "component", "pid", "thread")
_TIME_GROUPS = ("time", "date", "clock")
_LINEAR = (
    "Patterns run on an engine that is linear in the line's length, so that none can run for ever: "
    "look-around and back-references are not accepted"
)


@dataclass(frozen=True)
class Headers:
    """What stands in each line. `frame` has COLUMNS, `fields`, `message` (null: the line has no header).

    `stamps` is None for a format without times.
    """

    frame: pl.DataFrame
    stamps: Stamps | None

    @property
    def matched(self) -> np.ndarray:
        return self.frame["message"].is_not_null().to_numpy()


class Engine(Protocol):
    """One kind of format."""

    has_time: bool

    def read(self, lines: pl.Series) -> Headers:
        """Columns of the lines (text, no line ends), one row a line. Never fails on any text."""
        ...


def checked_pattern(pattern: str, what: str) -> list[str]:
    """The names of a pattern's groups; a FormatError says what is not accepted in it."""
    try:
        dtype = pl.Series([""]).str.extract_groups(pattern).dtype
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as error:
        text = str(error).strip()
        reason = next(
            (line for line in reversed(text.splitlines()) if line.startswith("error:")), text.splitlines()[-1]
        )
        hint = f". {_LINEAR}" if "look-around" in text or "backreference" in text else ""
        raise FormatError(
            f"{what} cannot be used: {pattern!r}: {reason.removeprefix('error: ')}{hint}"
        ) from error
    return (
        [name for name in dtype.to_schema() if name and not name.isdigit()]
        if isinstance(dtype, pl.Struct)
        else []
    )


class PatternEngine:
    """Kind `pattern`: a regular expression with named groups, on polars' linear-time engine."""

    def __init__(self, spec: FormatSpec) -> None:
        if not spec.pattern:
            raise FormatError(f"format {spec.name!r} is of kind pattern and has no pattern")
        groups = checked_pattern(spec.pattern, f"the pattern of format {spec.name!r}")
        if "message" not in groups:
            raise FormatError(
                f"the pattern of format {spec.name!r} has no group (?P<message>...); found are: {', '.join(groups) or 'none'}"
            )
        self._pattern = spec.pattern
        self._groups = groups
        self._fields = [name for name in groups if name not in (*COLUMNS, *_TIME_GROUPS, "message")]
        self._stamp = [name for name in _TIME_GROUPS if name in groups]
        self.has_time = bool(self._stamp)
        self._forms = compiled_forms(spec, self.has_time)
        self._levels = dict(spec.levels)
        if spec.continues is not None:
            checked_pattern(spec.continues, f"`continues` of format {spec.name!r}")

    def read(self, lines: pl.Series) -> Headers:
        found = lines.str.extract_groups(self._pattern).struct.unnest()
        columns = [
            pl.col(name) if name in self._groups else pl.lit(None, pl.String).alias(name) for name in COLUMNS
        ]
        frame = found.select(*columns, self._message(found), self._json(found))
        if self._levels:
            frame = frame.with_columns(pl.col("level").replace(self._levels))
        return Headers(frame, times.parse(self._stamps(found), self._forms) if self.has_time else None)

    def _message(self, found: pl.DataFrame) -> pl.Expr:
        """A group that took no part in a match is null; such a message is empty rather than missing."""
        if not found["message"].null_count() or len(self._groups) == 1:
            return pl.col("message")
        others = [pl.col(name).is_not_null() for name in self._groups if name != "message"]
        empty = pl.when(pl.any_horizontal(others)).then(pl.lit(""))
        return pl.coalesce("message", empty).alias("message")

    def _stamps(self, found: pl.DataFrame) -> pl.Series:
        if len(self._stamp) == 1:
            return found[self._stamp[0]]
        return found.select(pl.concat_str([pl.col(name) for name in self._stamp], separator=" ")).to_series()

    def _json(self, found: pl.DataFrame) -> pl.Expr:
        if not self._fields:
            return pl.lit(None, pl.String).alias("fields")
        text = pl.struct(self._fields).struct.json_encode()
        if any(found[name].null_count() for name in self._fields):
            # a quote within a value is escaped, so that this finds only our own names
            names = "|".join(self._fields)
            text = text.str.replace_all(rf'"(?:{names})":null,?', "").str.replace(r",\}$", "}")
            text = pl.when(text != "{}").then(text)
        return text.alias("fields")


def compiled_forms(spec: FormatSpec, has_time: bool) -> tuple[TimeForm, ...]:
    if has_time and not spec.time_formats:
        return (times.compile_form("iso8601"),)
    return tuple(times.compile_form(form) for form in spec.time_formats)


def engine_of(spec: FormatSpec) -> Engine:
    """The engine of a format; a FormatError says what is wrong with the format."""
    if spec.kind == "json":
        from deeplog_ops.formats.json_lines import JsonEngine

        return JsonEngine(spec)
    if spec.kind == "logfmt":
        from deeplog_ops.formats.logfmt import LogfmtEngine

        return LogfmtEngine(spec)
    if spec.kind == "csv":
        from deeplog_ops.formats.csv_rows import CsvEngine

        return CsvEngine(spec)
    return PatternEngine(spec)
