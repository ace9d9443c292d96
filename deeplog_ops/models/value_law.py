"""Durations that an amount in the same session explains: ten times the bytes take longer, and that is normal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATES = np.logspace(-5, 5, 41)  # of the amount's median
LOOKED_AT = 4000  # events
CONVINCING = 20.0  # nats by which the errors must be likelier with the law than without,
CONFIRMING = 3.0  # and where it is likely anyway


class Slot(NamedTuple):
    """A place in a session: the wildcard `place` (from 0) of the session's first event of template `key`."""

    key: str
    place: int


@dataclass(frozen=True)
class Law:
    """duration = base * (1 + rate * amount), whatever the base: so much for any event, and more for each unit.

    Durations explain no amounts, and no durations: what came late would be excused by all that was late after it.
    """

    key: str
    place: int
    rate: float  # per unit of the amount
    usual: float  # amount, where it is not known

    @property
    def slot(self) -> Slot:
        return Slot(self.key, self.place)

    def excused(self, amounts: Floats) -> Floats:
        """What of ln(duration) the amounts (N,) account for."""
        known = np.where(np.isfinite(amounts), amounts, self.usual)
        return np.log1p(self.rate * np.clip(known, 0.0, 1e300))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Law:
        return cls(str(data["key"]), int(data["place"]), float(data["rate"]), float(data["usual"]))


def find_law(leveled: Floats, candidates: Mapping[Slot, Floats], likely: Collection[Slot] = ()) -> Law | None:
    """The law that explains ln(duration) (N,) best, of the amounts (N,) of each slot; None where none convinces.

    Of slots that are `likely` less convinces. By least squares of errors cut off at 8 spreads, so that wild values decide nothing.
    """
    best, best_gain = None, 0.0
    step = max(1, len(leveled) // LOOKED_AT)
    y = leveled[::step]
    cut = 8.0 * max(float(np.subtract(*np.quantile(y, (0.75, 0.25)))) / 1.349, 1e-3)
    for slot, amounts in sorted(candidates.items()):
        x = amounts[::step]
        if np.isfinite(x).mean() < 0.9 or not (known := x[np.isfinite(x)]).size or known.min() < 0:
            continue
        usual = float(np.median(known))
        if usual <= 0:
            continue
        errors = y - np.log1p(np.outer(RATES / usual, np.where(np.isfinite(x), x, usual)))
        without = _cost(y[None, :], cut)[0]
        costs = _cost(errors, cut)
        place = int(np.argmin(costs))
        gain = 0.5 * len(leveled) * float(np.log(max(without, 1e-9) / max(costs[place], 1e-9)))
        if gain > max(best_gain, CONFIRMING if slot in likely else CONVINCING):
            best, best_gain = Law(slot.key, slot.place, float(RATES[place] / usual), usual), gain
    return best


def _cost(errors: Floats, cut: float) -> Floats:
    off = errors - np.median(errors, axis=1, keepdims=True)
    return np.minimum(off * off, cut * cut).mean(axis=1)
