"""The rates of a version: how often each template comes by the clock and the weekday, and how odd is too odd.

    expected count of a bin = mean * clock * weekday           rate_estimate.py
    surprise = -ln p of the count, given that and its spread   rate_tail.py
    threshold = the surprise that a normal day reaches so rarely as the budget says, measured on each training day by
                a baseline of the others, its tail prolonged (detection/calibration.py)

A count is judged over one bin, two and six in a row, and the whole day, for more and for fewer: each of these eight
tests has an equal part of the budget, shared among all templates and all places of such a window in a day. A job that
training saw once says that much may come out of nothing, but not that what always comes may stay away: the two
directions are measured apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.config_detection import Rates
from deeplog_ops.detection.calibration import Calibration
from deeplog_ops.errors import ModelError
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.rate_bins import DayBins, RateCounts, slots_a_day
from deeplog_ops.models.rate_estimate import (
    FALLBACK_DISPERSION,
    PRIOR_EVENTS,
    RateEstimate,
    estimate,
    pooled_dispersion,
)
from deeplog_ops.models.rate_tail import surprise
from deeplog_ops.models.rate_windows import ALL, sums, windows

FEW_DAYS = 2.0
HELD_OUT = 21  # training days left out in turn, at most
LIKE = 2.5  # a count of up to so many times what came about this hour on the same weekday before may be the same job,
ONCE = 2.0  # and what came once varies so many times as much as what is known well
_ARRAYS = tuple(RateEstimate.__dataclass_fields__)

Floats = NDArray[np.float64]
Test = tuple[int, bool]  # a span, and whether more came than expected


@dataclass(frozen=True)
class DayScores:
    """What one span says of a day: (T, W), a column a window."""

    windows: list[tuple[int, int]]
    actual: Floats
    expected: Floats
    variance: Floats
    score: Floats


@dataclass(frozen=True)
class RateBaseline:
    """Fitted rates. `pooled` is the dispersion of a template that training never saw, `bins` how many were watched."""

    keys: tuple[str, ...]
    width: timedelta
    days: int
    bins: float
    pooled: float
    false_alarms_per_day: float
    estimate: RateEstimate
    habits: NDArray[np.float64]  # (T, 7, S): the most that came on a weekday at this place of the clock
    calibrations: Mapping[Test, Calibration]
    tests: Mapping[int, float]  # scores of a span on a day

    @classmethod
    def fit(cls, counts: RateCounts, settings: Rates) -> RateBaseline | None:
        """None where there are fewer days with lines than `settings.least_days` (2 at the least), or no templates."""
        days = len(counts.days)
        if days < max(settings.least_days, 2) or not counts.keys:
            return None
        table, exposure = counts.by_slot(slots_a_day(settings.bin))
        weekdays = np.array([bins.day.weekday() for bins in counts.days])
        whole = estimate(table, exposure, weekdays)
        bins = float(exposure.sum())
        pooled = pooled_dispersion(whole.dispersion, whole.events)
        held = _held_out(counts, table, exposure, weekdays, pooled)
        tests = {span: len(found) / min(days, HELD_OUT) for (span, _), found in held.items()}
        return cls(
            keys=counts.keys,
            width=settings.bin,
            days=days,
            bins=bins,
            pooled=pooled,
            false_alarms_per_day=settings.false_alarms_per_day,
            estimate=whole,
            habits=_habits(table, exposure, weekdays),
            calibrations={test: Calibration.fit(scores) for test, scores in held.items()},
            tests=tests,
        )

    @cached_property
    def rows(self) -> dict[str, int]:
        return {key: row for row, key in enumerate(self.keys)}

    def threshold(self, span: int, rising: bool) -> float:
        """The surprise above which a window of a span is an alarm: as measured, but no lower than its own meaning.

        Training days may show that odd counts are commoner than their p says; a few of them cannot show the opposite,
        nor how the tail goes on: three days ask for a fifth more.
        """
        share = min(self.false_alarms_per_day / len(self.calibrations) / self.tests[span], 1.0)
        own = max(self.calibrations[span, rising].threshold(share), -math.log(share))
        return own * (1 + FEW_DAYS / self.days**2)

    def per_day(self, span: int, rising: bool, score: float) -> float:
        """How many windows of any span, of both directions, score as high on a normal day."""
        share = max(float(self.calibrations[span, rising].p_value(score)), math.exp(-score))
        return share * self.tests[span] * len(self.calibrations)

    def score(self, keys: tuple[str, ...], counts: NDArray[np.int64], bins: DayBins) -> dict[int, DayScores]:
        """By span, the scores of the counts (T, B) of a day's first B bins; a key may be of a template never seen."""
        known = np.array([self.rows.get(key, -1) for key in keys], np.int64)
        rates = _with_unseen(self.estimate, known, self.bins, self.pooled)
        habits = np.where((known >= 0)[:, None, None], self.habits[known], 0.0)
        found = _scores(rates, habits, counts.astype(float), bins)
        return {span: scores for span, scores in found.items() if span in self.tests}

    def to_part(self) -> ModelPart:
        return ModelPart(
            {
                "keys": list(self.keys),
                "bin_seconds": self.width.total_seconds(),
                "days": self.days,
                "bins": self.bins,
                "pooled_dispersion": self.pooled,
                "false_alarms_per_day": self.false_alarms_per_day,
                "spans": {
                    str(span): {
                        "tests_per_day": self.tests[span],
                        "more": self.calibrations[span, True].to_dict(),
                        "fewer": self.calibrations[span, False].to_dict(),
                    }
                    for span in self.tests
                },
            },
            {**{name: getattr(self.estimate, name) for name in _ARRAYS}, "habits": self.habits},
        )

    @classmethod
    def restore(cls, part: ModelPart) -> RateBaseline:
        """What `to_part` wrote. ModelError where something is missing or does not fit."""
        data, arrays = part.data, part.arrays
        try:
            keys = tuple(data["keys"])
            values = [np.asarray(arrays[name], float) for name in (*_ARRAYS, "habits")]
            if any(len(value) != len(keys) for value in values):
                raise ValueError(f"{len(keys)} keys came with {[len(value) for value in values]} rows")
            spans: dict[str, Any] = data["spans"]
            return cls(
                keys=keys,
                width=timedelta(seconds=data["bin_seconds"]),
                days=int(data["days"]),
                bins=float(data["bins"]),
                pooled=float(data["pooled_dispersion"]),
                false_alarms_per_day=float(data["false_alarms_per_day"]),
                estimate=RateEstimate(*values[:-1]),
                habits=values[-1],
                calibrations={
                    (int(span), rising): Calibration.from_dict(each["more" if rising else "fewer"])
                    for span, each in spans.items()
                    for rising in (True, False)
                },
                tests={int(span): float(each["tests_per_day"]) for span, each in spans.items()},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"these are no rates of a version: {error!r}") from error


