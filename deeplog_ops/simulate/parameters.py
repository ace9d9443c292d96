"""Distributions of the values in simulated messages, as data. Each draws one value.

`values` holds what the session has drawn so far, so that a latency can depend on a size; `hour` is the time of day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any, Protocol

Values = dict[str, Any]


class Draw(Protocol):
    def __call__(self, rng: Random, values: Values, hour: float) -> Any: ...


@dataclass(frozen=True)
class LogNormal:
    """A whole number around `median`, plus `rate` for each unit of the value named `per`: latencies."""

    median: float
    sigma: float = 0.35
    per: str | None = None
    rate: float = 0.0

    def __call__(self, rng: Random, values: Values, hour: float) -> int:
        median = self.median + (self.rate * values[self.per] if self.per else 0.0)
        return max(1, round(median * math.exp(self.sigma * rng.gauss(0.0, 1.0))))


@dataclass(frozen=True)
class Pareto:
    """Heavy-tailed whole numbers from `least` to `most`: sizes."""

    least: float
    shape: float
    most: float

    def __call__(self, rng: Random, values: Values, hour: float) -> int:
        return int(min(self.most, self.least * (1.0 - rng.random()) ** (-1.0 / self.shape)))


@dataclass(frozen=True)
class Scaled:
    """Another value divided: bytes to mebibytes."""

    of: str
    divisor: float

    def __call__(self, rng: Random, values: Values, hour: float) -> float:
        return values[self.of] / self.divisor


@dataclass(frozen=True)
class Whole:
    """Whole numbers from `least` to `most`, equally likely."""

    least: int
    most: int

    def __call__(self, rng: Random, values: Values, hour: float) -> int:
        return self.least + int(rng.random() * (self.most - self.least + 1))


@dataclass(frozen=True)
class Weighted:
    """One of a fixed set, each with its weight: hosts, status codes."""

    weights: dict[str, float]
    _names: tuple[str, ...] = field(init=False, repr=False)
    _steps: tuple[float, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", tuple(self.weights))
        object.__setattr__(self, "_steps", tuple(accumulate(self.weights.values())))

    def __call__(self, rng: Random, values: Values, hour: float) -> str:
        point = rng.random() * self._steps[-1]
        return next(
            (name for name, step in zip(self._names, self._steps, strict=True) if point < step),
            self._names[-1],
        )


@dataclass(frozen=True)
class Daily:
    """Whole numbers that follow the day, highest at 15:00: queue lengths."""

    mean: float
    swing: float
    noise: float = 0.15

    def __call__(self, rng: Random, values: Values, hour: float) -> int:
        level = self.mean + self.swing * math.cos((hour - 15.0) / 24.0 * 2.0 * math.pi)
        return max(0, round(level * (1.0 + self.noise * rng.gauss(0.0, 1.0))))


@dataclass(frozen=True)
class Hex:
    """Random hexadecimal digits after a prefix: identifiers."""

    digits: int
    prefix: str = ""

    def __call__(self, rng: Random, values: Values, hour: float) -> str:
        return f"{self.prefix}{rng.getrandbits(4 * self.digits):0{self.digits}x}"


@dataclass(frozen=True)
class Filled:
    """A text filled with values drawn for it: addresses, object names."""

    text: str
    parts: dict[str, Draw]

    def __call__(self, rng: Random, values: Values, hour: float) -> str:
        return self.text.format_map({name: part(rng, values, hour) for name, part in self.parts.items()})
