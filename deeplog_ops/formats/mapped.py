"""Values under names of their own (a JSON object, a row of CSV) to our columns, as a format's `columns` maps them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from deeplog_ops.errors import FormatError
from deeplog_ops.formats import times
from deeplog_ops.formats.engine import COLUMNS, Headers
from deeplog_ops.formats.spec import FormatSpec

_OURS = (*COLUMNS, "time", "message")


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

    def headers(self, rows: Sequence[Mapping[str, Any] | None]) -> Headers:
        """One row an entry; None where the line holds no record. The message of a row without one is all of it."""
        columns: dict[str, list[str | None]] = {name: [None] * len(rows) for name in (*_OURS, "fields")}
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
                columns["fields"][place] = json.dumps(left, ensure_ascii=False, default=str)
            if columns["message"][place] is None:
                columns["message"][place] = columns["fields"][place] or ""
        frame = pl.DataFrame({name: pl.Series(name, values, pl.String) for name, values in columns.items()})
        stamps = times.parse(frame["time"], self._forms) if self.has_time else None
        return Headers(frame.drop("time"), stamps)


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, int) and 0 <= part < 256 for part in value):
        return readable(bytes(value).decode("utf-8", "backslashreplace"))  # journald writes bytes so
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def readable(text: str) -> str:
    """Text that can be stored: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
