"""Parameters: what stands at each wildcard, for whole columns, and what of it is a number.

A template's wildcards are found once for every distinct shape (a line with its numbers as `0`). A shape and
the lines behind it have the same punctuation in the same order, so a place is kept as "so many bytes after the
n-th punctuation", and the values of a column are then cut out of its bytes with array arithmetic.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from deeplog_ops.templates.masks import SPACED, WILDCARD
from deeplog_ops.templates.shapes import NEWLINE

_PUNCTUATION = bytes(
    byte < 128 and not chr(byte).isalnum() for byte in range(256)
)  # beyond ASCII there is none
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
    marks = [-1, *(place for place, byte in enumerate(line) if _PUNCTUATION[byte]), len(line)]
    places = []
    for start, end in found:
        begin, finish = _place(line, marks, start), _place(line, marks, end)
        if begin is None or finish is None:
            return Cut(text, None)
        places.append((*begin, *finish))
    return Cut(text, tuple(places))


def _place(line: bytes, marks: list[int], at: int) -> tuple[int, int] | None:
    """A place as (punctuation, offset) that holds for every line of the shape: no number between the two."""
    after = bisect_left(marks, at)  # the first punctuation at or after the place
    if b"0" not in line[at : marks[after]]:
        return after, at - marks[after]
    before = after - 1
    if b"0" not in line[marks[before] + 1 : at]:
        return before, at - marks[before]
    return None


def extract(
    lines: pl.Series, text: bytes, codes: np.ndarray, cuts: list[Cut]
) -> tuple[pa.ListArray, pa.ListArray]:
    """Parameters (list<string>) and their numbers (list<double>): a row a line, `codes` says which cut is its.

    `text` is the joined lines (shapes.joined), less than 2 GiB.
    """
    table = _CutTable(cuts)
    data = np.frombuffer(text, dtype=np.uint8)
    marks = np.flatnonzero(np.frombuffer(text.translate(_PUNCTUATION), dtype=bool))
    line_mark = np.flatnonzero(data[marks] == NEWLINE)[: len(lines)]  # of the newline before each line
    origin = marks[line_mark] + 1
    count = table.count[codes]
    ends = np.cumsum(count)
    row = np.repeat(np.arange(len(lines)), count)
    place = np.repeat(table.first[codes] - (ends - count), count) + np.arange(len(row))
    mark = line_mark[row]
    start = marks[mark + table.start_mark[place]] + table.start_offset[place] - origin[row]
    end = marks[mark + table.end_mark[place]] + table.end_offset[place] - origin[row]
    for index in np.flatnonzero(table.by_hand[codes]).tolist():
        found = spans(table.texts[codes[index]], lines[index].encode())
        at = slice(int(ends[index] - count[index]), int(ends[index]))
        start[at], end[at] = zip(*found, strict=True) if found else (0, 0)
    frame = pl.DataFrame({"line": lines.gather(row), "start": start, "size": end - start})
    piece = pl.col("line").cast(pl.Binary).bin.slice("start", "size").cast(pl.String)
    values = frame.select(piece).to_series()
    offsets = pa.array(np.concatenate([[0], ends]), type=pa.int32())
    return (
        pa.ListArray.from_arrays(offsets, values.to_arrow().cast(pa.string())),
        pa.ListArray.from_arrays(offsets, numbers_of(values).to_arrow()),
    )


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
        flat = np.array([place for row in rows for place in row], dtype=np.int64).reshape(-1, 4)
        self.start_mark, self.start_offset, self.end_mark, self.end_offset = flat.T.copy()


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
_DECIMAL = r"^[+-]?[0-9]+\.[0-9]+[eE][+-]?[0-9]{1,3}$"
_WITH_UNIT = r"^<?~?([+-]?[0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+|%)$"


def numbers_of(text: pl.Series) -> pl.Series:
    """Parameters as numbers, null where one is not a quantity.

    Integers and decimals as they are; sizes in bytes (`5.2 KB` is 5324.8: programs print powers of 1024 under
    either name); durations in seconds (`200 ms` is 0.2); `41%` is 41. Hexadecimal numbers, addresses, clock
    times and identifiers are names, not quantities: null.
    """
    number = text.cast(pl.Float64, strict=False)
    doubtful = (number.is_not_null() & text.str.contains("[A-Za-z]")).arg_true()  # nan, inf, 5e10
    number = number.scatter(doubtful.filter(~text.gather(doubtful).str.contains(_DECIMAL)), None)
    rows = number.is_null().arg_true()
    rows = rows.filter(text.gather(rows).str.contains(_WITH_UNIT))
    if len(rows):
        found = text.gather(rows)
        unit = found.str.extract(_WITH_UNIT, 2).str.to_lowercase()
        factor = unit.replace_strict(UNITS, default=None, return_dtype=pl.Float64)
        number = number.scatter(rows, found.str.extract(_WITH_UNIT, 1).cast(pl.Float64) * factor)
    return number
