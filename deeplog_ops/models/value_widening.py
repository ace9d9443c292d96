"""Value models that let pass what people vouched for: names become known, intervals reach as far as the value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from deeplog_ops.models.value_categories import LEVELS, Category
from deeplog_ops.models.value_keys import KeyValues
from deeplog_ops.models.value_models import ValueModels
from deeplog_ops.models.value_numbers import NumberSeries
from deeplog_ops.models.value_scoring import Family, Found
from deeplog_ops.models.value_tails import Tail

ROOM = 1.1  # an interval reaches so much further than the value: the next one is seldom the same to the digit

_Series = tuple[int, str]  # place, template before it


@dataclass
class _Asked:
    """What one template's models must let pass."""

    upper: dict[_Series, float] = field(default_factory=dict)  # the largest error of each series
    lower: dict[_Series, float] = field(default_factory=dict)
    names: defaultdict[tuple[int, int], set[str]] = field(default_factory=lambda: defaultdict(set))


def widened(
    models: ValueModels, found: Iterable[Found], least: Mapping[tuple[Family, bool], float]
) -> ValueModels:
    """The models as they are, but for the series and names of what was `found` in sessions that are normal.

    An interval is stretched, center and shape kept, until its end at `least` nats lies beyond the value. All else, the
    other side of the interval too, stays bit for bit.
    """
    asked: defaultdict[str, _Asked] = defaultdict(_Asked)
    for each in found:
        if each.family == "name":
            _ask_for_names(asked, each)
        else:
            _ask_for_numbers(asked, each)
    nats = least["number", True]
    keys = {
        key: values if key not in asked else _with(values, asked[key], nats)
        for key, values in models.keys.items()
    }
    return replace(models, keys=keys)


def _ask_for_names(asked: Mapping[str, _Asked], found: Found) -> None:
    assert found.names is not None
    for key, name in zip(found.rows["key"].to_list(), found.names.to_list(), strict=True):
        asked[key].names[found.place, found.level].add(name)


def _ask_for_numbers(asked: Mapping[str, _Asked], found: Found) -> None:
    series = found.series
    assert series is not None
    assert found.actual is not None
    errors = series.errors(found.actual, found.amount)
    if found.expected is not None:
        errors = errors - found.expected
    at = (series.place, series.previous)
    for key, error in zip(found.rows["key"].to_list(), errors.tolist(), strict=True):
        side = asked[key].upper if error > 0 else asked[key].lower
        side[at] = max(abs(error), side.get(at, 0.0))


def _with(values: KeyValues, asked: _Asked, nats: float) -> KeyValues:
    numbers = tuple(_reaching(series, asked, nats) for series in values.numbers)
    names = {
        place: tuple(
            _knowing(category, asked.names.get((place, level), set()))
            for level, category in enumerate(categories)
        )
        for place, categories in values.names.items()
    }
    return replace(values, numbers=numbers, names=names)


def _reaching(series: NumberSeries, asked: _Asked, nats: float) -> NumberSeries:
    at = (series.place, series.previous)
    return replace(
        series,
        upper=stretched(series.upper, asked.upper.get(at, 0.0), nats),
        lower=stretched(series.lower, asked.lower.get(at, 0.0), nats),
    )


def stretched(tail: Tail, error: float, nats: float) -> Tail:
    """The tail on a scale so much larger that `error` has fewer than `nats`; as it is, where it has fewer already."""
    if error <= 0 or tail.nats([error])[0] < nats:
        return tail
    factor = ROOM * error / max(tail.at(nats), 1e-9)
    return replace(tail, width=tail.width * factor, start=tail.start * factor, total=tail.total * factor)


def _knowing(category: Category, names: set[str]) -> Category:
    if not names:
        return category
    reduced = pl.DataFrame({"name": sorted(names)}).select(LEVELS[category.level].alias("name"))["name"]
    known = dict(category.known)
    for name in reduced.drop_nulls().to_list():
        known[name] = known.get(name, 0) + 1
    return replace(category, known=known)
