"""Kind `json`: one object a line. Nested objects become fields with dots in their names."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import polars as pl

from deeplog_ops.formats.engine import Headers
from deeplog_ops.formats.mapped import FieldMapping
from deeplog_ops.formats.shapes import Shape, Shapes, Slot
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.formats.values import SCALAR, STRING, Bare, Listed, Quoted, all_readable, readable

_GAP = r"[ \t\r]*"
_DEEPEST_LIST = 2  # a pattern for lists within lists doubles with each
# names, and what tells a text, an object and a list apart
_MARKS = r'"[^"\\]*"[ \t\r]*:[ \t\r]*["{\[]?'
_DEEPEST = 30


class JsonEngine:
    """Reads NDJSON, as written by log shippers, journald and structured loggers."""

    def __init__(self, spec: FormatSpec) -> None:
        self._mapping = FieldMapping(spec)
        self.has_time = self._mapping.has_time
        self._shapes = Shapes(_MARKS, shape_of)

    def read(self, lines: pl.Series) -> Headers:
        return self._mapping.headers(lines, self._shapes, object_of)


def object_of(line: str) -> dict[str, Any] | None:
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
    """`escaped`: there are escapes by number, and only they can stand for what no text may hold."""
    for name, part in value.items():
        if isinstance(part, dict):
            _flatten(part, f"{prefix}{name}.", flat, escaped)
        elif escaped:
            flat[readable(prefix + name)] = all_readable(part)
        else:
            flat[prefix + name] = part


class _Members(list[tuple[str, Any]]):
    """An object with all its members, in their order; names may come twice."""


def shape_of(line: str) -> Shape | None:
    """The shape of a line that holds an object; None where it holds none, or one that is better read by itself."""
    try:
        value = json.loads(line, object_pairs_hook=_Members)
        if not isinstance(value, _Members):
            return None
        return Shape.of([_GAP, *_object(value, "", 0), _GAP])
    except (_Odd, ValueError, RecursionError):
        return None


class _Odd(Exception):
    """No pattern is made of such an object."""


def _object(members: _Members, prefix: str, depth: int) -> list[str | Slot]:
    if depth > _DEEPEST or len({name for name, _ in members}) < len(members):
        raise _Odd  # of names that come twice the last one holds
    parts: list[str | Slot] = [rf"\{{{_GAP}"]
    for number, (name, value) in enumerate(members):
        if re.search(r'["\\\x00-\x1f\ud800-\udfff]', name):
            raise _Odd  # its name is not written as it reads
        parts.append(f'{"," + _GAP if number else ""}"{re.escape(name)}"{_GAP}:{_GAP}')
        parts += _value(prefix + name, value, depth)
        parts.append(_GAP)
    return [*parts, r"\}"]


def _value(name: str, value: Any, depth: int) -> list[str | Slot]:
    if isinstance(value, _Members):
        return _object(value, name + ".", depth + 1)
    if isinstance(value, str):
        return [Slot(name, f'"({STRING})"', Quoted)]
    if isinstance(value, list):
        return [Slot(name, f"({_list(_nesting(value))})", Listed)]
    return [Slot(name, f"({SCALAR})", Bare)]


def _nesting(value: list[Any]) -> int:
    """How many lists or objects are within one another in a list; objects are lists of members here."""
    parts = (part for _, part in value) if isinstance(value, _Members) else value
    return max((1 + _nesting(part) for part in parts if isinstance(part, list)), default=0)


@cache
def _list(nesting: int) -> str:
    if nesting > _DEEPEST_LIST:
        raise _Odd
    one = _element(nesting)
    return rf"\[{_GAP}(?:{one}{_GAP}(?:,{_GAP}{one}{_GAP})*)?\]"


def _element(nesting: int) -> str:
    scalar = f'"{STRING}"|{SCALAR}'
    if not nesting:
        return f"(?:{scalar})"
    member = f'"{STRING}"{_GAP}:{_GAP}{_element(nesting - 1)}{_GAP}'
    return rf"(?:{scalar}|{_list(nesting - 1)}|\{{{_GAP}(?:{member}(?:,{_GAP}{member})*)?\}})"
