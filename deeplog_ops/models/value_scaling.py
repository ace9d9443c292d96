"""Raw numbers to numbers of one scale, and back: robustly, and in logarithms where that fits better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NORMAL_IQR = 1.349  # of a Gaussian with deviation 1
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
    def fit(cls, values: ArrayLike, duration: bool = False) -> Scaling:
        """From finite numbers (N,), one at least. Logarithms where no number is negative and they look more even.

        Of durations always: a step takes twice as long now and then, whatever the middle of its times looks like.
        """
        numbers = np.clip(np.asarray(values, float), -LARGEST, LARGEST)
        if numbers.min() >= 0 and numbers.max() > 0:
            offset = _offset(numbers)
            if duration or _unevenness(np.log(numbers + offset)) < _unevenness(numbers):
                return cls(True, offset, 0.0, 1.0).centred(np.log(numbers + offset))
        return cls(False, 0.0, 0.0, 1.0).centred(numbers)

    def centred(self, leveled: Floats) -> Scaling:
        """The same with center and spread of these y (N,)."""
        center = float(np.median(leveled))
        return Scaling(self.log, self.offset, center, _spread(leveled, center, self.log))

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


def _offset(numbers: Floats) -> float:
    """Added before the logarithm: next to nothing, or half the smallest number where there are zeros."""
    positive = numbers[numbers > 0]
    small = 1e-3 * float(np.median(positive))
    return max(0.5 * float(positive.min()), small) if (numbers == 0).any() else small


def _unevenness(values: Floats) -> float:
    """How far the ends reach, and how unlike each other they are, in widths of the middle half."""
    low, first, middle, third, high = np.quantile(values, (0.01, 0.25, 0.5, 0.75, 0.99))
    return float(max(high - middle, middle - low) / max(third - first, 1e-12 + 1e-3 * (high - low)))


def _spread(values: Floats, center: float, log: bool) -> float:
    first, third = np.quantile(values, (0.25, 0.75))
    spread = (third - first) / NORMAL_IQR
    if spread <= 0:  # more than half are equal
        spread = float(np.mean(np.abs(values - center)))
    return float(max(spread, 1e-3 if log else 1e-6 * max(abs(center), 1.0)))
