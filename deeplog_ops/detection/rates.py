"""Rates that are too odd for a normal day: which template, from when to when, and how many came."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.models.rate_bins import DayBins
from deeplog_ops.models.rate_scores import DayScores
from deeplog_ops.models.rate_tail import surprise
from deeplog_ops.models.rate_windows import WHOLE

BURST, DROP, VANISHED, NEW = "rate_burst", "rate_drop", "rate_vanished", "rate_new"
LEAST_BURST = 5  # fewer lines are no burst, however rare
LEAST_FLOOD = 50  # of a template younger than the version, which other evidence speaks of
HARDLY = 0.5  # fewer events in all training days: the template is as good as new
EDGE = 0.2  # of the oddest bin of a finding: bins at its edges that are off by less do not belong to it
_LARGEST_COUNT = 2**53


@dataclass(frozen=True)
class RateFinding:
    """One template over adjacent bins [first, after) of a day. `limit` is the count that would still have passed.

    `score` and `threshold` are surprises in nats; `per_day` is how many as odd a normal day has.
    """

    key: str
    kind: str
    first: int
    after: int
    begin: datetime
    end: datetime
    actual: int
    expected: float
    limit: int
    score: float
    threshold: float
    per_day: float
    bins: tuple[tuple[int, float], ...]  # actual and expected of each

    @property
    def rising(self) -> bool:
        return self.kind in (BURST, NEW)


def rate_findings(
    baseline: RateBaseline,
    keys: tuple[str, ...],
    counts: NDArray[np.int64],
    bins: DayBins,
    known: Container[str],
) -> list[RateFinding]:
    """The findings of a day, the oddest first. `known` are the templates of the version's catalogue.

    `counts` (T, B) are those of `keys` in the first B bins of the day, those that are over; templates that training
    knows and that did not come need their row of zeros (`with_silent`). Windows of one template that overlap are one
    finding, the oddest; those that adjoin and point the same way are joined.
    """
    if not counts.size:
        return []
    scores = baseline.score(keys, counts, bins)
    thresholds = {test: baseline.threshold(*test) for test in baseline.calibrations}
    least = np.array([LEAST_BURST if key in known else LEAST_FLOOD for key in keys])
    candidates: dict[int, list[tuple[float, int, int]]] = {}
    for span, found in scores.items():
        more = found.actual > found.expected
        odd = found.score > np.where(more, thresholds[span, True], thresholds[span, False])
        odd &= ~more | (found.actual >= least[:, None])
        for row, place in zip(*np.nonzero(odd), strict=True):
            candidates.setdefault(int(row), []).append((-float(found.score[row, place]), span, int(place)))
    findings = [
        finding
        for row, windows in candidates.items()
        for finding in _of_template(baseline, keys[row], row, windows, scores, thresholds, counts, bins)
    ]
    return sorted(findings, key=lambda found: (-found.score, found.key, found.first))


def with_silent(
    baseline: RateBaseline, keys: tuple[str, ...], counts: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The same with a row of zeros for every template of training that did not come."""
    present = set(keys)
    silent = tuple(key for key in baseline.keys if key not in present)
    zeros = np.zeros((len(silent), counts.shape[1]), np.int64)
    return keys + silent, np.concatenate([counts, zeros])


def _of_template(
    baseline: RateBaseline,
    key: str,
    row: int,
    windows: list[tuple[float, int, int]],
    scores: dict[int, DayScores],
    thresholds: dict[tuple[int, bool], float],
    counts: NDArray[np.int64],
    bins: DayBins,
) -> list[RateFinding]:
    taken = np.zeros(counts.shape[1], bool)
    single = scores[1]
    chosen: list[RateFinding] = []
    # The oddest first; of equally odd ones the shortest says best when it was.
    for negative, span, place in sorted(windows, key=lambda each: (each[0], each[1] == WHOLE, each[1:])):
        found = scores[span]
        first, after = found.windows[place]
        rising = bool(found.actual[row, place] > found.expected[row, place])
        first, after = _tight(single, row, first, after, rising)
        if taken[first:after].any():
            continue
        taken[first:after] = True
        mean, spread = float(found.expected[row, place]), float(found.variance[row, place])
        pairs = tuple(
            (int(y), float(m))
            for y, m in zip(single.actual[row, first:after], single.expected[row, first:after], strict=True)
        )
        actual = sum(y for y, _ in pairs)
        # What came in the window, but not in the bins that are told of.
        beside = int(found.actual[row, place]) - actual
        finding = RateFinding(
            key=key,
            kind="",
            first=first,
            after=after,
            begin=bins.starts[first],
            end=bins.ends[after - 1],
            actual=actual,
            expected=sum(m for _, m in pairs),
            limit=max(_limit(mean, spread, thresholds[span, rising], rising) - beside, 0),
            score=-negative,
            threshold=thresholds[span, rising],
            per_day=baseline.per_day(span, rising, -negative),
            bins=pairs,
        )
        events = baseline.estimate.events[baseline.rows[key]] if key in baseline.rows else 0.0
        chosen.append(replace(finding, kind=_kind(finding, rising, events)))
    return _joined(chosen)


def _kind(found: RateFinding, rising: bool, events: float) -> str:
    if rising:
        return NEW if events < HARDLY else BURST
    return VANISHED if found.actual == 0 else DROP


def _tight(single: DayScores, row: int, first: int, after: int, rising: bool) -> tuple[int, int]:
    """The window without bins at its edges in which hardly anything was odd in its direction."""
    off = single.actual[row, first:after] - single.expected[row, first:after]
    towards = off if rising else -off
    odd = np.flatnonzero(towards >= EDGE * towards.max())
    return first + int(odd[0]), first + int(odd[-1]) + 1


def _limit(mean: float, spread: float, threshold: float, rising: bool) -> int:
    """The largest count that is no alarm, or the smallest where too few came."""

    def odd(count: int) -> bool:
        one = np.array([float(count)])
        return bool(surprise(one, np.array([mean]), np.array([spread]))[0] > threshold)

    if rising:
        low, high = int(mean), max(int(mean) * 2, 16)
        while not odd(high) and high < _LARGEST_COUNT:
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if odd(middle) else (middle, high)
        return max(low, LEAST_BURST - 1)
    low, high = 0, int(np.ceil(mean))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if odd(middle) else (low, middle)
    return high


def _joined(findings: list[RateFinding]) -> list[RateFinding]:
    """Adjacent findings of one template that point the same way, as one."""
    done: list[RateFinding] = []
    for found in sorted(findings, key=lambda each: each.first):
        last = done[-1] if done else None
        if last is None or last.after != found.first or last.rising != found.rising:
            done.append(found)
            continue
        worst = max(last, found, key=lambda each: each.score)
        joined = replace(
            worst,
            first=last.first,
            after=found.after,
            begin=last.begin,
            end=found.end,
            actual=last.actual + found.actual,
            expected=last.expected + found.expected,
            limit=last.limit + found.limit,
            per_day=min(last.per_day, found.per_day),
            bins=last.bins + found.bins,
        )
        falling = VANISHED if joined.actual == 0 else DROP
        done[-1] = replace(joined, kind=worst.kind if worst.rising else falling)
    return done
