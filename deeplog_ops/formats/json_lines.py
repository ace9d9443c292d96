"""Kind `json`: one object a line. Nested objects become fields with dots in their names."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from deeplog_ops.formats.engine import Headers
from deeplog_ops.formats.mapped import FieldMapping, readable
from deeplog_ops.formats.spec import FormatSpec


class JsonEngine:
    """Reads NDJSON, as written by log shippers, journald and structured loggers."""

    def __init__(self, spec: FormatSpec) -> None:
        self._mapping = FieldMapping(spec)
        self.has_time = self._mapping.has_time

    def read(self, lines: pl.Series) -> Headers:
        return self._mapping.headers([_object(line) for line in lines])


def _object(line: str) -> dict[str, Any] | None:
    """The line's object, flat; None where it holds none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(line)
        flat: dict[str, Any] = {}
        _flatten(value, "", flat, escaped="\\u" in line)
    except (ValueError, RecursionError):
        return None
    return flat


def _flatten(value: dict[str, Any], prefix: str, flat: dict[str, Any], escaped: bool) -> None:
    for name, part in value.items():
        if isinstance(part, dict):
            _flatten(part, f"{prefix}{name}.", flat, escaped)
        else:
            flat[readable(prefix + name)] = _readable(part) if escaped else part


def _readable(part: Any) -> Any:
    """Escapes in JSON can stand for what no text may hold."""
    if isinstance(part, str):
        return readable(part)
    if isinstance(part, list):
        return [_readable(one) for one in part]
    if isinstance(part, dict):
        return {readable(name): _readable(one) for name, one in part.items()}
    return part
