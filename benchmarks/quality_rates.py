"""Rates by how many days they were learnt from: false alarms a day against the budget, and what is found.

    python -m benchmarks.quality_rates [--systems 30] [--first-seed 1000]

Generated systems of 120 templates: heartbeats, chatter, requests by the clock, clumps, nightly and weekly jobs, rare
lines. Half of them keep a plain week (`calm`), half have empty weekends and days that differ much (`restless`). A system
starts on any weekday, and is scored for 30 days after its training. Constants were chosen on seeds below 1000.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import save
from deeplog_ops.config_detection import Rates
from deeplog_ops.detection.rates import RateFinding, rate_findings, with_silent
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.models.rate_bins import DayBins, RateCounts

MONDAY = date(2026, 3, 2)
OFFICE = np.array((2, 1, 1, 1, 1, 2, 3, 6, 9, 11, 12, 11, 10, 11, 12, 13, 12, 10, 9, 9, 8, 6, 4, 3)) / 7.0
SORTS = ("heartbeat", "chatter", "requests", "clumps", "nightly", "weekly", "rare")
TEMPLATES = 120
TRAINED = (2, 3, 4, 5, 6, 7, 14)
SCORED = 30
Table = NDArray[np.int64]
KEYS = tuple(f"{SORTS[row % len(SORTS)]}{row}" for row in range(TEMPLATES))


@dataclass(frozen=True)
class Temper:
    """How much a system's days differ: by weekday (Monday first), by day, and by hour."""

    name: str
    week: tuple[float, ...]
    day: float  # standard deviation of a day's factor
    hour: float  # shape of the gamma by which an hour varies: larger is steadier


TEMPERS = (
    Temper("calm", (1.05, 1.1, 1.1, 1.05, 1.1, 0.8, 0.7), 0.05, 10.0),
    Temper("restless", (1.1, 1.2, 1.2, 1.2, 1.1, 0.4, 0.3), 0.12, 6.0),
)


def day_bins(number: int) -> DayBins:
    return DayBins.of(MONDAY + timedelta(days=number), "UTC", timedelta(hours=1))


def normal_day(number: int, sizes: NDArray[np.float64], temper: Temper, rng: np.random.Generator) -> Table:
    """Counts (T, 24); the number counts days from a Monday."""
    weekday = number % 7
    busy = temper.week[weekday] * np.exp(temper.day * rng.normal())
    table = np.zeros((len(sizes), 24), np.int64)
    for row, size in enumerate(sizes):
        sort = SORTS[row % len(SORTS)]
        if sort == "heartbeat":
            table[row] = 12 * (1 + row % 5) + rng.integers(-1, 2, 24) * (rng.random(24) < 0.1)
        elif sort == "chatter":
            table[row] = rng.poisson(size / 24, 24)
        elif sort == "requests":
            table[row] = rng.poisson(rng.gamma(temper.hour, size * OFFICE * busy / temper.hour + 1e-9))
        elif sort == "clumps":
            table[row] = [rng.geometric(0.2, n).sum() for n in rng.poisson(size / 200 * OFFICE * busy, 24)]
        elif sort == "nightly":
            table[row, row % 24] = rng.poisson(30 + size / 10)
        elif sort == "weekly" and weekday == row % 7:
            table[row, 3] = rng.poisson(40)
        elif sort == "rare":
            table[row] = rng.poisson(0.3 / 24, 24)
    return table


@dataclass(frozen=True)
class System:
    """A history: so many days to train on, and days to score after them."""

    first: int
    tables: tuple[Table, ...]
    rng: np.random.Generator

    @classmethod
    def of(cls, seed: int, days: int) -> System:
        rng = np.random.default_rng(seed)
        first, temper = int(rng.integers(0, 7)), TEMPERS[seed % len(TEMPERS)]
        sizes = 10 ** rng.uniform(0, 3, TEMPLATES)
        return cls(
            first, tuple(normal_day(first + number, sizes, temper, rng) for number in range(days)), rng
        )

    def baseline(self, days: int, **more: Any) -> RateBaseline:
        bins = [day_bins(self.first + number) for number in range(days)]
        found = RateBaseline.fit(RateCounts.of(KEYS, bins, self.tables[:days]), Rates(least_days=2, **more))
        assert found is not None
        return found

    def findings(
        self, baseline: RateBaseline, table: Table, number: int, known: set[str]
    ) -> list[RateFinding]:
        names = np.array([*KEYS, *(f"new{row}" for row in range(len(table) - TEMPLATES))])
        came = table.any(axis=1)
        keys, counts = tuple(names[came].tolist()), table[came]
        return rate_findings(
            baseline, *with_silent(baseline, keys, counts), day_bins(self.first + number), known
        )


