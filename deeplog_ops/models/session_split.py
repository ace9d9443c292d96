"""Sessions counted, and shared out to folds, the same way every time, where many sessions have one sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.errors import ModelError
from deeplog_ops.records import stable_digest


def distinct_sessions(
    sequences: Sequence[Sequence[str]], weights: Sequence[int] | None
) -> tuple[list[tuple[str, ...]], NDArray[np.int64]]:
    """Equal sequences as one with their weights summed, sorted: the input's order does not matter.

    ModelError where no session is left, or the weights do not fit.
    """
    if weights is not None and len(weights) != len(sequences):
        raise ModelError(f"{len(sequences)} sequences came with {len(weights)} weights: one each is expected")
    total: Counter[tuple[str, ...]] = Counter()
    for number, keys in enumerate(sequences):
        count = 1 if weights is None else int(weights[number])
        if count < 0:
            raise ModelError(f"sequence {number} has the weight {count}: a number of sessions is expected")
        if count:
            total[tuple(keys)] += count
    if not total:
        raise ModelError("there are no sessions to train on: choose training days that have some")
    ordered = sorted(total)
    return ordered, np.array([total[keys] for keys in ordered], np.int64)


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
