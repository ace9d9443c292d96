"""Raw numbers to numbers of one scale, and back: robustly, and in logarithms where that fits better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NORMAL_IQR = 1.349  # of a Gaussian with deviation 1
SAME = 0.1  # share of the typical number by which numbers hardly differ
LARGEST = 1e300  # numbers beyond are taken for it


@dataclass(frozen=True)
class Scaling:
    """z = (y - center) / spread, where y is the number, or ln(number + offset).

    `center` is the median of y, `spread` the width of its middle half as a Gaussian's deviation: a few wild
    values in training move neither.
    """

    log: bool
    offset: float
    center: float
    spread: float

    @classmethod
    def fit(cls, values: ArrayLike, duration: bool = False, tick: float = 0.0) -> Scaling:
        """From finite numbers (N,), one at least. Logarithms where no number is negative and they look more even.

        Of durations always: a step takes twice as long now and then, whatever the middle of its times looks like.
        Numbers nearer than `tick` cannot be told apart.
        """
        numbers = np.clip(np.asarray(values, float), -LARGEST, LARGEST)
        if numbers.min() >= 0 and (numbers.max() > 0 or tick):
            scaling = cls(True, _offset(numbers, tick), 0.0, 1.0)
            leveled = scaling.level(numbers)
            if duration or _unevenness(leveled) < _unevenness(numbers):
                return scaling.centred(leveled, scaling.least_spread(numbers, tick))
        scaling = cls(False, 0.0, 0.0, 1.0)
        return scaling.centred(numbers, scaling.least_spread(numbers, tick))

    def centred(self, leveled: Floats, least: float) -> Scaling:
        """The same with center and spread of these y (N,); the spread is `least` at least."""
        first, center, third = np.quantile(leveled, (0.25, 0.5, 0.75))
        spread = (third - first) / NORMAL_IQR
        return Scaling(self.log, self.offset, float(center), float(max(spread, least)))

    def least_spread(self, numbers: Floats, tick: float) -> float:
        """A tenth of the typical number, and one tick: where half are equal, others are not far off for that."""
        typical = float(np.median(numbers))
        if not self.log:
            return max(SAME * abs(typical), tick, 1e-9)
        return max(0.5 * SAME, float(np.log1p(tick / (typical + self.offset))))

    def level(self, numbers: ArrayLike) -> Floats:
        """y of each number (N,). Where logarithms are taken, a negative number is below all others."""
        clipped = np.clip(np.asarray(numbers, float), -LARGEST, LARGEST)
        if not self.log:
            return clipped
        # What is at least 0 in training gets further below the less it is.
        below = np.log(self.offset) - np.log1p(np.maximum(-clipped, 0.0) / self.offset)
        return np.where(clipped >= 0, np.log(np.maximum(clipped, 0.0) + self.offset), below)

    def scaled(self, leveled: ArrayLike) -> Floats:
        return (np.asarray(leveled, float) - self.center) / self.spread

    def number(self, scaled: float, shift: float = 0.0) -> float:
        """The number that has this z (the inverse of `scaled(level(number) - shift)`)."""
        leveled = scaled * self.spread + self.center + shift
        if not self.log:
            return leveled
        if leveled < np.log(self.offset):
            return -self.offset * float(np.expm1(min(np.log(self.offset) - leveled, 600.0)))
        return float(np.exp(min(leveled, 690.0)) - self.offset)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scaling:
        return cls(bool(data["log"]), *(float(data[name]) for name in ("offset", "center", "spread")))


def _offset(numbers: Floats, tick: float) -> float:
    """Added before the logarithm: next to nothing, or half the smallest number where there are zeros; a tick."""
    positive = numbers[numbers > 0]
    if not len(positive):
        return tick
    small = max(1e-3 * float(np.median(positive)), tick)
    return max(0.5 * float(positive.min()), small) if (numbers == 0).any() else small


def _unevenness(values: Floats) -> float:
    """How far the ends reach, and how unlike each other they are, in widths of the middle half."""
    low, first, middle, third, high = np.quantile(values, (0.01, 0.25, 0.5, 0.75, 0.99))
    return float(max(high - middle, middle - low) / max(third - first, 1e-12 + 1e-3 * (high - low)))
