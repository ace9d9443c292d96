"""Whether a version still fits its source: the health of each day, and what a row of days advises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import ArrayLike

from deeplog_ops.records import DayHealth

FINE, WATCH, TRAIN = "ok", "watch", "train"
LOW = 0.1  # a tenth of normal sessions has so small a p-value, if it means what it says
DAYS = 7  # looked back over
LEAST_SESSIONS = 200  # judged; of fewer, rates say little
LEAST_DAYS = 3  # on which something must hold before it is advised to train
# From where on to watch, and to train:
UNKNOWN = (0.002, 0.02)  # share of a day's events, beyond what is usual on training days
ALARMS = (3.0, 10.0)  # how many times the budget of false alarms
ODDER = (0.1, 0.25)  # excess of sessions with a small p-value


@dataclass(frozen=True)
class Advice:
    """What a row of days says: `level` is ok, watch or train; why, in words."""

    level: str
    reason: str


def day_health(
    *,
    judged: int,
    flagged: int,
    events: int,
    unknown_events: int,
    budget: float,
    p_values: ArrayLike,
    sessions: ArrayLike,
    unknown_usual: float | None = None,
) -> DayHealth:
    """A day by itself. p_values[i] is the verdict's, before any threshold, of sessions[i] judged sessions.

    Its `level` says what such days in a row would advise; it does not know of other days, so a run again gives the
    same. `unknown_usual` is the share of unknown events that training found on days left out.
    """
    values, weights = np.asarray(p_values, float), np.asarray(sessions, float)
    order = np.argsort(values, kind="stable")
    values, shares = values[order], np.cumsum(weights[order])
    total = float(shares[-1]) if len(shares) else 0.0
    found = DayHealth(
        judged=judged,
        unknown_share=unknown_events / events if events else None,
        unknown_usual=unknown_usual,
        alarm_rate=flagged / judged if judged else None,
        budget=budget,
    )
    if total:
        shares /= total
        before = np.concatenate([[0.0], shares[:-1]])
        found = replace(
            found,
            p_median=float(values[np.searchsorted(shares, 0.5)]),
            p_low=float(weights[order][values <= LOW].sum() / total),
            calibration_error=float(np.max(np.maximum(np.abs(shares - values), np.abs(before - values)))),
        )
    signs = [sign for sign in _signs([found], least_days=1) if sign]
    worst = [sign for sign in signs if sign.level == TRAIN] or signs
    if not worst:
        return found
    return replace(found, level=worst[0].level, advice=" ".join(sign.reason for sign in worst))


def advice(days: Sequence[DayHealth]) -> Advice:
    """What days of one version advise, the oldest first; only the last seven count.

    Three days must agree, the last among them, before it is advised to train: one odd day is an incident, not drift.
    """
    last = list(days)[-DAYS:]
    if not last:
        return Advice(FINE, "No day was scored yet.")
    signs = [sign for sign in _signs(last, LEAST_DAYS) if sign]
    worst = [sign for sign in signs if sign.level == TRAIN] or signs
    if not worst:
        return Advice(FINE, f"The version fits: {_days(len(last))} looked at.")
    more = " Train again." if worst[0].level == TRAIN else ""
    return Advice(worst[0].level, " ".join(sign.reason for sign in worst) + more)


def _signs(days: Sequence[DayHealth], least_days: int) -> list[Advice | None]:
    return [_unknown(days, least_days), _alarms(days, least_days), _odder(days, least_days)]


def _unknown(days: Sequence[DayHealth], least_days: int) -> Advice | None:
    shares = [max((day.unknown_share or 0.0) - (day.unknown_usual or 0.0), 0.0) for day in days]
    level = _level(shares, UNKNOWN, least_days)
    lately = median((day.unknown_share or 0.0) for day in days[-least_days:])
    return _said(level, f"{lately:.1%} of the events are of templates that the version does not know.")


def _alarms(days: Sequence[DayHealth], least_days: int) -> Advice | None:
    judged = sum(day.judged for day in days)
    flagged = round(sum((day.alarm_rate or 0.0) * day.judged for day in days))
    budget = days[-1].budget
    # A few alarms in few sessions are no rate.
    if not budget or judged < LEAST_SESSIONS or flagged <= ALARMS[0] * (judged * budget + 1):
        return None
    level = _level([(day.alarm_rate or 0.0) / (day.budget or budget) for day in days], ALARMS, least_days)
    times = flagged / judged / budget
    return _said(
        level, f"{flagged:,} of {judged:,} sessions were flagged, {times:.0f} times the budget of {budget:g}."
    )


def _odder(days: Sequence[DayHealth], least_days: int) -> Advice | None:
    """Too many small p-values. Too few tell nothing: sessions that are all alike have large ones."""
    if sum(day.judged for day in days) < LEAST_SESSIONS:
        return None
    level = _level([max((day.p_low or 0.0) - LOW, 0.0) for day in days], ODDER, least_days)
    lately = median((day.p_low or 0.0) for day in days[-least_days:])
    return _said(
        level,
        f"{lately:.0%} of the sessions are as odd as only {LOW:.0%} of those of training: scores no longer mean "
        "what they say.",
    )


def _said(level: str, reason: str) -> Advice | None:
    return Advice(level, reason) if level != FINE else None


def _level(values: Sequence[float], bounds: tuple[float, float], least_days: int) -> str:
    watch, train = bounds
    if values[-1] >= train and sum(value >= train for value in values) >= least_days:
        return TRAIN
    some = sum(value >= watch for value in values)
    return WATCH if some and (values[-1] >= watch or some >= least_days) else FINE


def _days(count: int) -> str:
    return "1 day was" if count == 1 else f"{count} days were"