def _held_out(
    counts: RateCounts, table: Floats, exposure: Floats, weekdays: NDArray[np.int64], pooled: float
) -> dict[Test, Floats]:
    """Scores of each training day by a baseline of the other days, for every test."""
    days = len(counts.days)
    chosen = np.unique(np.linspace(0, days - 1, min(days, HELD_OUT)).round().astype(int))
    found: dict[Test, list[Floats]] = {}
    for day in chosen:
        others = np.arange(days) != day
        rates = estimate(table[:, others], exposure[others], weekdays[others], pooled)
        habits = _habits(table[:, others], exposure[others], weekdays[others])
        bins, watched = counts.days[day], counts.watched[day]
        for span, scores in _scores(rates, habits, counts.counts[day].astype(float), bins, watched).items():
            for rising in (True, False):
                right = (scores.actual > scores.expected) == rising
                found.setdefault((span, rising), []).append(np.where(right, scores.score, 0.0).ravel())
    joined = {test: np.concatenate(parts) for test, parts in found.items()}
    return {test: scores for test, scores in joined.items() if len(scores)}


def _scores(
    rates: RateEstimate,
    habits: Floats,
    counts: Floats,
    bins: DayBins,
    watched: NDArray[np.bool_] | None = None,
) -> dict[int, DayScores]:
    """Of the day's first bins, as many as there are counts; windows with a bin not watched are left out."""
    seen = np.ones(counts.shape[1], bool) if watched is None else watched
    slots, weekday = np.array(bins.slots[: counts.shape[1]], np.int64), bins.day.weekday()
    expected = (rates.mean * rates.weekdays[:, weekday])[:, None] * rates.slots[:, slots]
    usual = _about(habits[:, weekday], slots)
    whole_day = counts.shape[1] == len(bins)
    found = {}
    for span in ALL:
        places = windows(span, counts.shape[1])
        if not places or (span not in (1, 2, 6) and not whole_day):
            continue
        y, mean = sums(counts, span), sums(expected, span)
        spread = rates.dispersion[:, None] * mean + rates.day_variance[:, weekday, None] * mean**2
        score = surprise(y, mean, spread)
        score = np.where(y > mean, _not_as_before(score, y, usual, span, rates.dispersion), score)
        full = np.array([seen[first:after].all() for first, after in places])
        found[span] = DayScores(
            [place for place, kept in zip(places, full, strict=True) if kept],
            *(each[:, full] for each in (y, mean, spread, score)),
        )
    return found


