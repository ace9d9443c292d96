"""The model of one series of numbers: what is typical, and how rare an error is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.value_law import Law, Slot, find_law
from deeplog_ops.models.value_scaling import Scaling
from deeplog_ops.models.value_tails import Tail

Floats = NDArray[np.float64]

ELAPSED = -1  # the place of the seconds since the event before
LEAST_EVENTS = 12  # with fewer nothing is said


@dataclass(frozen=True)
class NumberSeries:
    """Numbers at one place of a template; elapsed times after one template before (`previous`, "" any other).

    A duration may be too long only: a step that was quicker than ever is not what people are called for.
    With `predicted` the errors are those of the network's predictions, else distances from the center.
    """

    place: int
    previous: str
    scaling: Scaling
    law: Law | None
    upper: Tail
    lower: Tail
    events: int
    unit: str = ""  # s, bytes, % or nothing
    predicted: bool = False

    @classmethod
    def fit(
        cls,
        place: int,
        numbers: Floats,
        amounts: Mapping[Slot, Floats],
        *,
        train: NDArray[np.bool_],
        unit: str,
        previous: str = "",
        lawful: bool = True,
        likely: Collection[Slot] = (),
        tick: float = 0.0,
    ) -> NumberSeries | None:
        """From numbers (N,), NaN where there is none, of which `train` (N,) says what center and spread are of.

        Numbers nearer than `tick` cannot be told apart. A duration may be explained by `amounts` (N,) where `lawful`. The errors of all, later ones too, say how rare an error is. None where there are too few.
        """
        known = np.isfinite(numbers)
        fitted = numbers[known & train]
        if len(fitted) < LEAST_EVENTS:
            return None
        duration = unit == "s"
        scaling = Scaling.fit(fitted, duration, tick)
        law = None
        if duration and scaling.log and lawful:
            some = {slot: amount[known & train] for slot, amount in amounts.items()}
            law = find_law(scaling.level(fitted), some, likely)
        none = Tail(1, 1.0)
        series = cls(place, previous, scaling, law, none, none, 0, unit)
        if law is not None:
            excused = law.excused(amounts[law.slot][known & train])
            series = replace(
                series,
                scaling=scaling.centred(scaling.level(fitted) - excused, scaling.least_spread(fitted, tick)),
            )
        errors = series.errors(numbers[known], amounts[law.slot][known] if law else None)
        return series.with_errors(errors)

    @property
    def duration(self) -> bool:
        return self.unit == "s"

    def with_errors(self, errors: Floats, spread: float = 1.0) -> NumberSeries:
        """The same, with the tails of these errors (N,), which are `spread` wide as a rule."""
        upper, lower = Tail.fit(errors, spread), Tail.fit(-errors, spread)
        return replace(self, upper=upper, lower=lower, events=len(errors))

    def errors(self, numbers: Floats, amounts: Floats | None = None) -> Floats:
        """Distance of each number (N,) from the center, in spreads; NaN stays NaN."""
        leveled = self.scaling.level(numbers)
        if self.law is not None and amounts is not None:
            leveled = leveled - self.law.excused(amounts)
        return self.scaling.scaled(leveled)

    def nats(self, errors: Floats) -> Floats:
        """-ln of the share of events that are as far off (N,); NaN is not off at all."""
        clean = np.nan_to_num(errors, nan=0.0)
        found = np.zeros(len(clean))
        far = clean > 0
        found[far] = self.upper.nats(clean[far])
        if not self.duration:
            found[~far] = self.lower.nats(-clean[~far])
        return found

    def interval(
        self, nats: float, amount: float | None, predicted: float = 0.0
    ) -> tuple[float, float, float]:
        """Lowest, typical and highest number that is less rare than `nats`, given amount and prediction."""
        shift = 0.0
        if self.law is not None:
            shift = float(self.law.excused(np.array([np.nan if amount is None else amount]))[0])
        low = self.scaling.number(predicted - self.lower.at(nats), shift)
        high = self.scaling.number(predicted + self.upper.at(nats), shift)
        return low, self.scaling.number(predicted, shift), high

    def to_dict(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "previous": self.previous,
            "model": "lstm" if self.predicted else "quantile",
            "scaling": self.scaling.to_dict(),
            "law": None if self.law is None else self.law.to_dict(),
            "upper": self.upper.to_dict(),
            "lower": self.lower.to_dict(),
            "events": self.events,
            "unit": self.unit,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NumberSeries:
        return cls(
            place=int(data["place"]),
            previous=str(data["previous"]),
            scaling=Scaling.from_dict(data["scaling"]),
            law=None if data["law"] is None else Law.from_dict(data["law"]),
            upper=Tail.from_dict(data["upper"]),
            lower=Tail.from_dict(data["lower"]),
            events=int(data["events"]),
            unit=str(data["unit"]),
            predicted=data["model"] == "lstm",
        )
