"""Values under names of their own (a JSON object, a row of CSV) to our columns, as a format's `columns` maps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from deeplog_ops.errors import FormatError
from deeplog_ops.formats import times
from deeplog_ops.formats.engine import COLUMNS, Headers
from deeplog_ops.formats.shapes import Shapes
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.formats.values import Values, as_json, as_text

_OURS = (*COLUMNS, "time", "message")
_READ = (*_OURS, "fields")
RowReader = Callable[[str], Mapping[str, Any] | None]


class FieldMapping:
    """A format's `columns`: for each of our columns the names that may hold it, the first present one wins."""

    def __init__(self, spec: FormatSpec) -> None:
        unknown = set(spec.columns) - set(_OURS)
        if unknown:
            raise FormatError(
                f"format {spec.name!r} maps columns that are none: {', '.join(sorted(unknown))}; accepted are {', '.join(_OURS)}"
            )
        if "message" not in spec.columns:
            raise FormatError(
                f"format {spec.name!r} does not say which field is the message: set columns: {{message: ...}}"
            )
        self.names = {ours: tuple(theirs.split("|")) for ours, theirs in spec.columns.items()}
        self.has_time = "time" in self.names
        forms = spec.time_formats or ("iso8601", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns")
        self._forms = tuple(times.compile_form(form) for form in forms)

    def headers(self, lines: pl.Series, shapes: Shapes, read: RowReader) -> Headers:
        """One row a line: those of one shape column by column, each other one as `read` understands it."""
        alike, others = shapes.read(lines)
        frames = [self._columns(one.values, len(one.places)) for one in alike]
        if len(others) or not frames:
            frames.append(self._rows([read(line) for line in lines.gather(others)]))
        frame = pl.concat(frames)
        places = np.concatenate([*(one.places for one in alike), others])
        if len(frames) > 1:
            back = np.empty(len(places), np.int64)
            back[places] = np.arange(len(places))
            frame = frame[back]
        stamps = times.parse(frame["time"], self._forms) if self.has_time else None
        return Headers(frame.drop("time"), stamps)

    def _rows(self, rows: Sequence[Mapping[str, Any] | None]) -> pl.DataFrame:
        """One row an entry; None where the line holds no record. The message of a row without one is all of it."""
        columns: dict[str, list[str | None]] = {name: [None] * len(rows) for name in _READ}
        for place, row in enumerate(rows):
            if row is None:
                continue
            left = dict(row)
            for ours, theirs in self.names.items():
                for name in theirs:
                    value = left.get(name)
                    if value is not None:
                        columns[ours][place] = as_text(value)
                        del left[name]
                        break
            left = {name: value for name, value in left.items() if value is not None and value != ""}
            if left:
                columns["fields"][place] = as_json(left)
            if columns["message"][place] is None:
                columns["message"][place] = columns["fields"][place] or ""
        return pl.DataFrame({name: pl.Series(name, values, pl.String) for name, values in columns.items()})

    def _columns(self, values: Mapping[str, Values], rows: int) -> pl.DataFrame:
        """The same of lines that have the same fields."""
        whole = np.ones(rows, bool)
        free = {name: whole if (there := value.there()) is None else there for name, value in values.items()}
        columns = {name: pl.lit(None, pl.String) for name in _OURS}
        for ours, theirs in self.names.items():
            texts, missing = [], whole
            for name in theirs:
                if name not in free or not (here := free[name] & missing).any():
                    continue
                texts.append(_only(pl.lit(values[name].text()), here))
                free[name], missing = free[name] & ~here, missing & ~here
            if texts:
                columns[ours] = pl.coalesce(texts) if len(texts) > 1 else texts[0]
            if ours == "message":
                silent = missing.any()
        columns["fields"] = _as_object(values, free)
        rows_of = pl.int_range(rows).alias("row")  # what is the same in all lines is in each
        frame = pl.select(rows_of, *(column.alias(name) for name, column in columns.items()))
        if silent:
            frame = frame.with_columns(message=pl.coalesce("message", "fields", pl.lit("")))
        return frame.select(_READ)


def _as_object(values: Mapping[str, Values], free: Mapping[str, np.ndarray]) -> pl.Expr:
    """The fields that no column has taken, as a JSON object; those that are null or empty left out."""
    pieces = []
    for name, here in free.items():
        if (empty := values[name].empty()) is not None:
            here = here & ~empty
        if here.any():
            before, json_values, after = values[name].json()
            label = f"{as_json(name)}: {before}"
            pieces.append(_only(pl.concat_str(pl.lit(label), pl.lit(json_values), pl.lit(after)), here))
    if not pieces:
        return pl.lit(None, pl.String)
    inner = pl.concat_str(pieces, separator=", ", ignore_nulls=True)
    return pl.when(inner != "").then(pl.concat_str(pl.lit("{"), inner, pl.lit("}")))


def _only(column: pl.Expr, here: np.ndarray) -> pl.Expr:
    return column if here.all() else pl.when(pl.lit(pl.Series(here))).then(column)