def _not_as_before(
    score: Floats, actual: Floats, usual: list[Floats], span: int, dispersion: Floats
) -> Floats:
    """The score, or how surprising the count is if what came before at this hour of this weekday was a habit.

    So a weekly job, which a week of training has seen once, is no burst when it comes again.
    """
    habit = np.max([sums(each, span) for each in usual], axis=0)
    spread = ONCE * np.maximum(dispersion, 1.0)[:, None] * habit
    again = surprise(actual, np.maximum(habit, 1e-9), np.maximum(spread, 1e-9))
    again = np.where(actual <= habit, 0.0, np.minimum(score, again))
    return np.where(actual <= LIKE * habit, again, score)


def _habits(table: Floats, exposure: Floats, weekdays: NDArray[np.int64]) -> Floats:
    """(T, 7, S): the largest count of a bin, on any day of each weekday, at each place on the clock."""
    rates = table / np.maximum(exposure, 1.0)
    found = np.zeros((len(table), 7, table.shape[2]))
    for day, weekday in enumerate(weekdays):
        found[:, weekday] = np.maximum(found[:, weekday], rates[:, day])
    return found


def _about(habits: Floats, slots: NDArray[np.int64]) -> list[Floats]:
    """What came at the bins' own places (T, B), and one bin before and after: jobs are early or late."""
    last = habits.shape[1] - 1
    return [habits[:, np.clip(slots + by, 0, last)] for by in (-1, 0, 1)]


def _with_unseen(known: RateEstimate, rows: NDArray[np.int64], bins: float, pooled: float) -> RateEstimate:
    """The estimates of some rows; -1 stands for a template that never came."""
    never, many = rows < 0, len(rows)
    found = known.rows(rows)
    unseen = {
        "mean": np.full(many, PRIOR_EVENTS / max(bins, 1.0)),
        "dispersion": np.full(many, max(pooled, FALLBACK_DISPERSION)),
        "events": np.zeros(many),
        "slots": np.ones_like(found.slots),
        "weekdays": np.ones_like(found.weekdays),
        "day_variance": np.zeros_like(found.day_variance),
    }
    return RateEstimate(
        *(
            np.where(never.reshape(-1, *[1] * (value.ndim - 1)), unseen[name], value)
            for name in _ARRAYS
            for value in [getattr(found, name)]
        )
    )
