"""What was learnt of the values of one template, and how it is learnt from its series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deeplog_ops.models.value_categories import Category, find_categories
from deeplog_ops.models.value_fields import Field, recognise, unit_of
from deeplog_ops.models.value_law import Slot
from deeplog_ops.models.value_numbers import ELAPSED, NumberSeries
from deeplog_ops.models.value_slots import Amounts, names_at, numbers_at

Floats = NDArray[np.float64]

TRANSITION = 30  # events: with fewer an elapsed time is taken together with those of other rare transitions
NEAR = 0.9  # share of a template's sessions that must mention an amount, to explain by it
REACH = 3.0  # an amount of which the largest hundredth is not so many medians explains nothing
MOST_PLACES = 64  # wildcards of one template that are looked at


@dataclass(frozen=True)
class KeyValues:
    """The models of one template: numbers by place, elapsed times by transition, names by place.

    `left_out` says of the other places why nothing is watched there.
    """

    numbers: tuple[NumberSeries, ...] = ()
    names: Mapping[int, tuple[Category, ...]] = field(default_factory=dict)
    left_out: Mapping[int, str] = field(default_factory=dict)
    events: int = 0

    @property
    def elapsed(self) -> dict[str, NumberSeries]:
        return {series.previous: series for series in self.numbers if series.place == ELAPSED}

    @property
    def places(self) -> list[int]:
        """The places of a vector's numbers: wildcards in order, the elapsed time last."""
        wildcards = [series.place for series in self.numbers if series.place != ELAPSED]
        return [*wildcards, ELAPSED] if len(wildcards) < len(self.numbers) else wildcards

    @property
    def predicted(self) -> bool:
        return any(series.predicted for series in self.numbers)

    def numbers_of(self, rows: pl.DataFrame) -> Iterator[tuple[NumberSeries, NDArray[np.int64], Floats]]:
        """Each series with the rows that it is about (M,) and their numbers (M,), NaN where there is none."""
        elapsed = self.elapsed
        of = transitions(rows, elapsed) if elapsed else None
        everything = np.arange(len(rows))
        for series in self.numbers:
            if series.place != ELAPSED:
                yield series, everything, numbers_at(rows, series.place)
            elif of is not None and (chosen := np.flatnonzero(of == series.previous)).size:
                yield series, chosen, rows["elapsed"].fill_null(float("nan")).to_numpy().astype(float)[chosen]

    def vectors(self, rows: pl.DataFrame, amounts: Amounts) -> Floats:
        """The errors of the numbers of each row (N, places), against their centers; NaN where there is none."""
        found = np.full((len(rows), len(self.places)), np.nan)
        units = rows["unit"].to_numpy()
        for series, chosen, numbers in self.numbers_of(rows):
            amount = None if series.law is None else amounts.of(series.law.slot, units[chosen])
            found[chosen, self.places.index(series.place)] = series.errors(numbers, amount)
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "events": self.events,
            "numbers": [series.to_dict() for series in self.numbers],
            "names": {str(place): [each.to_dict() for each in found] for place, found in self.names.items()},
            "left_out": {str(place): why for place, why in self.left_out.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> KeyValues:
        return cls(
            tuple(map(NumberSeries.from_dict, data["numbers"])),
            {int(place): tuple(map(Category.from_dict, found)) for place, found in data["names"].items()},
            {int(place): str(why) for place, why in data["left_out"].items()},
            int(data["events"]),
        )


def transitions(rows: pl.DataFrame, known: Iterable[str]) -> NDArray[np.str_]:
    """Which elapsed series each row (N,) belongs to: the template before it, "" where that is none of `known`."""
    previous = rows["previous"].fill_null("")
    return np.where(previous.is_in(list(known)).to_numpy(), previous.to_numpy(), "").astype(str)


def fields_of(rows: pl.DataFrame) -> list[Field]:
    """What stands at each wildcard of a template's rows, in the order of time."""
    arity = min(int(rows["parameters"].list.len().max() or 0), MOST_PLACES)  # type: ignore[arg-type]
    return [recognise(names_at(rows, place), numbers_at(rows, place)) for place in range(arity)]


def names_of(rows: pl.DataFrame, fields: Sequence[Field]) -> dict[int, tuple[Category, ...]]:
    """The names that are watched, by place, of a template's rows in the order of time (`block`: see there)."""
    found = {
        place: tuple(find_categories(names_at(rows, place), rows["block"]))
        for place, kind in enumerate(fields)
        if kind in ("name", "constant")
    }
    return {place: categories for place, categories in found.items() if categories}


def fit_key(
    rows: pl.DataFrame,
    train: NDArray[np.bool_],
    fields: Sequence[Field],
    amounts: Mapping[Slot, Floats],
    lawful: bool,
    tick: float,
) -> KeyValues:
    """From a template's rows (SERIES and `block`) in the order of time. `train` (N,) is the past of which typical
    is told, `tick` the seconds that the time stamps' clock tells apart.

    `amounts` (N,) are those of other places of the sessions that may explain how long something took.
    """
    numbers: list[NumberSeries] = []
    # What stands in the same line most likely tells how long it took; then what explains other times of the template.
    likely = {slot for slot in amounts if slot.key == rows["key"][0]}
    names = names_of(rows, fields)
    left_out: dict[int, str] = {}
    for place, kind in enumerate(fields):
        if kind in ("number", "duration"):
            series = NumberSeries.fit(
                place,
                numbers_at(rows, place),
                amounts,
                train=train,
                unit=unit_of(names_at(rows, place)),
                lawful=lawful,
                likely=likely,
            )
            if series is None:
                left_out[place] = "few"
            else:
                numbers.append(series)
        elif kind not in ("name", "constant"):
            left_out[place] = kind
        elif place not in names:
            left_out[place] = "new by nature"
    likely |= {series.law.slot for series in numbers if series.law is not None}
    numbers += _elapsed(rows, train, amounts, lawful, likely, tick)
    return KeyValues(tuple(numbers), names, left_out, len(rows))


def _elapsed(
    rows: pl.DataFrame,
    train: NDArray[np.bool_],
    amounts: Mapping[Slot, Floats],
    lawful: bool,
    likely: set[Slot],
    tick: float,
) -> list[NumberSeries]:
    seconds = rows["elapsed"].fill_null(float("nan")).to_numpy().astype(float)
    counts = rows.filter(pl.col("elapsed").is_not_null() & pl.Series(train)).group_by("previous").len()
    common = sorted(counts.filter(pl.col("len") >= TRANSITION)["previous"].to_list())
    of = transitions(rows, common)
    found = []
    for previous in [*common, ""]:
        mine = of == previous
        series = NumberSeries.fit(
            ELAPSED,
            seconds[mine],
            {slot: each[mine] for slot, each in amounts.items()},
            train=train[mine],
            unit="s",
            previous=previous,
            lawful=lawful,
            likely=likely,
            tick=tick,
        )
        if series is not None and (previous or series.events >= TRANSITION):
            found.append(series)
    return found


def candidate_slots(fields: Mapping[str, Sequence[Field]], rows: Mapping[str, pl.DataFrame]) -> list[Slot]:
    """The places that amounts stand at which differ enough to explain durations."""
    found = []
    for key in sorted(fields):
        for place, kind in enumerate(fields[key]):
            if kind != "number":
                continue
            known = numbers_at(rows[key], place)
            known = known[np.isfinite(known)]
            if len(known) and known.min() >= 0 and np.quantile(known, 0.99) > REACH * np.median(known) > 0:
                found.append(Slot(key, place))
    return found


def near_amounts(slots: Sequence[Slot], amounts: Amounts, units: NDArray[np.int64]) -> dict[Slot, Floats]:
    """The amounts (N,) of the slots that nearly every one of the units' sessions has."""
    some = units[:: max(1, len(units) // 200)]
    near = [slot for slot in slots if np.isfinite(amounts.of(slot, some)).mean() >= NEAR]
    return {slot: amounts.of(slot, units) for slot in near}
