"""How high the scores of normal sessions reach: an exponential tail with a margin for what few sessions cannot show."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, gammaincinv

LEAST = 10  # a tail is fitted to so many of the largest scores at least
PRIOR = 5.0  # the prior scale of one nat counts as so many of them


@dataclass(frozen=True)
class Tail:
    """A share `share` of sessions scores above `start`, exponentially with `scale`: both at the upper end of what the
    training allows with some confidence, so that a budget of false alarms holds and is not only met on average."""

    sessions: int
    start: float
    share: float
    scale: float

    @classmethod
    def fit(cls, scores: ArrayLike, weights: ArrayLike, *, largest: float, confidence: float) -> Tail:
        """From scores (N,) of weights[i] sessions each that were left out in turn; the tail is the `largest` share."""
        ordered = np.sort(np.repeat(np.asarray(scores, float), np.asarray(weights, np.int64)))
        total = len(ordered)
        if not total:
            return cls(0, 0.0, 1.0, np.inf)
        count = min(max(LEAST, int(total * largest)), total // 2)
        start = float(ordered[total - count - 1])
        excess = float((ordered[total - count :] - start).sum())
        share = float(betaincinv(count + 1, total - count, confidence))
        scale = (excess + PRIOR) / float(gammaincinv(count + PRIOR, 1 - confidence))
        return cls(total, start, share, scale)

    def threshold(self, budget: float) -> float:
        """The score that no more than `budget` of normal sessions reach."""
        return self.start + self.scale * max(0.0, float(np.log(self.share / budget)))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
