"""ISO time stamps of one form at once: their digits are columns of a table of bytes.

The stamps of a file differ in their digits alone, and stand in the same places. So one of them tells where year, month
and the rest are in all that are as long and have the same other characters.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl

_FEWEST = 16  # stamps of one length that are worth it
_MOST_LENGTHS = 8
_MINUTE = 60_000_000


def of_one_form(texts: pl.Series, pattern: re.Pattern[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each text µs since 1970 (a zone's offset taken off), whether it names a zone, and whether it was read at all.

    `pattern` has the groups year, month, day, hour, minute, second, fraction, utc, offset_h and offset_m. Stamps that
    are rare, odd or of a day that does not exist are not read.
    """
    ticks, zoned, done = (np.zeros(len(texts), kind) for kind in (np.int64, bool, bool))
    lengths = texts.str.len_bytes().fill_null(0).to_numpy()
    found, counts = np.unique(lengths, return_counts=True)
    for length in found[np.argsort(-counts, kind="stable")][:_MOST_LENGTHS]:
        rows = np.flatnonzero(lengths == length)
        if len(rows) < _FEWEST or not length:
            continue
        some = texts if len(rows) == len(texts) else texts.gather(rows)
        match = pattern.match(some[0])
        # of control characters Python and the engine do not think alike whether they are white space
        if match is None or not (match[0].isascii() and match[0].isprintable()):
            continue
        here, good = _ticks(_bytes(some, int(length)), match)
        ticks[rows], done[rows] = here, good
        zoned[rows] = match["utc"] is not None or match["offset_h"] is not None
    return ticks, zoned & done, done


def _bytes(texts: pl.Series, length: int) -> np.ndarray:
    packed = texts.cast(pl.Binary).to_arrow(compat_level=pl.CompatLevel.oldest())
    begin = packed.offset * length
    return np.frombuffer(packed.buffers()[2], np.uint8)[begin : begin + len(texts) * length].reshape(
        -1, length
    )


def _ticks(table: np.ndarray, match: re.Match[str]) -> tuple[np.ndarray, np.ndarray]:
    """Of stamps that are as `match` is, whether they are so included."""
    first = np.frombuffer(match[0].encode(), np.uint8)
    digit = (first >= 48) & (first <= 57)
    values = table[:, digit] - np.uint8(48)  # what is below wraps around
    good = (values <= 9).all(axis=1) & (table[:, ~digit] == first[~digit]).all(axis=1)
    columns = dict(zip(np.flatnonzero(digit).tolist(), values.T, strict=True))

    def number(name: str, first_digits: int = 9) -> np.ndarray:
        total = np.zeros(len(table), np.int64)
        if match[name] is not None:
            places = [place for place in range(*match.span(name)) if place in columns]  # a sign is none
            for place in places[:first_digits]:
                total = total * 10 + columns[place]
        return total

    month, day, hour = number("month"), number("day"), number("hour")
    minute, second = number("minute"), number("second")
    months = ((number("year") - 1970) * 12 + month - 1).astype("datetime64[M]")
    start = months.astype("datetime64[D]").astype(np.int64)
    days_in_month = (months + 1).astype("datetime64[D]").astype(np.int64) - start
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= days_in_month)
    good &= (hour < 24) & (minute < 60) & (second < 60)
    seconds = (start + day - 1) * 86400 + hour * 3600 + minute * 60 + second
    digits = min(6, len(match["fraction"] or ""))
    ticks = seconds * 1_000_000 + number("fraction", 6) * 10 ** (6 - digits)
    if match["offset_h"] is not None:
        sign = -1 if match["offset_h"].startswith("-") else 1
        ticks -= sign * (number("offset_h") * 60 + number("offset_m")) * _MINUTE
    return np.where(good, ticks, 0), good
