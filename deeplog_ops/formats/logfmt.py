"""Kind `logfmt`: name=value pairs in any order, as Go services write them (logrus, go-kit, zap, slog).

The statement is in `msg` alone; within its quotes it would be taken for one value, and all statements for one template.
"""

from __future__ import annotations

import json
import re

import polars as pl

from deeplog_ops.formats.engine import Headers
from deeplog_ops.formats.mapped import FieldMapping
from deeplog_ops.formats.shapes import Shape, Shapes, Slot
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.formats.values import STRING, Plain, Quoted, readable

_NAME = r'[^\s="]+='
# a quote that is never closed (a line that was cut) holds the rest of the line
_QUOTED = r'"(?P<quoted>(?:[^"\\]|\\.)*)(?:"|\\?$)(?=\s|$)'
_PAIR = re.compile(rf"(?P<name>{_NAME})(?:{_QUOTED}|(?P<bare>\S*))|(?P<word>\S+)")
_BEGINS = re.compile(rf"\s*{_NAME}")
_MARKS = r'(?:^|\s)[^\s="]+="?'
_BARE = r'((?:[^\s"\x00-\x1f][^\s\x00-\x1f]*)?)'  # Python takes some control characters for white space


class LogfmtEngine:
    """Reads lines of name=value pairs. A line without any of the names that hold the time goes on from the one before."""

    def __init__(self, spec: FormatSpec) -> None:
        self._mapping = FieldMapping(spec)
        self.has_time = self._mapping.has_time
        self._shapes = Shapes(_MARKS, self._shape)

    def read(self, lines: pl.Series) -> Headers:
        return self._mapping.headers(lines, self._shapes, self._record)

    def _record(self, line: str) -> dict[str, str] | None:
        if not _BEGINS.match(line):
            return None
        pairs = _pairs(line)
        return None if self.has_time and pairs.keys().isdisjoint(self._mapping.names["time"]) else pairs

    def _shape(self, line: str) -> Shape | None:
        """The shape of a line that is a record and has nothing but pairs."""
        pairs = list(_PAIR.finditer(line))
        if self._record(line) is None or any(pair["word"] is not None for pair in pairs):
            return None
        parts: list[str | Slot] = ["[ ]*"]
        for number, pair in enumerate(pairs):
            parts.append(("[ ]+" if number else "") + re.escape(pair["name"]))
            name = pair["name"][:-1]
            if pair["quoted"] is None:
                parts.append(Slot(name, _BARE, Plain))
            else:
                parts.append(Slot(name, f'"({STRING})"', Quoted))
        return Shape.of([*parts, "[ ]*"])


def _pairs(line: str) -> dict[str, str]:
    """The line's names and values; a name that comes twice has its first. A word without a value is a flag that is set."""
    found: dict[str, str] = {}
    for pair in _PAIR.finditer(line):
        if pair["word"] is not None:
            found.setdefault(pair["word"], "true")
        else:
            value = pair["bare"] if pair["quoted"] is None else _plain(pair["quoted"])
            found.setdefault(pair["name"][:-1], value)
    return found


def _plain(quoted: str) -> str:
    """The text that stands between quotes, its escapes undone."""
    if "\\" not in quoted:
        return quoted
    try:
        return readable(json.loads(f'"{quoted}"', strict=False))
    except ValueError:  # escapes of Go that JSON has not, such as \x1b
        return quoted.replace('\\"', '"')
