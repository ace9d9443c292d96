"""Whether a version still fits its source: the health of each day, and what a row of days advises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import median

import numpy as np
from numpy.typing import ArrayLike

SHARES = (0.5, 0.1, 0.01)  # of normal sessions that have so small a p-value, if it means what it says
DAYS = 7  # looked back over
LEAST_SESSIONS = 200  # judged in those days; of fewer, rates say little
LEAST_DAYS = 3  # on which something must hold before it is advised to train
# From where on to watch, and to train:
UNKNOWN_EVENTS = (0.002, 0.02)  # share of a day's events
UNKNOWN_SESSIONS = (0.01, 0.05)  # share of its sessions
ALARMS = (3.0, 10.0)  # how many times the budget of false alarms
OFF = (0.1, 0.25)  # excess of small p-values
OTHER_ALARMS = (5.0, 25.0)  # a day, for rates and values


class Level(StrEnum):
    FINE = "fine"
    WATCH = "watch"
    TRAIN = "train"


@dataclass(frozen=True)
class DayHealth:
    """How one scored day fits its version. Shares are of 0 to 1, counts are of the day.

    `p_shares` are the shares of judged sessions whose p-value was at most each of SHARES; None where none was judged.
    """

    day: date
    version: str
    events: int
    unknown_events: int  # of templates that the version's catalogue does not have
    judged: int
    unknown_sessions: int  # with an event of such a template
    flagged: int  # sessions that are anomalies
    value_alarms: int
    rate_alarms: int
    p_shares: tuple[float, ...] | None

    @property
    def unknown_event_share(self) -> float:
        return self.unknown_events / self.events if self.events else 0.0

    @property
    def unknown_session_share(self) -> float:
        return self.unknown_sessions / self.judged if self.judged else 0.0

    @property
    def alarm_rate(self) -> float:
        """The realised one, to be held against the source's budget: what was flagged, true or false."""
        return self.flagged / self.judged if self.judged else 0.0

    @property
    def off(self) -> float:
        """How far the p-values are from meaning what they say, 0 to 1: the largest excess of a share over its own.

        More small ones than there should be tell of drift. Fewer tell nothing: sessions that are all alike have
        p-values near 1.
        """
        if self.p_shares is None:
            return 0.0
        return max(0.0, *(found - share for found, share in zip(self.p_shares, SHARES, strict=True)))


@dataclass(frozen=True)
class Advice:
    """What the days say, and why, in words."""

    level: Level
    reason: str


def p_shares(p_values: ArrayLike, sessions: ArrayLike) -> tuple[float, ...] | None:
    """Shares of sessions whose p-value is at most each of SHARES; p_values[i] is that of sessions[i] sessions."""
    values, weights = np.asarray(p_values, float), np.asarray(sessions, float)
    total = weights.sum()
    return tuple(float(weights[values <= share].sum() / total) for share in SHARES) if total else None


def advice(healths: Sequence[DayHealth], budget: float) -> Advice:
    """What the last days of one version advise; `budget` is the share of normal sessions that may be flagged.

    Only days of the newest version count: a training starts the watch anew. A single odd day advises nothing but to
    watch: that is an incident, not drift.
    """
    ordered = sorted(healths, key=lambda health: health.day)
    days = [health for health in ordered if health.version == ordered[-1].version][-DAYS:]
    if not days:
        return Advice(Level.FINE, "No day was scored yet.")
    told = (
        _unknown_events(days),
        _unknown_sessions(days),
        _alarms(days, budget),
        _calibration(days),
        _rates(days),
    )
    signs = [sign for sign in told if sign]
    worst = [sign for sign in signs if sign.level is Level.TRAIN] or signs
    if not worst:
        count = "day fits" if len(days) == 1 else f"{len(days)} days fit"
        return Advice(Level.FINE, f"The last {count} the version.")
    reason = " ".join(sign.reason for sign in worst)
    return Advice(worst[0].level, reason + (" Train again." if worst[0].level is Level.TRAIN else ""))


def _unknown_events(days: Sequence[DayHealth]) -> Advice | None:
    shares = [day.unknown_event_share for day in days]
    level, on = _level(shares, *UNKNOWN_EVENTS)
    return _said(
        level,
        f"On {on} of {len(days)} days events came of templates that the version does not know, "
        f"lately {median(shares[-LEAST_DAYS:]):.1%} of all.",
    )


def _unknown_sessions(days: Sequence[DayHealth]) -> Advice | None:
    shares = [day.unknown_session_share for day in days]
    level, on = _level(shares, *UNKNOWN_SESSIONS)
    return _said(
        level,
        f"On {on} of {len(days)} days sessions had events that the version does not know, "
        f"lately {median(shares[-LEAST_DAYS:]):.1%} of all.",
    )


def _alarms(days: Sequence[DayHealth], budget: float) -> Advice | None:
    judged, flagged = sum(day.judged for day in days), sum(day.flagged for day in days)
    # A few alarms in few sessions are no rate.
    if judged < LEAST_SESSIONS or flagged <= ALARMS[0] * (judged * budget + 1):
        return None
    level, _ = _level([day.alarm_rate / budget for day in days], *ALARMS)
    times = flagged / judged / budget
    return _said(
        level, f"{flagged:,} of {judged:,} sessions were flagged, {times:.0f} times the budget of {budget:g}."
    )


def _calibration(days: Sequence[DayHealth]) -> Advice | None:
    if sum(day.judged for day in days) < LEAST_SESSIONS:
        return None
    level, on = _level([day.off for day in days], *OFF)
    return _said(
        level,
        f"On {on} of {len(days)} days sessions were odder than those of training: scores no longer mean what they say.",
    )


def _rates(days: Sequence[DayHealth]) -> Advice | None:
    level, on = _level([day.rate_alarms + day.value_alarms for day in days], *OTHER_ALARMS)
    return _said(level, f"On {on} of {len(days)} days many counts and values were unlike those of training.")


def _said(level: Level | None, reason: str) -> Advice | None:
    return Advice(level, reason) if level else None


def _level(values: Sequence[float], watch: float, train: float) -> tuple[Level | None, int]:
    """The level that the values reach, and on how many days. To advise a training takes three days, the last among them."""
    high = sum(value >= train for value in values)
    if high >= LEAST_DAYS and values[-1] >= train:
        return Level.TRAIN, high
    some = sum(value >= watch for value in values)
    return (Level.WATCH, some) if some and (values[-1] >= watch or some >= LEAST_DAYS) else (None, some)
