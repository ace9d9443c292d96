"""How high the scores of normal sessions reach: an exponential tail with a margin for what few sessions cannot show."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, gammaincinv

from deeplog_ops.errors import ModelError

LEAST = 10  # a tail is fitted to so many of the largest scores at least
PRIOR = 5.0  # the prior scale counts as so many of them


@dataclass(frozen=True)
class Tail:
    """A share `share` of sessions scores above `start`, exponentially with `scale`: both at the upper end of what the
    training allows with some confidence, so that a budget of false alarms holds and is not only met on average."""

    sessions: int
    start: float
    share: float
    scale: float

    @classmethod
    def fit(
        cls,
        scores: ArrayLike,
        weights: ArrayLike,
        *,
        largest: float,
        confidence: float,
        least_scale: float = 1.0,
    ) -> Tail:
        """From scores (N,) of weights[i] sessions each that were left out in turn; the tail is the `largest` share.

        `least_scale` is its scale as far as no scores say otherwise, as for `Calibration.fit`: of nats, one.
        ModelError without any session.
        """
        values, counts = np.asarray(scores, float), np.asarray(weights, np.int64)
        total = int(counts.sum())
        if not total:
            raise ModelError("there are no sessions to learn from how high normal scores reach")
        order = np.argsort(values, kind="stable")
        values, counts = values[order], counts[order]
        count = min(max(LEAST, int(total * largest)), total // 2)
        start = float(values[np.searchsorted(np.cumsum(counts), total - count)])
        excess = float(counts @ np.maximum(values - start, 0.0))
        share = float(betaincinv(count + 1, total - count, confidence))
        scale = (excess + PRIOR * least_scale) / float(gammaincinv(count + PRIOR, 1 - confidence))
        return cls(total, start, share, scale)

    def threshold(self, budget: float) -> float:
        """The score that no more than `budget` of normal sessions reach."""
        return self.start + self.scale * max(0.0, float(np.log(self.share / budget)))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