@dataclass(frozen=True)
class Change:
    """Something made to a normal day: `kind` says what, and it must be found for `key` between two hours."""

    kind: str
    key: str
    hours: range
    rising: bool
    table: Table

    def found_by(self, finding: RateFinding) -> bool:
        met = finding.first <= self.hours[-1] and self.hours[0] < finding.after
        return met and finding.key == self.key and finding.rising == self.rising


def changes(table: Table, usual: NDArray[np.float64], rng: np.random.Generator) -> Iterator[Change]:
    """One of each kind; `usual` (T, 24) are the training's mean counts, which say what is large enough to show."""
    hour = int(rng.integers(8, 18))
    new = np.concatenate([table, np.zeros((1, 24), np.int64)])
    new[-1, hour] = 80
    yield Change("new: 80 in an hour", "new0", range(hour, hour + 1), True, new)
    of_hour = usual[:, hour]
    rare = usual.sum(1) < 5
    yield _changed("burst: six times an hour of 5 or more", table, of_hour >= 5, hour, 1, 6 * of_hour, rng)
    yield _changed("burst: 40 of a rare line", table, rare, hour, 1, np.full(len(table), 40), rng)
    yield _changed("drop: a quarter in three hours of 60", table, _often(usual, hour, 3), hour, 3, 0.25, rng)
    yield _changed("vanished: for six hours of 60", table, _often(usual, hour, 6), hour, 6, 0.0, rng)


def _often(usual: NDArray[np.float64], hour: int, hours: int) -> NDArray[np.bool_]:
    return np.asarray(usual[:, hour : hour + hours].sum(1) >= 60)


def _changed(
    kind: str,
    table: Table,
    of: NDArray[np.bool_],
    hour: int,
    hours: int,
    to: NDArray[Any] | float,
    rng: np.random.Generator,
) -> Change:
    """One of some templates: at least so many more come in an hour, or so much is left of what came in some."""
    row = int(rng.choice(np.flatnonzero(of)))
    changed, span = table.copy(), slice(hour, hour + hours)
    came = table[row, span]
    changed[row, span] = (came * to).astype(int) if isinstance(to, float) else np.maximum(came, int(to[row]))
    return Change(kind, KEYS[row], range(hour, hour + hours), not isinstance(to, float), changed)


def measured(trained: int, seeds: range) -> dict[str, Any]:
    """Of systems with so many training days: false alarms of templates that training had, and of others; and recall."""
    days, alarms, made, found = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for seed in seeds:
        system, temper = System.of(seed, trained + SCORED), TEMPERS[seed % len(TEMPERS)].name
        baseline = system.baseline(trained)
        total = np.sum(system.tables[:trained], axis=0)
        known = {key for key, count in zip(KEYS, total.sum(1), strict=True) if count}
        for number in range(trained, trained + SCORED):
            table = system.tables[number]
            told = system.findings(baseline, table, number, known)
            days[temper] += 1
            alarms[temper] += sum(each.key in known for each in told)
            alarms["never seen"] += sum(each.key not in known for each in told)
            for change in changes(table, total / trained, system.rng) if number % 5 == 0 else ():
                made[change.kind] += 1
                found[change.kind] += any(
                    change.found_by(each) for each in system.findings(baseline, change.table, number, known)
                )
    return {
        "days": days.total(),
        "false_alarms": sum(alarms[temper.name] for temper in TEMPERS),
        "false_alarms_a_day": sum(alarms[temper.name] for temper in TEMPERS) / days.total(),
        "of": {temper.name: alarms[temper.name] / days[temper.name] for temper in TEMPERS},
        "never_seen_a_day": alarms["never seen"] / days.total(),
        "made_of_each_kind": made.total() // len(made),
        "recall": {kind: found[kind] / made[kind] for kind in made},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--systems", type=int, default=30)
    parser.add_argument("--first-seed", type=int, default=1000)
    options = parser.parse_args()
    began = time.monotonic()
    seeds = range(options.first_seed, options.first_seed + options.systems)
    told: dict[str, Any] = {}
    for trained in TRAINED:
        told[str(trained)] = measured(trained, seeds)
        print(trained, told[str(trained)], flush=True)
    save(
        "rates",
        {"systems": options.systems, "budget": Rates().false_alarms_per_day, "trained": told},
        time.monotonic() - began,
    )


if __name__ == "__main__":
    main()
