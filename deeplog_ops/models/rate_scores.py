"""Scores of a day's counts against estimated rates, over every stretch that a rate is judged over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.rate_bins import DayBins
from deeplog_ops.models.rate_estimate import FALLBACK_DISPERSION, PRIOR_EVENTS, RateEstimate
from deeplog_ops.models.rate_tail import surprise
from deeplog_ops.models.rate_windows import ALL, WHOLE, sums, windows

LIKE = 2.5  # a count of up to so many times what came about this hour on the same weekday before may be the same job,
ONCE = 2.0  # and what came once varies so many times as much as what is known well

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DayScores:
    """What one span says of a day: (T, W), a column a window."""

    windows: list[tuple[int, int]]
    actual: Floats
    expected: Floats
    variance: Floats
    score: Floats


def day_scores(
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
        if not places or (span == WHOLE and not whole_day):
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
    alike = (score > 0) & (actual <= LIKE * habit)
    spread = (ONCE * np.maximum(dispersion, 1.0)[:, None] * habit)[alike]
    again = surprise(actual[alike], habit[alike], spread)
    found = score.copy()
    found[alike] = np.where(actual[alike] <= habit[alike], 0.0, np.minimum(score[alike], again))
    return found


def habits_of(table: Floats, exposure: Floats, weekdays: NDArray[np.int64]) -> Floats:
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


def with_unseen(known: RateEstimate, rows: NDArray[np.int64], bins: float, pooled: float) -> RateEstimate:
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
            for name in tuple(RateEstimate.__dataclass_fields__)
            for value in [getattr(found, name)]
        )
    )
