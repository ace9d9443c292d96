"""The two scores of the default verdict side by side, in nats: order and counts of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.count_distance import CountDistance
from deeplog_ops.models.progress_model import ProgressModel

Floats = NDArray[np.float64]
KeySequence = Sequence[str]

ORDER_CAP = 14.0  # a single surprise says no more than this, when counts are to say something too
MARGIN = 3.0  # below the score of one new key in a surprising place stands the highest threshold of all


@dataclass(frozen=True)
class SessionScores:
    order: ProgressModel
    counts: CountDistance

    @classmethod
    def fit(cls, sequences: Sequence[KeySequence], weights: Sequence[int]) -> SessionScores:
        counts = CountDistance.fit(sequences, weights)
        return cls(ProgressModel.fit(sequences, weights, counts.free), counts)

    def with_sessions(self, sequences: Sequence[KeySequence], weights: Sequence[int]) -> SessionScores:
        return SessionScores(
            self.order.with_sessions(sequences, weights), self.counts.with_sessions(sequences, weights)
        )

    def of(self, sequences: Sequence[KeySequence]) -> tuple[Floats, Floats]:
        return self.order.session_scores(sequences), self.counts.session_scores(sequences)

    def left_out(self, sequences: Sequence[KeySequence]) -> tuple[Floats, Floats]:
        return self.order.left_out_scores(sequences), self.counts.left_out_scores(sequences)

    @property
    def highest(self) -> float:
        return ORDER_CAP + self.counts.new_key - MARGIN


def summed(order: Floats, counts: Floats) -> Floats:
    """Both scores (N,) in one."""
    total: Floats = np.minimum(order, ORDER_CAP) + counts
    return total
