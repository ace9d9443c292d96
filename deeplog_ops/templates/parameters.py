"""Parameters: what stands at each wildcard, for whole columns, and what of it is a number.

A template's wildcards are found once for every distinct shape (a line with its numbers as `0`). A shape's bytes
are bytes of its line, so where a wildcard begins and ends in the shape says where in the line, and the values of a
column are then cut out of its bytes with array arithmetic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from deeplog_ops.templates.masks import SPACED, WILDCARD

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
    """The wildcards of one shape: the byte of the shape at which each begins, and the one before which it ends.

    `spans` is None where the text does not fit the shape: then it is laid on each line. `quantities` says of each
    whether its values may be numbers.
    """

    text: str
    spans: tuple[tuple[int, int], ...] | None
    quantities: tuple[bool, ...]


# A value that numbers_of reads has one of these shapes: its number, and what is left of exponent or unit.
_QUANTITY = re.compile(rb"[+-]?0?\.?0?(?:[+-]0)?|<?~?[+-]?0(?:\.0)? ?[A-Za-z]*%?")


def cut(text: str, shape: str) -> Cut:
    """How to cut the parameters of `text` out of the lines of a shape."""
    line = shape.encode()
    found = spans(text, line)
    if found is None:
        return Cut(text, None, (True,) * text.count(WILDCARD))
    quantities = (_QUANTITY.fullmatch(line, start, end) is not None for start, end in found)
    return Cut(text, tuple(found), tuple(quantities))


def extract(
    text: bytes, places: np.ndarray, starts: np.ndarray, codes: np.ndarray, cuts: list[Cut]
) -> tuple[pa.ListArray, pa.ListArray]:
    """Parameters (list<string>) and their numbers (list<double>): a row a line, `codes` says which cut is its.

    `text` is the joined lines, less than 2 GiB, `places` where in it the bytes of their shapes stand, and `starts`
    where among those each line begins (all of the room shapes).
    """
    table = _CutTable(cuts)
    count = table.count[codes]
    ends = np.cumsum(count)
    place = np.arange(2 * count.sum())
    place += np.repeat(2 * (table.first[codes] - (ends - count)), 2 * count)
    edges = places[table.edges[place] + np.repeat(starts, 2 * count)]
    for index in np.flatnonzero(table.by_hand[codes]).tolist():
        begin = int(places[starts[index]])
        found = (
            spans(table.texts[codes[index]], text[begin : text.index(b"\n", begin)])
            or [(0, 0)] * count[index]
        )
        edges[2 * (ends[index] - count[index]) : 2 * ends[index]] = begin + np.array(found).ravel()
    values = _between(text, edges)
    numbers = _numbers(values, np.flatnonzero(table.quantities[place[::2] // 2]))
    offsets = pa.array(np.concatenate([[0], ends]), type=pa.int32())
    return pa.ListArray.from_arrays(offsets, values), pa.ListArray.from_arrays(offsets, numbers)


def _between(text: bytes, edges: np.ndarray) -> pa.StringArray:
    """What stands between each even edge and the next."""
    if not len(edges):
        return pa.array([], type=pa.string())
    offsets = pa.py_buffer(edges.astype(np.int32))
    with_gaps = pa.StringArray.from_buffers(len(edges) - 1, offsets, pa.py_buffer(text))
    return with_gaps.take(pa.array(np.arange(0, len(edges), 2)))


def _numbers(values: pa.StringArray, quantities: np.ndarray) -> pa.DoubleArray:
    """numbers_of the values, of which those at `quantities` alone may be numbers."""
    chosen = values.take(pa.array(quantities))
    text = pl.Series("value", chosen, dtype=pl.String)
    read = text.cast(pl.Float64, strict=False)
    if len(worded := _worded(chosen)):
        read = read.scatter(worded, numbers_of(text.gather(worded)))
    numbers, valid = np.zeros(len(values)), np.zeros(len(values), dtype=bool)
    numbers[quantities], valid[quantities] = read.fill_null(0.0).to_numpy(), read.is_not_null().to_numpy()
    buffers = [pa.py_buffer(np.packbits(valid, bitorder="little")), pa.py_buffer(numbers)]
    return pa.Array.from_buffers(pa.float64(), len(values), buffers)


def _worded(values: pa.StringArray) -> np.ndarray:
    """Which values have more than digits, signs and points (or a comma or slash): a unit, an exponent, a word."""
    _, offsets, data = values.buffers()
    other = np.frombuffer(data or b"", dtype=np.uint8) - np.uint8(ord("+")) > ord("9") - ord("+")
    if not other.any():
        return np.array([], dtype=np.int64)
    before = np.concatenate([[0], np.cumsum(other, dtype=np.int32)])
    return np.flatnonzero(np.diff(before[np.frombuffer(offsets, dtype=np.int32)[: len(values) + 1]]))


class _CutTable:
    """Cuts as flat arrays: those of cut c stand at first[c] .. first[c] + count[c], with two edges each."""

    def __init__(self, cuts: list[Cut]) -> None:
        self.texts = [cut.text for cut in cuts]
        self.by_hand = np.array([cut.spans is None for cut in cuts], dtype=bool)
        self.count = np.array([len(cut.quantities) for cut in cuts], dtype=np.int64)
        self.first = np.cumsum(self.count) - self.count
        self.quantities = np.array([may for cut in cuts for may in cut.quantities], dtype=bool)
        spans = [span for cut in cuts for span in cut.spans or ((0, 0),) * len(cut.quantities)]
        self.edges = np.array(spans, dtype=np.int64).ravel()


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
_UNIT = pl.Enum(list(UNITS))
_DECIMAL = r"^[+-]?[0-9]+\.[0-9]+[eE][+-]?[0-9]{1,3}$"
_WITH_UNIT = r"^<?~?(?<amount>[+-]?[0-9]+(?:\.[0-9]+)?) ?(?<unit>[A-Za-z]+|%)$"


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
    if len(rows):
        found = text.gather(rows).str.extract_groups(_WITH_UNIT).struct
        unit = found.field("unit").str.to_lowercase()
        factor = pl.Series(list(UNITS.values())).gather(unit.cast(_UNIT, strict=False).to_physical())
        number = number.scatter(rows, found.field("amount").cast(pl.Float64) * factor)
    return number
