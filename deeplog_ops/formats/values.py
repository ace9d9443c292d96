"""The values of one field in many lines, as they stand in the raw text: what they say, and the same as JSON.

What a column can do is done for the column. Values with a form that is not the one that is stored (escapes by number,
numbers such as 1e3) are few; they go through Python one by one, which decides what they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl

# as they stand in raw JSON; a number has its digits bounded, since Python refuses very many
SCALAR = r"-?(?:0|[1-9][0-9]{0,40})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,9})?|true|false|null"
STRING = r'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*'
# numbers that Python writes as they stand: whole ones, and those of so few digits that a float holds them all
_AS_THEY_STAND = r"^(?:true|false|null|0|-?[1-9][0-9]*|-?0\.(?:0|[0-9]{0,3}[1-9])|-?[1-9][0-9]{0,8}\.(?:0|[0-9]{0,5}[1-9]))$"
as_json = json.JSONEncoder(ensure_ascii=False).encode
_decode = json.JSONDecoder().decode
_SHORT = {
    "\\\\": "\\",
    '\\"': '"',
    "\\/": "/",
    "\\b": "\b",
    "\\f": "\f",
    "\\n": "\n",
    "\\r": "\r",
    "\\t": "\t",
}
_TO_ESCAPE = {chr(code): json.dumps(chr(code))[1:-1] for code in (*range(32), ord('"'), ord("\\"))}


@dataclass(frozen=True)
class Seen:
    """What stands anywhere in some lines, so that not every field need be looked at: each look has its price."""

    escapes: bool = True
    empty_quotes: bool = True

    @classmethod
    def of(cls, lines: pl.Series) -> Seen:
        return cls(
            bool(lines.str.contains("\\", literal=True).any()),
            bool(lines.str.contains('""', literal=True).any()),
        )


class Values(Protocol):
    """Made of the group that a shape's pattern captured, and of what was seen in the lines."""

    def __init__(self, raw: pl.Series, seen: Seen) -> None: ...

    def there(self) -> np.ndarray | None:
        """Where there is a value; None: everywhere."""
        ...

    def empty(self) -> np.ndarray | None:
        """Where the value is an empty text; None: nowhere."""
        ...

    def text(self) -> pl.Series:
        """Each value as text."""
        ...

    def json(self) -> tuple[str, pl.Series, str]:
        """Each value as JSON as Python writes it; what stands before and after all of them apart."""
        ...


class Plain:
    """Text as it stands."""

    def __init__(self, raw: pl.Series, seen: Seen) -> None:
        self._raw, self._seen = raw, seen

    def there(self) -> np.ndarray | None:
        return None

    def empty(self) -> np.ndarray | None:
        return _where(self._raw.str.len_bytes() == 0)

    def text(self) -> pl.Series:
        return self._raw

    def json(self) -> tuple[str, pl.Series, str]:
        text = self.text()
        odd = text.str.contains(r'[\x00-\x1f"\\]')
        if odd.any():
            text = _changed(text, odd, lambda some: some.str.replace_many(_TO_ESCAPE))
        return '"', text, '"'


class Cell(Plain):
    """A cell of CSV, with its quotes if it has any."""

    def __init__(self, raw: pl.Series, seen: Seen) -> None:
        quoted = raw.str.starts_with('"')
        if quoted.any():
            raw = _changed(raw, quoted, _unquoted)
        super().__init__(raw, seen)


class Quoted(Plain):
    """What stands between the quotes of a string of JSON."""

    def empty(self) -> np.ndarray | None:
        return super().empty() if self._seen.empty_quotes else None

    def text(self) -> pl.Series:
        if not self._seen.escapes:
            return self._raw
        odd = self._raw.str.contains("\\", literal=True)
        if not odd.any():
            return self._raw
        return _changed(self._raw, odd, _unescaped)

    def json(self) -> tuple[str, pl.Series, str]:
        if not self._seen.escapes:
            return '"', self._raw, '"'
        odd = self._raw.str.contains(r"\\[/u]")
        if not odd.any():
            return '"', self._raw, '"'
        as_python_writes = _each(lambda inner: as_json(_read(f'"{inner}"'))[1:-1])
        return '"', _changed(self._raw, odd, as_python_writes), '"'


class Bare:
    """A number, true, false or null of JSON."""

    def __init__(self, raw: pl.Series, seen: Seen) -> None:
        self._raw = raw
        self._odd = ~raw.str.contains(_AS_THEY_STAND)

    def there(self) -> np.ndarray | None:
        nulls = _where(self._raw == "null")
        return None if nulls is None else ~nulls

    def empty(self) -> np.ndarray | None:
        return None

    def text(self) -> pl.Series:
        return _changed(self._raw, self._odd, _each(lambda raw: as_text(_decode(raw))))

    def json(self) -> tuple[str, pl.Series, str]:
        return "", _changed(self._raw, self._odd, _each(lambda raw: as_json(_decode(raw)))), ""


class Listed:
    """A list of JSON, whatever is in it."""

    def __init__(self, raw: pl.Series, seen: Seen) -> None:
        self._raw = raw

    def there(self) -> np.ndarray | None:
        return None

    def empty(self) -> np.ndarray | None:
        return None

    def text(self) -> pl.Series:
        return _each(lambda raw: as_text(_read(raw)))(self._raw)

    def json(self) -> tuple[str, pl.Series, str]:
        return "", _each(lambda raw: as_json(_read(raw)))(self._raw), ""


def _read(raw: str) -> Any:
    value = _decode(raw)
    return all_readable(value) if "\\u" in raw else value


def as_text(value: Any) -> str:
    """A value as Python reads it from JSON, as the text of a column."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, int) and 0 <= part < 256 for part in value):
        return readable(bytes(value).decode("utf-8", "backslashreplace"))  # journald writes bytes so
    if isinstance(value, bool | dict | list):
        return as_json(value)
    return str(value)


def readable(text: str) -> str:
    """Text that can be stored: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def all_readable(part: Any) -> Any:
    """Escapes in JSON can stand for what no text may hold."""
    if isinstance(part, str):
        return readable(part)
    if isinstance(part, list):
        return [all_readable(one) for one in part]
    if isinstance(part, dict):
        return {readable(name): all_readable(one) for name, one in part.items()}
    return part


def _unquoted(cells: pl.Series) -> pl.Series:
    inner = cells.str.strip_prefix('"').str.strip_suffix('"')
    return inner.str.replace_all('""', '"', literal=True)


def _unescaped(inner: pl.Series) -> pl.Series:
    """Escapes undone, from left to right, so that an escaped backslash is not taken for the next one's beginning."""
    numbered = inner.str.contains("\\u", literal=True)
    plain = inner.str.replace_many(_SHORT)
    if not numbered.any():
        return plain
    read = _each(lambda raw: str(_read(f'"{raw}"')))(inner.filter(numbered))
    return plain.clone().scatter(numbered.arg_true(), read)


def _each(function: Callable[[str], str]) -> Callable[[pl.Series], pl.Series]:
    """The function for every value, called once for those that are equal."""

    def column(raw: pl.Series) -> pl.Series:
        known = raw.unique()
        return raw.replace_strict(known, pl.Series([function(value) for value in known], dtype=pl.String))

    return column


def _changed(raw: pl.Series, where: pl.Series, function: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The function at some places, as few as it is to be called for."""
    if where.all():
        return function(raw)
    places = where.arg_true()
    return raw.clone().scatter(places, function(raw.gather(places))) if len(places) else raw


def _where(mask: pl.Series) -> np.ndarray | None:
    return mask.to_numpy() if mask.any() else None
