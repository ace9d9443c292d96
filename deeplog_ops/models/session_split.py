"""Sessions shared out to folds, the same way every time, where many sessions have one sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.records import stable_digest


def sessions_held_out(
    sequences: Sequence[Sequence[str]], weights: NDArray[np.int64], folds: int, fold: int
) -> NDArray[np.int64]:
    """How many of the weights[i] sessions of sequence i belong to `fold` of `folds`. (N,) → (N,)

    Sessions are shared out, not sequences: a new session often has a sequence that was seen, and held-out
    sessions must stand for new ones. Every fold gets weights[i] // folds of them; a hash of the sequence
    says which folds get one more, so the result depends on nothing but sequence and weight.
    """
    turn = np.array([int(stable_digest(sequence)[:8], 16) % folds for sequence in sequences], np.int64)
    return weights // folds + ((turn + fold) % folds < weights % folds)
