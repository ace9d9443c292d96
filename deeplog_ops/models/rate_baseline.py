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
from collections import Counter
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
from deeplog_ops.models.rate_estimate import FEW, RateEstimate, estimate, own_dispersion, pooled_dispersion
from deeplog_ops.models.rate_scores import DayScores, day_scores, habits_of, with_unseen
from deeplog_ops.models.rate_vouched import Vouched, let_pass

FEW_DAYS = 2.0
CELLS = 500_000  # of templates, days and places on the clock that are estimated at once: bounds memory
HELD_OUT = 21  # training days left out in turn, at most
_ARRAYS = tuple(RateEstimate.__dataclass_fields__)

Floats = NDArray[np.float64]
Test = tuple[int, bool]  # a span, and whether more came than expected


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
    weekdays: frozenset[int] = frozenset(range(7))  # that training has seen, Monday is 0
    vouched: tuple[Vouched, ...] = ()  # what people called normal

    @classmethod
    def fit(cls, counts: RateCounts, settings: Rates) -> RateBaseline | None:
        """None where there are fewer days with lines than `settings.least_days` (2 at the least), or no templates."""
        days = len(counts.days)
        if days < max(settings.least_days, 2) or not counts.keys:
            return None
        weekdays = np.array([bins.day.weekday() for bins in counts.days])
        slots = slots_a_day(settings.bin)
        size = max(CELLS // (days * slots), 1)
        chunks = [
            range(first, min(first + size, len(counts.keys))) for first in range(0, len(counts.keys), size)
        ]
        exposure = counts.exposure(slots)
        pooled = _pooled(counts, chunks, slots, exposure, trimmed=True)
        rare = max(pooled, _pooled(counts, chunks, slots, exposure, trimmed=False)) if days < FEW else pooled
        held, estimates, habits = HeldOut(), [], []
        for rows in chunks:
            table = counts.by_slot(slots, rows)
            estimates.append(estimate(table, exposure, weekdays, rare))
            habits.append(habits_of(table, exposure, weekdays))
            _score_held_out(held, counts, rows, table, exposure, weekdays, rare)
        return cls(
            keys=counts.keys,
            width=settings.bin,
            days=days,
            bins=float(exposure.sum()),
            pooled=pooled,
            false_alarms_per_day=settings.false_alarms_per_day,
            estimate=RateEstimate.joined(estimates),
            habits=np.concatenate(habits),
            calibrations=held.calibrations(),
            tests={span: count / min(days, HELD_OUT) for span, count in held.counts().items()},
            weekdays=frozenset(weekdays.tolist()),
        )

    @cached_property
    def rows(self) -> dict[str, int]:
        return {key: row for row, key in enumerate(self.keys)}

    @property
    def warming_up(self) -> bool:
        """Too few days to have shown a week."""
        return self.days < FEW

    def within_budget(self, key: str, weekday: int) -> bool:
        """Whether training can say how often a template's counts are odd: nothing is known of what it never saw, on a
        weekday that it never saw."""
        return not self.warming_up or key in self.rows or weekday in self.weekdays

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
        rates = with_unseen(self.estimate, known, self.bins, self.pooled)
        habits = np.where((known >= 0)[:, None, None], self.habits[known], 0.0)
        found = day_scores(rates, habits, counts.astype(float), bins)
        let_pass(found, self.vouched, keys, bins, rates.dispersion, rates.day_variance[:, bins.day.weekday()])
        return {span: scores for span, scores in found.items() if span in self.tests}

    def to_part(self) -> ModelPart:
        return ModelPart(
            {
                "keys": list(self.keys),
                "bin_seconds": self.width.total_seconds(),
                "days": self.days,
                "weekdays": sorted(self.weekdays),
                "vouched": [each.to_dict() for each in self.vouched],
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
                weekdays=frozenset(map(int, data.get("weekdays", range(7)))),
                vouched=tuple(map(Vouched.from_dict, data.get("vouched", ()))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"these are no rates of a version: {error!r}") from error


class HeldOut:
    """Scores of training days by baselines of the others, for every test; of those of 0 only how many there are."""

    def __init__(self) -> None:
        self._scores: dict[Test, list[NDArray[np.float32]]] = {}
        self._zeros: Counter[Test] = Counter()

    def add(self, span: int, scores: DayScores) -> None:
        more = scores.actual > scores.expected
        for rising in (True, False):
            odd = scores.score[(more == rising) & (scores.score > 0)].astype(np.float32)
            self._scores.setdefault((span, rising), []).append(odd)
            self._zeros[span, rising] += scores.score.size - len(odd)

    def counts(self) -> dict[int, int]:
        """How many scores each span has, in either direction."""
        return {
            span: sum(map(len, parts)) + self._zeros[span, rising]
            for (span, rising), parts in self._scores.items()
            if rising and sum(map(len, parts)) + self._zeros[span, rising]
        }

    def calibrations(self) -> dict[Test, Calibration]:
        found = {}
        for (span, rising), parts in self._scores.items():
            if span in self.counts():
                scores = np.append(np.concatenate(parts), np.float32(0))
                weights = np.append(np.ones(len(scores) - 1, np.int64), self._zeros[span, rising])
                found[span, rising] = Calibration.fit(scores, weights)
        return found


def _pooled(counts: RateCounts, chunks: list[range], slots: int, exposure: Floats, *, trimmed: bool) -> float:
    own = [own_dispersion(counts.by_slot(slots, rows), exposure, trimmed=trimmed) for rows in chunks]
    return pooled_dispersion(*(np.concatenate(part) for part in zip(*own, strict=True)))


def _score_held_out(
    held: HeldOut,
    counts: RateCounts,
    rows: range,
    table: Floats,
    exposure: Floats,
    weekdays: NDArray[np.int64],
    pooled: float,
) -> None:
    days = len(counts.days)
    for day in np.unique(np.linspace(0, days - 1, min(days, HELD_OUT)).round().astype(int)):
        others = np.arange(days) != day
        rates = estimate(table[:, others], exposure[others], weekdays[others], pooled)
        habits = habits_of(table[:, others], exposure[others], weekdays[others])
        of_day = counts.counts[day][rows.start : rows.stop].astype(float)
        for span, scores in day_scores(rates, habits, of_day, counts.days[day], counts.watched[day]).items():
            held.add(span, scores)
