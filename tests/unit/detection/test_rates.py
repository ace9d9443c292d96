"""Odd rates of days whose truth is known: simulated systems, and the generator's own days, counted without files."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.quality_rates import KEYS, System
from deeplog_ops.config_detection import Rates
from deeplog_ops.detection.rate_words import rate_anomaly
from deeplog_ops.detection.rates import RateFinding, rate_findings, with_silent
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.models.rate_bins import DayBins, RateCounts
from deeplog_ops.records import LineRef
from deeplog_ops.simulate.day import Plan, lines_of, started_on
from deeplog_ops.simulate.session import Line

HOUR = timedelta(hours=1)
MONDAY = date(2026, 3, 2)
Table = NDArray[np.int64]


def day_number(number: int) -> DayBins:
    return DayBins.of(MONDAY + timedelta(days=number), "UTC", HOUR)


def baseline_of(keys: list[str], tables: list[Table], **more: Any) -> RateBaseline:
    days = [day_number(number) for number in range(len(tables))]
    found = RateBaseline.fit(RateCounts.of(keys, days, tables), Rates(**more))
    assert found is not None
    return found


def findings(baseline: RateBaseline, counts: dict[str, Table], number: int, **more: Any) -> list[RateFinding]:
    keys = tuple(sorted(counts))
    table = np.array([counts[key] for key in keys], np.int64).reshape(len(keys), -1)
    return rate_findings(
        baseline, *with_silent(baseline, keys, table), day_number(number), more.get("known", baseline.keys)
    )


def false_alarms(training: int, seeds: range, days: int) -> int:
    """Of templates that training had: what it never saw is new indeed."""
    alarms = 0
    for seed in seeds:
        system = System.of(seed, training + days)
        baseline = system.baseline(training)
        total = np.sum(system.tables[:training], axis=0).sum(1)
        known = {key for key, count in zip(KEYS, total, strict=True) if count}
        for number in range(training, training + days):
            told = system.findings(baseline, system.tables[number], number, known)
            alarms += sum(each.key in known for each in told)
    return alarms


@pytest.mark.parametrize(("training", "systems", "days"), [(3, 12, 30), (5, 12, 30), (7, 5, 60), (14, 5, 60)])
def test_normal_days_have_no_more_false_alarms_than_the_budget(
    training: int, systems: int, days: int
) -> None:
    """The bound leaves room for chance (a Poisson count of 7 exceeds 14 once in 150)."""
    assert false_alarms(training, range(systems), days) <= 2 * 0.02 * systems * days


def test_a_larger_budget_gives_more_alarms() -> None:
    system = System.of(4, 44)
    strict, loose = (system.baseline(14, false_alarms_per_day=budget) for budget in (0.001, 2.0))
    few, many = (
        sum(len(system.findings(each, system.tables[number], number, set(KEYS))) for number in range(14, 44))
        for each in (strict, loose)
    )
    assert few < many
    assert many <= 2 * 2.0 * 30


KINDS = ("flood", "missing_heartbeat", "rare_burst")


def generated(plan: Plan, number: int) -> list[Line]:
    day = MONDAY + timedelta(days=number)
    return lines_of(day, plan, started_on(day, plan), started_on(day - timedelta(days=1), plan))


def counted(lines: list[Line]) -> dict[str, Table]:
    counts = Counter((line.step, line.ms // 3_600_000) for line in lines)
    found = {step: np.zeros(24, np.int64) for step, _ in counts}
    for (step, hour), events in counts.items():
        found[step][hour] = events
    return found


def test_the_generators_floods_bursts_and_missing_heartbeats_are_found_and_little_else() -> None:
    hidden, found, others, days = Counter[str](), Counter[str](), 0, 0
    for seed, training, sessions in ((0, 7, 300), (1, 7, 300), (2, 3, 300), (3, 14, 200)):
        start = MONDAY + timedelta(days=training)
        plan = Plan(seed=seed, sessions_per_day=sessions, anomalies_per_day=12, anomalies_from=start)
        tables = [counted(generated(plan, number)) for number in range(training)]
        keys = sorted({key for table in tables for key in table})
        none = np.zeros(24, np.int64)
        baseline = baseline_of(keys, [np.array([table.get(key, none) for key in keys]) for table in tables])
        for number in range(training, training + 4):
            lines = generated(plan, number)
            told = findings(baseline, counted(lines), number)
            used = set()
            for line in lines:
                if line.mark is None or line.mark.kind not in KINDS:
                    continue
                hour, rising = line.ms // 3_600_000, line.mark.kind != "missing_heartbeat"
                right = [
                    each
                    for each in told
                    if each.key == line.step
                    and each.rising == rising
                    and each.first <= hour + 1
                    and hour < each.after
                ]
                hidden[line.mark.kind] += 1
                found[line.mark.kind] += bool(right)
                used |= {(each.key, each.first) for each in right}
            others += sum((each.key, each.first) not in used for each in told)
            days += 1
    assert all(hidden[kind] >= 10 for kind in KINDS)
    assert {kind: found[kind] / hidden[kind] for kind in KINDS if found[kind] < 0.95 * hidden[kind]} == {}
    assert others <= 1


def steady(*rows: int, days: int = 7) -> tuple[list[str], list[Table]]:
    """Templates t0, t1, ... that come so often each hour, by chance, among forty others."""
    rng = np.random.default_rng(4)
    means = np.array([*rows, *([20] * 40)])[:, None]
    return [f"t{row}" for row in range(len(means))], [rng.poisson(np.tile(means, 24)) for _ in range(days)]


def today(*rows: int) -> tuple[RateBaseline, dict[str, Table]]:
    keys, tables = steady(*rows, days=8)
    return baseline_of(keys, tables[:7]), dict(zip(keys, tables[7], strict=True))


def test_hours_that_adjoin_are_one_finding_with_its_totals() -> None:
    baseline, counts = today(100)
    counts["t0"][9:12] = (300, 900, 400)
    (found,) = findings(baseline, counts, 7)
    assert (found.kind, found.first, found.after, found.actual) == ("rate_burst", 9, 12, 1600)
    assert found.expected == pytest.approx(300, rel=0.1)
    assert (found.begin.hour, found.end.hour) == (9, 12)
    assert found.expected < found.limit < 600
    assert [actual for actual, _ in found.bins] == [300, 900, 400]


def test_a_burst_and_a_gap_of_one_template_are_two_findings() -> None:
    baseline, counts = today(100)
    counts["t0"][3], counts["t0"][15:17] = 800, 0
    found = sorted(findings(baseline, counts, 7), key=lambda each: each.first)
    assert [(each.kind, each.first, each.after) for each in found] == [
        ("rate_burst", 3, 4),
        ("rate_vanished", 15, 17),
    ]


def test_a_gap_of_an_hour_across_two_bins_is_told_as_those_two() -> None:
    keys, tables = steady(1)
    for table in tables:
        table[0] = 48
    baseline = baseline_of(keys, tables)
    counts = dict(zip(keys, tables[6], strict=True))
    counts["t0"] = np.full(24, 48)
    counts["t0"][9:11] = (43, 42)
    (found,) = findings(baseline, counts, 7)
    assert (found.kind, found.first, found.after, found.actual) == ("rate_drop", 9, 11, 85)
    # What would have passed is told of the same two hours, whatever window showed it.
    assert found.actual < found.limit < found.expected


def test_what_comes_now_and_then_and_stays_away_all_day_has_vanished() -> None:
    baseline, counts = today(2)
    del counts["t0"]
    (found,) = findings(baseline, counts, 7)
    assert (found.kind, found.key, found.actual) == ("rate_vanished", "t0", 0)
    assert found.after - found.first >= 6


def test_half_of_what_was_expected_is_a_drop() -> None:
    baseline, counts = today(400)
    counts["t0"][10] = 200
    (found,) = findings(baseline, counts, 7)
    assert (found.kind, found.first, found.actual) == ("rate_drop", 10, 200)
    assert 200 < found.limit < 400


def test_a_known_template_that_training_days_did_not_have_is_new_when_it_comes_often() -> None:
    baseline, counts = today(100)
    row = np.zeros(24, np.int64)
    row[8] = 40
    (found,) = findings(baseline, {**counts, "old": row}, 7, known={*baseline.keys, "old"})
    assert (found.kind, found.key) == ("rate_new", "old")


def test_a_template_that_the_version_does_not_know_counts_as_a_flood_alone() -> None:
    baseline, counts = today(100)
    few, many = np.zeros(24, np.int64), np.zeros(24, np.int64)
    few[8], many[8] = 40, 400
    (found,) = findings(baseline, {**counts, "few": few, "many": many}, 7)
    assert (found.kind, found.key) == ("rate_new", "many")


def test_what_training_never_saw_on_a_weekday_that_it_never_saw_is_beyond_the_budget() -> None:
    """Of few days alone: a week has shown every weekday."""
    few, week = (baseline_of(*steady(100, days=days)) for days in (3, 7))
    monday, saturday = 0, 5
    assert few.within_budget("t0", saturday)
    assert few.within_budget("never", monday)
    assert not few.within_budget("never", saturday)
    assert week.within_budget("never", saturday)
    again = RateBaseline.restore(few.to_part())
    assert not again.within_budget("never", saturday)


def test_hours_that_are_not_over_are_not_judged() -> None:
    baseline, counts = today(100)
    morning = {key: row[:12] for key, row in counts.items()}
    assert findings(baseline, morning, 7) == []
    assert findings(baseline, {key: row * (np.arange(24) < 12) for key, row in counts.items()}, 7)


def test_nothing_counted_is_nothing_odd() -> None:
    baseline, _ = today(100)
    assert rate_findings(baseline, (), np.zeros((0, 0), np.int64), day_number(7), ()) == []


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 23), st.integers(0, 2000))
def test_the_order_of_templates_does_not_matter(order: list[int], hour: int, count: int) -> None:
    baseline, counts = today(100, 50, 3, 900, 10, 1)
    counts["t0"][hour] = count
    keys = tuple(counts)
    table = np.array([counts[key] for key in keys])
    rows = [*order, *range(6, len(keys))]
    one = rate_findings(baseline, keys, table, day_number(7), keys)
    assert rate_findings(baseline, tuple(keys[row] for row in rows), table[rows], day_number(7), keys) == one


def told(found: RateFinding, zone: str = "UTC", known: bool = True) -> Any:
    return rate_anomaly(
        found,
        text="connection from <*> refused",
        where=LineRef("f", 3, 99),
        seen=(found.begin, found.end),
        source_key="s",
        day=MONDAY,
        zone=ZoneInfo(zone),
        model_version="v1",
        known=known,
    )


def finding(
    kind: str, actual: int, expected: float, limit: int, first: int = 14, after: int = 15
) -> RateFinding:
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    return RateFinding(
        "k", kind, first, after, begin + first * HOUR, begin + after * HOUR, actual, expected, limit, 30.0, 12.0, 1e-9,
        ((actual, expected),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            finding("rate_burst", 4120, 131.7, 240),
            "came 4,120 times from 14:00 to 15:00, normally about 130 (at most 240).",
        ),
        (
            finding("rate_drop", 2, 72, 61, 22, 24),
            "came only twice from 22:00 to 24:00, normally about 72 (at least 61).",
        ),
        (
            finding("rate_vanished", 0, 36, 30),
            "did not come at all from 14:00 to 15:00; normally about 36 times (at least 30).",
        ),
        (
            finding("rate_new", 412, 0.01, 9),
            "came 412 times from 14:00 to 15:00; training hardly ever saw it.",
        ),
        (
            finding("rate_burst", 30, 0.25, 4, 0, 24),
            "came 30 times on this day, normally less than 1 (at most 4).",
        ),
    ],
)
def test_reasons_are_what_a_person_would_say(found: RateFinding, sentence: str) -> None:
    assert told(found).reason == f'"connection from <*> refused" {sentence}'


def test_times_are_told_in_the_zone_of_the_source() -> None:
    assert "from 15:00 to 16:00" in told(finding("rate_burst", 9, 1, 4), "Europe/Berlin").reason


def test_an_anomaly_of_a_rate_has_no_session_and_says_what_was_expected() -> None:
    found = told(finding("rate_new", 412, 0.01, 9), known=False)
    assert (found.detector, found.session, found.locator) == ("rates", None, "k:14")
    assert found.details["known"] is False
    assert (found.details["actual"], found.details["bins"]) == (412, [{"actual": 412, "expected": 0.01}])
    assert found.score > found.threshold
