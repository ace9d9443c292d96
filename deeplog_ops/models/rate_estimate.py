"""How often templates come, by the clock and the weekday, and how much that varies: estimated from a few days.

Every effect is shrunk to the template's mean as far as its own noise asks for (empirical Bayes by moments): three days
say little of an hour that has few events, and nothing of weekdays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR_EVENTS = 0.5  # in all training days, of a template that never came in them
OWN_DISPERSION = (
    5.0  # events that a template must have for its own dispersion to weigh as much as that of all
)
FALLBACK_DISPERSION = 2.0  # where no template has enough events to tell
CLUMP = (
    10.0  # a rare template's dispersion counts as at most so much: that of one weekly job is not that of all
)
RARE = 100  # events in training; a template with fewer is rare
# A template that follows the clock follows the calendar: in parts of its variation over the day (at most 1),
UNSEEN_WEEKDAY = 0.4  # how far a weekday that training never saw may be off, as a share,
DAY_TO_DAY = 0.15  # and any two days, which weighs as much as
DAY_TO_DAY_WEIGHT = 2.0  # so many days of the template's own
FEW = 7  # fewer training days have not shown every weekday
UNTOLD = 2.0  # standard errors by which the clock may matter more than it is seen to

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RateEstimate:
    """Of T templates: expected count of one bin = mean * slots[slot] * weekdays[weekday]; its variance is
    dispersion * expected + day_variance[weekday] * expected²."""

    mean: Floats  # (T,) events a bin
    slots: Floats  # (T, S) around 1
    weekdays: Floats  # (T, 7) around 1, Monday first
    dispersion: Floats  # (T,) 1 is chance, less is steadier
    day_variance: Floats  # (T, 7) of a day's factor
    events: Floats  # (T,) counted in training, freaks trimmed

    def rows(self, rows: NDArray[np.int64]) -> RateEstimate:
        return RateEstimate(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @classmethod
    def joined(cls, parts: Sequence[RateEstimate]) -> RateEstimate:
        """Estimates of some templates after those of others."""
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__)
        )


def estimate(counts: Floats, exposure: Floats, weekdays: NDArray[np.int64], pooled: float) -> RateEstimate:
    """From counts (T, D, S) of templates, days and places on the clock; `exposure` (D, S) says how many bins each
    place has had, `weekdays` (D,) which weekday a day is. `pooled` is the dispersion of templates that have few events.

    What happened on one day alone is not yet habit: of three days or more, each template's most extreme day counts
    as the next most extreme, so that a flood or an outage in the training days blinds nothing.
    """
    trimmed = _trimmed(counts, exposure)
    events = trimmed.sum((1, 2))
    mean, raw, of_slot = _means(trimmed, exposure)
    own, weight = _dispersion(trimmed, exposure, mean, raw)
    dispersion = (own * weight + pooled * OWN_DISPERSION) / (weight + OWN_DISPERSION)
    slots, varies, kept = _slots(raw, mean, dispersion, of_slot)
    factors, day_variance = _weekdays(trimmed, exposure, weekdays, mean, slots, dispersion, varies)
    dispersion *= 1 + kept / len(exposure)  # what is not known of the clock's factors
    return RateEstimate(mean, slots, factors, dispersion, day_variance, events)


def own_dispersion(counts: Floats, exposure: Floats, *, trimmed: bool = True) -> tuple[Floats, Floats]:
    """Of each template by itself, and how many events it has."""
    kept = _trimmed(counts, exposure) if trimmed else counts
    mean, raw, _ = _means(kept, exposure)
    return _dispersion(kept, exposure, mean, raw, trimmed)[0], kept.sum((1, 2))


def pooled_dispersion(own: Floats, events: Floats) -> float:
    """That of templates with few events of their own: of all rare ones together, 1 at least.

    Rare events come in clumps or they do not: it depends on the system, and one template of them does not tell.
    """
    rare = (events > 0) & (events <= RARE)
    known = events[rare].sum()
    total = (np.minimum(own[rare], CLUMP) * events[rare]).sum() + FALLBACK_DISPERSION * RARE
    return max(1.0, float(total / (known + RARE)))


def _trimmed(counts: Floats, exposure: Floats) -> Floats:
    """No bin above the largest count of the second busiest day."""
    if counts.shape[1] < 3:
        return counts
    rates = counts / np.maximum(exposure, 1.0)
    second = np.partition(rates.max(axis=2), -2, axis=1)[:, -2]
    return np.minimum(counts, second[:, None, None] * np.maximum(exposure, 1.0))


def _means(counts: Floats, exposure: Floats) -> tuple[Floats, Floats, Floats]:
    """Events a bin (T,), the share of it at each place on the clock (T, S), and bins of each place (S,)."""
    of_slot = exposure.sum(0)
    mean = (counts.sum((1, 2)) + PRIOR_EVENTS) / max(exposure.sum(), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = np.where(of_slot > 0, counts.sum(1) / (mean[:, None] * of_slot), 1.0)
    return mean, raw, of_slot


def _dispersion(
    counts: Floats, exposure: Floats, mean: Floats, raw: Floats, trimmed: bool = True
) -> tuple[Floats, Floats]:
    """Σ(count - expected)² / Σ expected, and Σ expected, its weight.

    Expected is a product of clock and day. Where all events fall into one or two places of the clock, the day's factor
    would explain everything: there it is the clock alone. What few bins say is taken to be too low by two standard
    errors.
    """
    templates, days, _ = counts.shape
    by_clock = mean[:, None, None] * raw[:, None, :] * exposure
    day = counts.sum(2) / np.maximum(by_clock.sum(2), 1e-12)
    total = by_clock.sum((1, 2))
    clock = mean[:, None] * raw * exposure.sum(0)
    places = clock.sum(1) ** 2 / np.maximum((clock**2).sum(1), 1e-12)
    spread_out = places >= 3
    fitted = np.where(spread_out[:, None, None], by_clock * day[:, :, None], by_clock)
    squares = ((counts - fitted) ** 2).sum(2)
    if days >= 3 and trimmed:
        squares = np.minimum(squares, np.partition(squares, -2, axis=1)[:, -2:-1])
    free = (1 - 1 / days) * np.where(spread_out, 1 - 1 / np.maximum(places, 3.0), 1.0)
    observed = np.maximum(days * places * free, 1e-12)
    own = squares.sum(1) / np.maximum(total * free, 1e-12) * (1 + np.sqrt(8 / observed))
    told = total > 0 if days > 1 else np.zeros(templates, bool)
    return np.where(told, own, FALLBACK_DISPERSION), np.where(told, total, 0.0)


def _slots(raw: Floats, mean: Floats, dispersion: Floats, of_slot: Floats) -> tuple[Floats, Floats, Floats]:
    """Factors by the clock (T, S), how much they may vary (T,): the coefficient of variation, at most 1; and the share
    of the raw factors that was kept (T,).

    A template with few events may follow the clock unseen: how much it may is what is seen and UNTOLD standard errors.
    """
    seen = of_slot > 0
    noise = (dispersion / mean)[:, None] / np.maximum(of_slot, 1e-9)
    variance = np.maximum(((raw - 1) ** 2 - noise)[:, seen].mean(1), 0.0)[:, None]
    kept = np.where(seen, variance / (variance + noise), 0.0)
    error = noise[:, seen].mean(1) * np.sqrt(2 / max(seen.sum(), 1))
    return 1 + kept * (raw - 1), np.minimum(np.sqrt(variance[:, 0] + UNTOLD * error), 1.0), kept.mean(1)


def _weekdays(
    counts: Floats,
    exposure: Floats,
    weekdays: NDArray[np.int64],
    mean: Floats,
    slots: Floats,
    dispersion: Floats,
    varies: Floats,
) -> tuple[Floats, Floats]:
    """Factors by weekday (T, 7) and the variance of a day's factor (T, 7).

    Weekday and chance can be told apart only once a weekday has come twice; until then all is chance.
    """
    whole = exposure.sum(1) >= exposure.shape[1] / 2
    expected = mean[:, None] * (slots @ exposure.T)
    noise = dispersion[:, None] / np.maximum(expected, 1e-9)
    off = counts.sum(2) / np.maximum(expected, 1e-9) - 1
    off, noise, of_day = off[:, whole], noise[:, whole], weekdays[whole]
    days = off.shape[1]
    alone = np.maximum(off**2 - noise, 0.0)
    if days >= 3:
        limit = np.partition(np.abs(off), -2, axis=1)[:, -2:-1]
        off = np.clip(off, -limit, limit)
    member = np.eye(7)[of_day] if days else np.zeros((0, 7))  # (D, 7)
    n = member.sum(0)
    of_weekday = off @ member / np.maximum(n, 1)
    groups, chance = int((n > 0).sum()), noise.mean(1) if days else np.zeros(len(mean))
    if days > groups:
        free = float(days - groups)
        rest = ((off - of_weekday @ member.T) ** 2).sum(1) - chance * free
        within = np.maximum(rest / free, 0.0)
        spread = (of_weekday**2 * n).sum(1) / days - (within + chance) * groups / days
        between = np.maximum(spread, 0.0)
    else:
        free = float(max(days - 1, 0))
        within = np.maximum((off**2 - noise).mean(1), 0.0) if days else np.zeros(len(mean))
        between = np.zeros(len(mean))
    prior = (DAY_TO_DAY * varies) ** 2
    within = (within * free + prior * DAY_TO_DAY_WEIGHT) / (free + DAY_TO_DAY_WEIGHT)
    weight = between[:, None] * n / (between[:, None] * n + (within + chance)[:, None] + 1e-12)
    factors = np.maximum(1 + weight * of_weekday, 0.05)
    unseen = np.maximum(between, (UNSEEN_WEEKDAY * varies) ** 2)[:, None]
    left = np.where(n > 0, between[:, None] * (1 - weight), unseen)
    if len(weekdays) < FEW:  # the odd day may be the only one of a weekend: its weekday may be as odd again
        left = np.where(n == 1, np.maximum(left, alone @ member), left)
    return factors, within[:, None] + left
