"""Stretches of a day that a rate is judged over: one bin, two and six in a row, and the whole day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPANS = (1, 2, 6)  # bins in a row; the whole day is WHOLE
WHOLE = 0
ALL = (*SPANS, WHOLE)


def windows(span: int, bins: int) -> list[tuple[int, int]]:
    """First bin and the one after the last, of every window of a span in a day of so many bins."""
    if span == WHOLE:
        return [(0, bins)] if bins > 1 else []
    return [(first, first + span) for first in range(bins - span + 1)] if span < bins or span == 1 else []


def sums(values: NDArray[np.float64], span: int) -> NDArray[np.float64]:
    """Sums (T, W) over the windows of a span of values (T, B)."""
    places = windows(span, values.shape[1])
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    first, after = np.array(places, np.int64).reshape(-1, 2).T
    return total[:, after] - total[:, first]
