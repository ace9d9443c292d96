"""How verdicts agree with the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Confusion:
    """Counts, or expected counts, of sessions; an anomalous one is a positive.

    Where a ratio has nothing to divide by it says what was missed, not nothing: precision is 1 when nothing
    was flagged, recall is 1 when nothing was there to find, the false-alarm rate is 0 without normals, and
    F1 is 1 when nothing was there and nothing flagged.
    """

    tp: float
    fp: float
    fn: float
    tn: float

    @classmethod
    def of(cls, flagged: ArrayLike, anomalous: ArrayLike, weights: ArrayLike | None = None) -> Confusion:
        """Count N verdicts (N,) against the truth (N,), case i counting weights[i] times (default 1)."""
        said, true = np.asarray(flagged, bool), np.asarray(anomalous, bool)
        counts = np.ones(said.shape) if weights is None else np.asarray(weights, float)
        if said.shape != true.shape or said.shape != counts.shape:
            raise ValueError(
                f"shapes differ: {said.shape} verdicts, {true.shape} truths, {counts.shape} weights"
            )
        return cls(
            tp=float(counts[said & true].sum()),
            fp=float(counts[said & ~true].sum()),
            fn=float(counts[~said & true].sum()),
            tn=float(counts[~said & ~true].sum()),
        )

    @classmethod
    def projected(cls, false_alarm_rate: float, recall: float, normal: float, anomalous: float) -> Confusion:
        """The counts expected on a set of another size and mixture, where the two rates hold."""
        return cls(
            tp=recall * anomalous,
            fp=false_alarm_rate * normal,
            fn=(1 - recall) * anomalous,
            tn=(1 - false_alarm_rate) * normal,
        )

    @property
    def precision(self) -> float:
        """tp / (tp + fp): of what was flagged, how much is anomalous."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        """tp / (tp + fn): of what is anomalous, how much was flagged."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn)."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp + self.fp + self.fn else 1.0

    @property
    def false_alarm_rate(self) -> float:
        """fp / (fp + tn): of what is normal, how much was flagged."""
        return self.fp / (self.fp + self.tn) if self.fp + self.tn else 0.0


def auc(scores: ArrayLike, anomalous: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The chance that an anomalous case scores above a normal one, ties counting half: the area under the ROC curve.

    Scores are larger where more anomalous. 0.5 when one of the two kinds is absent: nothing to tell apart.
    """
    values, true = np.asarray(scores, float), np.asarray(anomalous, bool)
    counts = np.ones(values.shape) if weights is None else np.asarray(weights, float)
    distinct, where = np.unique(values, return_inverse=True)
    positive = np.bincount(where, counts * true, minlength=len(distinct))
    negative = np.bincount(where, counts * ~true, minlength=len(distinct))
    if not positive.sum() or not negative.sum():
        return 0.5
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / (positive.sum() * negative.sum()))
