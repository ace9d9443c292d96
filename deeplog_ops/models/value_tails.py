"""How rare an error is: an interval of the errors on one side, Gaussian where they are, else by their tail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, ndtri, stdtr

Floats = NDArray[np.float64]

WIDTHS = (0.84, 0.9, 0.95)  # the Gaussian's width is the largest that these quantiles ask for
LEAST_WIDTH = 0.3  # of the errors' spread: with less, nearly all of them are the same
DOUBT = 2.0  # so many events are one degree of freedom: a short history has a wide interval
TAIL_SHARES = (0.02, 0.05, 0.1)  # where a tail may begin: at the largest so many of the errors,
TAIL_LEAST = 10  # or at so many,
TAIL_MOST = 500  # or so many
UNLIKELY = 2.0  # deviations by which errors must be farther out than a Gaussian's, to be called a tail
WILD_NATS = 4.0  # an error is wild where its model has e**-4 of them among so many,
WILD = 4  # and so many of them are no accident,
WILD_SHARE = 0.002  # nor are they such a share of the events, if these are more
PRIOR = 5.0  # the body's slope counts as so many errors of the tail
OUTLIER = 4.0  # an excess counts as at most so many typical ones: a few wild values in training do not blind
MOST_NATS = 690.0


@dataclass(frozen=True)
class Tail:
    """Errors of one side, larger is rarer. `nats(z)` is -ln of the share of events with an error of z or more:

        p(z) = (1 - doubt) * gaussian(z) + doubt * tail(z)

    gaussian: a Student distribution of events / DOUBT degrees of freedom and width `width`. tail: beyond `start`
    `share * (1 + excess / total) ** -count`, an exponential whose scale is estimated (detection/calibration.py
    has the same form for sessions). `doubt` is how likely the errors make it that the tail is the right one: long
    histories leave none either way, with short ones both are reckoned with.
    """

    events: int
    width: float
    doubt: float = 0.0
    start: float = 0.0
    share: float = 1.0
    count: float = 1.0
    total: float = 1.0

    @property
    def kind(self) -> Literal["gaussian", "tail"]:
        return "tail" if self.doubt > 0.5 else "gaussian"

    @classmethod
    def fit(cls, errors: ArrayLike, spread: float = 1.0) -> Tail:
        """From errors (N,) whose median is about 0, positive on the side that is meant; as a rule `spread` wide."""
        ordered = np.sort(np.asarray(errors, float))
        events = len(ordered)
        if not events:
            return cls(1, 1.0)
        asked = np.quantile(ordered, WIDTHS) / ndtri(np.array(WIDTHS))
        gaussian = cls(events, float(max(asked.max(), LEAST_WIDTH * spread)))
        if asked.max() < LEAST_WIDTH * spread:
            return gaussian._seldom(ordered, spread)
        likely = gaussian._likelier(ordered)
        wild = likely._wild(ordered)
        if wild >= max(WILD, WILD_SHARE * events):
            # A few that are of another kind, such as the largest files: what they are is the tail.
            return gaussian._with_tail(ordered, wild, 1.0)
        return likely

    def _likelier(self, ordered: Floats) -> Tail:
        """This Gaussian, or the tail that the errors (N,), given in order, show better; wild ones do not count."""
        events, wild = self.events, self._wild(ordered)
        tops = sorted({int(np.clip(events * share, TAIL_LEAST, TAIL_MOST)) for share in TAIL_SHARES})
        tops = [top for top in tops if wild < top < events // 2]
        if not tops:
            return self._with_tail(ordered, max(1, events // 3), 0.5) if events > 2 else self
        # Beyond any place the nats of a Gaussian's errors are exponential with mean 1.
        nats = self.nats(ordered)
        beyond = [_capped(nats[-top : events - wild] - nats[-top - 1], 1.0).mean() - 1.0 for top in tops]
        far, top = max((mean * np.sqrt(top), top) for mean, top in zip(beyond, tops, strict=True))
        if far > UNLIKELY:
            return self._with_tail(ordered, top, 1.0)
        return self._with_tail(ordered, tops[-1], _doubt(ordered[: events - wild], self.width))

    def _wild(self, ordered: Floats) -> int:
        """How many of the errors (N,) are too rare for so many."""
        return int((self.nats(ordered) > np.log(self.events) + WILD_NATS).sum())

    def _seldom(self, ordered: Floats, spread: float) -> Tail:
        """Nearly no error but zero, so that how far others go is hardly known: as far as a spread, as a rule."""
        off = np.minimum(ordered[ordered > self.width], OUTLIER * spread)
        share, count = (len(off) + 1) / (self.events + 1), len(off) + PRIOR
        total = float(off.sum() + PRIOR * spread)
        return replace(self, doubt=1.0, start=self.width, share=share, count=count, total=total)

    def _with_tail(self, ordered: Floats, top: int, doubt: float) -> Tail:
        """The `top` largest of the errors (N,), given in order, as an exponential tail."""
        start, share = float(ordered[-top - 1]), (top + 1) / (len(ordered) + 1)
        slope = max(start / np.log(0.5 / min(share, 0.4)), 1e-3)
        excess = _capped(ordered[-top:] - start, slope)
        total = float(excess.sum() + PRIOR * slope)
        return replace(self, doubt=doubt, start=start, share=share, count=top + PRIOR, total=total)

    def nats(self, errors: ArrayLike) -> Floats:
        """-ln p of each error (N,), between 0 and MOST_NATS."""
        z = np.asarray(errors, float)
        spread = self.width * np.sqrt(1.0 + 1.0 / self.events)
        shares = (1.0 - self.doubt) * stdtr(max(1.0, self.events / DOUBT), -z / spread)
        if self.doubt:
            excess = np.maximum(z - self.start, 0.0)
            tail = self.share * np.exp(-self.count * np.log1p(excess / self.total))
            body = np.maximum(stdtr(max(1.0, self.events / DOUBT), -z / spread), self.share)
            shares = shares + self.doubt * np.where(z > self.start, tail, body)
        with np.errstate(divide="ignore"):
            return np.clip(-np.log(shares), 0.0, MOST_NATS)

    def at(self, nats: float) -> float:
        """The error that has so many nats: the interval's end."""
        low, high = 0.0, 1.0
        while high < 1e12 and self.nats([high])[0] < nats:
            low, high = high, 2 * high
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self.nats([middle])[0] >= nats else (middle, high)
        return high

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tail:
        return cls(**{name: value for name, value in data.items() if name != "kind"})


def _doubt(ordered: Floats, width: float) -> float:
    """How likely it is that the errors above the median fall off like an exponential, not like a Gaussian."""
    upper = ordered[ordered > 0]
    if not len(upper):
        return 0.0
    mean = max(float(upper.mean()), 1e-9)
    exponential = -upper / mean - np.log(mean)
    gaussian = np.log(2 / (width * np.sqrt(2 * np.pi))) - 0.5 * (upper / width) ** 2
    return float(expit((exponential - gaussian).sum()))


def _capped(excess: Floats, least: float) -> Floats:
    return np.minimum(excess, OUTLIER * max(float(np.median(excess)) / np.log(2), least))
