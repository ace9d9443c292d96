"""How rare an error is: an interval of the errors on one side, Gaussian where they are, else by their tail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr, stdtrit

Floats = NDArray[np.float64]

WIDTHS = (0.84, 0.9, 0.95)  # the Gaussian's width is the largest that these quantiles ask for
LEAST_WIDTH = 0.05  # errors are in units of their own spread: less is a value that hardly ever changes
DOUBT = 4.0  # so many events are one degree of freedom: a short history has a wide interval
TAIL_SHARE = 0.02  # the tail is the largest fiftieth of the errors,
TAIL_LEAST = 10  # or so many,
TAIL_MOST = 500  # or so many
CHECKED = 60  # with fewer events nothing is said about their tail
PRIOR = 5.0  # the body's slope counts as so many errors of the tail
OUTLIER = 4.0  # an excess counts as at most so many typical ones: a few wild values in training do not blind
MOST_NATS = 690.0


@dataclass(frozen=True)
class Tail:
    """Errors of one side, larger is rarer. `nats(z)` is -ln of the share of events with an error of z or more.

    gaussian: a Student distribution of events / DOUBT degrees of freedom and width `width`.
    tail: up to `start` as above; beyond it `share * (1 + excess / total) ** -count`, an exponential whose scale
    is estimated (detection/calibration.py has the same form for sessions).
    """

    kind: Literal["gaussian", "tail"]
    events: int
    width: float
    start: float = 0.0
    share: float = 1.0
    count: float = 1.0
    total: float = 1.0

    @classmethod
    def fit(cls, errors: ArrayLike) -> Tail:
        """From errors (N,) whose median is about 0, positive on the side that is meant."""
        ordered = np.sort(np.asarray(errors, float))
        events = len(ordered)
        if not events:
            return cls("gaussian", 1, 1.0)
        asked = np.quantile(ordered, WIDTHS) / ndtri(np.array(WIDTHS))
        gaussian = cls("gaussian", events, float(max(asked.max(), LEAST_WIDTH)))
        if events < CHECKED:
            return gaussian
        top = int(np.clip(events * TAIL_SHARE, TAIL_LEAST, TAIL_MOST))
        start = float(ordered[-top - 1])
        largest = ordered[-top:]
        # Beyond any place the nats of a Gaussian's errors are exponential with mean 1.
        beyond = gaussian.nats(largest) - gaussian.nats(np.array([start]))
        if _capped(beyond, 1.0).mean() <= 1.0 + 1.6 / np.sqrt(top):
            return gaussian
        share = (top + 1) / (events + 1)
        slope = max(start / np.log(0.5 / share), 1e-3)
        excess = _capped(largest - start, slope)
        return cls(
            "tail", events, gaussian.width, start, share, top + PRIOR, float(excess.sum() + PRIOR * slope)
        )

    def nats(self, errors: ArrayLike) -> Floats:
        """-ln p of each error (N,), between 0 and MOST_NATS."""
        z = np.asarray(errors, float)
        with np.errstate(divide="ignore"):
            body = -np.log(stdtr(self._freedom, -z / self._spread))
        if self.kind == "tail":
            excess = np.maximum(z - self.start, 0.0)
            tail = -np.log(self.share) + self.count * np.log1p(excess / self.total)
            body = np.where(z > self.start, tail, np.minimum(body, -np.log(self.share)))
        return np.clip(body, 0.0, MOST_NATS)

    def at(self, nats: float) -> float:
        """The error that has so many nats: the interval's end."""
        if self.kind == "tail" and nats > -np.log(self.share):
            return float(self.start + self.total * np.expm1((nats + np.log(self.share)) / self.count))
        return float(-stdtrit(self._freedom, np.exp(-min(nats, MOST_NATS))) * self._spread)

    @property
    def _freedom(self) -> float:
        return max(1.0, self.events / DOUBT)

    @property
    def _spread(self) -> float:
        return float(self.width * np.sqrt(1.0 + 1.0 / self.events))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tail:
        return cls(**data)


def _capped(excess: Floats, least: float) -> Floats:
    return np.minimum(excess, OUTLIER * max(float(np.median(excess)) / np.log(2), least))
