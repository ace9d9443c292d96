"""Parameters: what stands at each wildcard, for whole columns, and what of it is a number.

A template's wildcards are found once for every distinct shape (a line with its numbers as `0`). A shape and
the lines behind it have the same punctuation in the same order, so a place is kept as "so many bytes after the
n-th punctuation", and the values of a column are then cut out of its bytes with array arithmetic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from deeplog_ops.templates.masks import SPACED, WILDCARD

_ALPHANUMERIC = np.zeros(256, dtype=bool)
_ALPHANUMERIC[[*b"0123456789", *range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1)]] = True
_ALPHANUMERIC[128:] = True  # a character beyond ASCII is never punctuation
PUNCTUATION = ~_ALPHANUMERIC
_NEWLINE = 10
_SPACED = re.compile(SPACED.encode())

Spans = list[tuple[int, int]]


def spans(text: str, line: bytes) -> Spans | None:
    """Where the wildcards of a template stand in a line, as [start, end) in bytes; None where it does not fit.

    Each takes as little as possible, from the left, or a whole date or number with its unit where one begins.
    """
    first, *rest = text.encode().split(WILDCARD.encode())
    if not rest:
        return [] if line == first else None
    *middle, last = rest
    if not line.startswith(first) or len(line) < len(first) + len(last) or not line.endswith(last):
        return None
    begin, end = len(first), len(line) - len(last)
    whole = _assign(middle, line, begin, end, _SPACED)
    return whole if whole is not None else _assign(middle, line, begin, end, None)


def _assign(
    literals: list[bytes], line: bytes, place: int, end: int, spaced: re.Pattern[bytes] | None
) -> Spans | None:
    """Spans between literals, in one pass from the left. Without `spaced`, finds some if there are any."""
    found = []
    for literal in literals:
        value = spaced.match(line, place, end) if spaced else None
        at = (
            value.end()
            if value and line.startswith(literal, value.end(), end)
            else line.find(literal, place, end)
        )
        if at < 0:
            return None
        found.append((place, at))
        place = at + len(literal)
    return [*found, (place, end)]


@dataclass(frozen=True)
class Cut:
    """The wildcards of one shape, each as (punctuation, offset) of its start and of its end.

    Punctuation 0 is the one before the line. `places` is None where some place cannot be told that way (two
    wildcards in one word, such as `a<*>b<*>`): then `text` is laid on each line.
    """

    text: str
    places: tuple[tuple[int, int, int, int], ...] | None


def cut(text: str, shape: str) -> Cut:
    """How to cut the parameters of `text` out of the lines of a shape. The text must fit the shape."""
    line = shape.encode()
    found = spans(text, line)
    if found is None:
        return Cut(text, None)
    marks = [-1, *(place for place, byte in enumerate(line) if PUNCTUATION[byte]), len(line)]
    places = []
    for start, end in found:
        begin, finish = _place(line, marks, start), _place(line, marks, end)
        if begin is None or finish is None:
            return Cut(text, None)
        places.append((*begin, *finish))
    return Cut(text, tuple(places))


def _place(line: bytes, marks: list[int], at: int) -> tuple[int, int] | None:
    """A place as (punctuation, offset) that holds for every line of the shape: no number between the two."""
    after = int(np.searchsorted(marks, at))  # the first punctuation at or after the place
    if b"0" not in line[at : marks[after]]:
        return after, at - marks[after]
    before = after - 1
    if b"0" not in line[marks[before] + 1 : at]:
        return before, at - marks[before]
    return None


class _CutTable:
    """Cuts as flat arrays: those of cut c stand at first[c] .. first[c] + count[c]."""

    def __init__(self, cuts: list[Cut]) -> None:
        self.texts = [cut.text for cut in cuts]
        self.by_hand = np.array([cut.places is None for cut in cuts], dtype=bool)
        rows = [
            cut.places if cut.places is not None else ((0, 0, 0, 0),) * cut.text.count(WILDCARD)
            for cut in cuts
        ]
        self.count = np.array([len(row) for row in rows], dtype=np.int64)
        self.first = np.cumsum(self.count) - self.count
        flat = [place for row in rows for place in row]
        self.places = np.array(flat, dtype=np.int64).reshape(-1, 4)


def extract(lines: pl.Series, codes: np.ndarray, cuts: list[Cut]) -> tuple[pa.ListArray, pa.ListArray]:
    """Parameters (list<string>) and their numbers (list<double>): a row a line, `codes` says which cut is its.

    Lines are first lines (no newline in them), together less than 2 GiB.
    """
    table = _CutTable(cuts)
    text = "\n".join(["", lines.str.join("\n").item(), ""]) if len(lines) else ""
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    marks = np.flatnonzero(PUNCTUATION[data])
    line_mark = np.flatnonzero(data[marks] == _NEWLINE)[: len(lines)]  # of the newline before each line
    count = table.count[codes]
    ends = np.cumsum(count)
    row = np.repeat(np.arange(len(lines)), count)
    place = table.places[np.repeat(table.first[codes] - (ends - count), count) + np.arange(len(row))]
    mark = line_mark[row]
    start = marks[mark + place[:, 0]] + place[:, 1]
    end = marks[mark + place[:, 2]] + place[:, 3]
    for index in np.flatnonzero(table.by_hand[codes]).tolist():
        begin = int(marks[line_mark[index]]) + 1
        finish = int(marks[line_mark[index + 1]]) if index + 1 < len(lines) else len(data) - 1
        found = spans(table.texts[codes[index]], data[begin:finish].tobytes())
        at = slice(int(ends[index] - count[index]), int(ends[index]))
        start[at] = [begin + left for left, _ in found or ()]
        end[at] = [begin + right for _, right in found or ()]
    values = _gather(data, start, end)
    offsets = pa.array(np.concatenate([[0], ends]), type=pa.int32())
    numbers = numbers_of(values).to_arrow().cast(pa.float64())
    return pa.ListArray.from_arrays(offsets, values), pa.ListArray.from_arrays(offsets, numbers)


def _gather(data: np.ndarray, start: np.ndarray, end: np.ndarray) -> pa.StringArray:
    """The slices data[start:end] as strings."""
    size = end - start
    stop = np.cumsum(size)
    picked = data[np.repeat(start - (stop - size), size) + np.arange(int(stop[-1]) if len(stop) else 0)]
    offsets = np.concatenate([[0], stop]).astype(np.int32)
    return pa.StringArray.from_buffers(len(size), pa.py_buffer(offsets), pa.py_buffer(picked))


_SIZE = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_SECONDS = {
    **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("us", "usec", "usecs", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("week", "weeks"), 604800.0),
}
_BYTES = {
    **dict.fromkeys(("byte", "bytes"), 1.0),
    **{f"{prefix}b": 1024.0**power for prefix, power in _SIZE.items()},
    **{f"{prefix}ib": 1024.0**power for prefix, power in _SIZE.items() if prefix},
    **{prefix: 1024.0**power for prefix, power in _SIZE.items() if prefix in ("k", "m", "g", "t")},
}
UNITS: dict[str, float] = {**_BYTES, **_SECONDS, "%": 1.0, "percent": 1.0}
_PLAIN = r"^[+-]?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]{1,3})?)?$"
_WITH_UNIT = r"^<?~?([+-]?[0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+|%)$"


def numbers_of(values: pa.StringArray) -> pl.Series:
    """Parameters as numbers, null where one is not a quantity.

    Integers and decimals as they are; sizes in bytes (`5.2 KB` is 5324.8: programs print powers of 1024 under
    either name); durations in seconds (`200 ms` is 0.2); `41%` is 41. Hexadecimal numbers, addresses, clock
    times and identifiers are names, not quantities: null.
    """
    text = pl.Series("number", values, dtype=pl.String)
    number = text.cast(pl.Float64, strict=False).set(~text.str.contains(_PLAIN), None)
    rest = number.is_null() & text.str.contains(_WITH_UNIT)
    if rest.any():
        rows = rest.arg_true()
        found = text.gather(rows)
        unit = found.str.extract(_WITH_UNIT, 2).str.to_lowercase()
        factor = unit.replace_strict(UNITS, default=None, return_dtype=pl.Float64)
        number = number.scatter(rows, found.str.extract(_WITH_UNIT, 1).cast(pl.Float64) * factor)
    return number
