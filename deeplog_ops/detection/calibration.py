"""Scores to p-values, measured on normal sessions that the model did not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deeplog_ops.errors import ModelError

TAIL_SHARE = 0.01  # the tail is fitted to the largest hundredth of the scores,
TAIL_LEAST = 10  # or to so many
PRIOR = 5.0  # the body's slope counts as so many scores of the tail
OUTLIER = 4.0  # an excess counts as at most so many typical ones: 1 in 55 of an exponential is larger
KNOTS = 500  # steps kept of the body


@dataclass(frozen=True)
class Calibration:
    """How often a normal session scores at least so high. Plain data; larger scores are more anomalous.

    Up to `tail_from` the share of held-out sessions that score as high, themselves counted (so never 0).
    Beyond, an exponential tail whose mean excess is not known but estimated, with A = `tail_count` and
    B = `tail_sum` of a gamma distribution's shape and rate:

        p(s) = tail_share * (1 + (s - tail_from) / B) ** -A

    which is exponential with scale B / A for long histories and falls more slowly for short ones.
    """

    sessions: int
    knots: tuple[float, ...]  # rising scores
    shares: tuple[float, ...]  # of sessions with at least that score
    tail_from: float
    tail_share: float
    tail_count: float
    tail_sum: float

    @classmethod
    def fit(
        cls, scores: ArrayLike, weights: ArrayLike | None = None, *, least_scale: float = 1.0
    ) -> Calibration:
        """From the held-out scores (M,) of weights[i] sessions each (default 1).

        A few anomalous sessions among them hardly matter: the excess of any is capped by the median's.
        Where scores hardly differ, the tail's prior scale is `least_scale`. The default is for surprises in
        nats, by their own meaning: one nat more is e times rarer.
        ModelError without a session, or with a score that is no number.
        """
        values, counts = np.asarray(scores, float), np.ones(np.shape(scores), np.int64)
        if weights is not None:
            counts = np.asarray(weights, np.int64)
        if values.shape != counts.shape or values.ndim != 1:
            raise ModelError(f"{values.shape} scores came with {counts.shape} weights: one each is expected")
        if not np.isfinite(values).all() or (counts < 0).any():
            raise ModelError("held-out scores must be finite numbers and their weights numbers of sessions")
        ordered = np.sort(np.repeat(values, counts))
        if not len(ordered):
            raise ModelError("there are no held-out sessions to calibrate with")
        total = len(ordered)
        tail = min(max(TAIL_LEAST, int(total * TAIL_SHARE)), total // 2)
        start = ordered[total - tail - 1] if tail else ordered[-1]
        share = (tail + 1) / (total + 1)
        excess = ordered[total - tail :] - start
        # An exponential through the middle of the body and the tail's start has this scale.
        slope = max((start - np.median(ordered)) / np.log(0.5 / min(share, 0.4)), least_scale)
        typical = np.median(excess) / np.log(2) if tail else 0.0
        capped = np.minimum(excess, OUTLIER * max(typical, slope))
        knots = _knots(ordered[: total - tail])
        above = total - np.searchsorted(ordered, knots, side="left")
        return cls(
            sessions=total,
            knots=tuple(knots.tolist()),
            shares=tuple(((above + 1) / (total + 1)).tolist()),
            tail_from=float(start),
            tail_share=float(share),
            tail_count=float(tail + PRIOR),
            tail_sum=float(capped.sum() + PRIOR * slope),
        )

    def p_value(self, scores: ArrayLike) -> NDArray[np.float64]:
        """The share of normal sessions expected to score at least as high: falls as the score rises, in (0, 1]."""
        values = np.asarray(scores, float)
        shares = np.append(np.asarray(self.shares), self.tail_share)
        body = shares[np.searchsorted(self.knots, values, side="left")]
        excess = np.maximum(values - self.tail_from, 0.0)
        tail = self.tail_share * (1 + excess / self.tail_sum) ** -self.tail_count
        return np.where(values > self.tail_from, tail, body)

    def threshold(self, budget: float) -> float:
        """The score above which the p-value is `budget` or less: so many normal sessions are flagged."""
        if budget >= self.tail_share:
            enough = np.flatnonzero(np.asarray(self.shares) <= budget)
            return self.knots[enough[0] - 1] if len(enough) else self.tail_from
        return self.tail_from + self.tail_sum * ((self.tail_share / budget) ** (1 / self.tail_count) - 1)

    def warming_up(self, least_sessions: int) -> bool:
        """Too few sessions to say what is rare: such a day is `warming_up`, not scored."""
        return self.sessions < least_sessions

    def to_dict(self) -> dict[str, Any]:
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        try:
            return cls(
                sessions=int(data["sessions"]),
                knots=tuple(map(float, data["knots"])),
                shares=tuple(map(float, data["shares"])),
                tail_from=float(data["tail_from"]),
                tail_share=float(data["tail_share"]),
                tail_count=float(data["tail_count"]),
                tail_sum=float(data["tail_sum"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"this is no calibration: {error!r} where a number is expected") from error


def _knots(body: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distinct scores of the body, thinned evenly to a bounded number; the largest always stays."""
    distinct = np.unique(body)
    kept = np.linspace(0, len(distinct) - 1, min(KNOTS, len(distinct))).round().astype(int)
    return distinct[kept]
