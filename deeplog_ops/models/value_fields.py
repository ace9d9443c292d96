"""What stands at a wildcard: a quantity, a duration, a name, or nothing that is worth watching."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr

Field = Literal["number", "duration", "name", "constant", "counter", "identifier", "empty"]
Floats = NDArray[np.float64]

MOSTLY = 0.9
FEW = 12  # different numbers that are codes rather than quantities, when each came so often:
OFTEN = 5
LEAST = 60  # events, to call few numbers codes
RISING = 0.95  # rank correlation with time from which numbers count something up
LOOKED_AT = 2000
DIGITS = 4  # a whole number without a unit with so many digits may be a name
_TIME = r"(?i)[0-9] ?(?:[nuµm]s|[munµ]?secs?|s|h|hrs?|d|mins?|(?:nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?)$"


_BYTES = r"(?i)[0-9] ?(?:[kmgtpe]?i?b|bytes?)$"


def unit_of(names: pl.Series) -> str:
    """What the numbers of these texts (N,) are counted in: s, bytes, % or nothing."""
    present = names.drop_nulls()
    for unit, pattern in (("s", _TIME), ("bytes", _BYTES), ("%", r"[0-9] ?(?:%|percent)$")):
        if len(present) and _mostly(present.str.contains(pattern)):
            return unit
    return ""


def recognise(names: pl.Series, numbers: Floats) -> Field:
    """What the texts (N,) and their numbers (N,), NaN where there is none, are, given in the order of time."""
    present = names.is_not_null().to_numpy()
    if not present.any():
        return "empty"
    names, numbers = names.filter(pl.Series(present)), numbers[present]
    if names.n_unique() == 1:
        return "constant"
    finite = np.isfinite(numbers)
    if finite.mean() < MOSTLY:
        return "name"
    if unit_of(names) == "s":
        return "duration"
    known = numbers[finite]
    _, counts = np.unique(known, return_counts=True)
    if len(known) >= LEAST and len(counts) <= FEW and counts.min() >= OFTEN:
        return "name"
    if _counts_up(known):
        return "counter"
    return "identifier" if _identifies(names, known, len(counts)) else "number"


def _counts_up(numbers: Floats) -> bool:
    """Rises (or falls) with time, as a number of a request or a time stamp does: what comes next is new by nature."""
    if len(numbers) < 20:
        return False
    some = numbers[:: max(1, len(numbers) // LOOKED_AT)]
    if some.min() == some.max():
        return False
    return abs(float(spearmanr(some, np.arange(len(some))).statistic)) >= RISING


def _identifies(names: pl.Series, numbers: Floats, distinct: int) -> bool:
    """Nearly all different, whole, bare, and of equal length: ports, random numbers of a request."""
    if len(numbers) < 20 or distinct < 0.7 * len(numbers):
        return False
    bare = names.str.contains(r"^-?[0-9]+$")
    if not _mostly(bare):
        return False
    length = names.str.strip_prefix("-").str.len_chars()
    return int(length.mode().sort()[0]) >= DIGITS and _mostly(length == length.mode().sort()[0])


def _mostly(flags: pl.Series) -> bool:
    return int(flags.sum() or 0) >= MOSTLY * len(flags)
