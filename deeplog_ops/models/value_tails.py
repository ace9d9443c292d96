"""How rare an error is: an interval of the errors on one side, Gaussian where they are, else by their tail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr, stdtrit

Floats = NDArray[np.float64]

WIDTHS = (0.84, 0.9, 0.95)  # the Gaussian's width is the largest that these quantiles ask for
LEAST_WIDTH = 0.05  # errors are in units of their own spread: less is a value that hardly ever changes
DOUBT = 4.0  # so many events are one degree of freedom: a short history has a wide interval
TAIL_SHARES = (0.02, 0.05, 0.1)  # where a tail may begin: at the largest so many of the errors,
TAIL_LEAST = 10  # or at so many,
TAIL_MOST = 500  # or so many
UNLIKELY = 2.0  # deviations by which errors must be farther out than a Gaussian's, to be called a tail
WILD_NATS = 4.0  # an error is wild where a Gaussian has e**-4 of them among so many,
WILD = 4  # and so many of them are no accident,
WILD_SHARE = 0.002  # nor are they such a share of the events, if these are more
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
        nats = gaussian.nats(ordered)
        wild = int((nats > np.log(events) + WILD_NATS).sum())
        if wild >= max(WILD, WILD_SHARE * events):
            # A few that are of another kind, such as the largest files: what they are is the tail.
            return gaussian._with_tail(ordered, wild)
        tops = {int(np.clip(events * share, TAIL_LEAST, TAIL_MOST)) for share in TAIL_SHARES}
        # Beyond any place the nats of a Gaussian's errors are exponential with mean 1.
        accidents = len(nats) - wild
        beyond = {
            top: _capped(nats[-top:accidents] - nats[-top - 1], 1.0).mean() - 1.0
            for top in tops
            if top > wild
        }
        if not beyond:
            return gaussian
        far, top = max((mean * np.sqrt(top), top) for top, mean in beyond.items())
        return gaussian._with_tail(ordered, top) if far > UNLIKELY else gaussian

    def _with_tail(self, ordered: Floats, top: int) -> Tail:
        """The `top` largest of the errors (N,), given in order, as an exponential tail."""
        start, share = float(ordered[-top - 1]), (top + 1) / (len(ordered) + 1)
        slope = max(start / np.log(0.5 / share), 1e-3)
        excess = _capped(ordered[-top:] - start, slope)
        total = float(excess.sum() + PRIOR * slope)
        return replace(self, kind="tail", start=start, share=share, count=top + PRIOR, total=total)

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
