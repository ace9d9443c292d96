"""Which sessions of a training teach nothing, since the others do not support them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNSUPPORTED = 0.003  # of the training sessions at most
FEW = 0.001  # of the training sessions: a sequence that more have is no accident


def unsupported(total: NDArray[np.float64], counts: NDArray[np.int64], highest: float) -> NDArray[np.bool_]:
    """Which sequences teach nothing: the most anomalous to the others, of few sessions each, a small share in all."""
    sessions = int(counts.sum())
    room, few = int(sessions * UNSUPPORTED), max(1, int(sessions * FEW))
    found = np.zeros(len(total), bool)
    for row in np.lexsort((np.arange(len(total)), -total)):
        if total[row] < highest:
            break
        if counts[row] <= min(few, room):
            found[row] = True
            room -= int(counts[row])
    return found
