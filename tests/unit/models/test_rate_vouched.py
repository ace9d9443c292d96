"""What people called normal passes; what is much more does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from deeplog_ops.config_detection import Rates
from deeplog_ops.detection.rates import RateFinding, rate_findings, with_silent
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.models.rate_bins import DayBins, RateCounts
from deeplog_ops.models.rate_vouched import Vouched

MONDAY, HOUR = date(2026, 3, 2), timedelta(hours=1)
KEYS = tuple(f"t{row}" for row in range(30))


def day(number: int) -> DayBins:
    return DayBins.of(MONDAY + timedelta(days=number), "UTC", HOUR)


@pytest.fixture(scope="module")
def baseline() -> RateBaseline:
    rng = np.random.default_rng(2)
    tables = [rng.poisson(100, (30, 24)) for _ in range(7)]
    found = RateBaseline.fit(RateCounts.of(KEYS, [day(number) for number in range(7)], tables), Rates())
    assert found is not None
    return found


def told(
    baseline: RateBaseline, changed: dict[int, int], key: str = "t0", number: int = 7
) -> list[RateFinding]:
    counts = {name: np.full(24, 100) for name in KEYS} | ({} if key in KEYS else {key: np.zeros(24, int)})
    for hour, count in changed.items():
        counts[key][hour] = count
    keys = tuple(counts)
    table = np.array([counts[name] for name in keys])
    return rate_findings(baseline, *with_silent(baseline, keys, table), day(number), KEYS)


def vouching(baseline: RateBaseline, *vouched: Vouched) -> RateBaseline:
    return RateBaseline.restore(replace(baseline, vouched=vouched).to_part())


BURST = Vouched("a", "t0", True, (3, 4), (900.0, 400.0))
GAP = Vouched("b", "t0", False, (3, 4, 5), (0.0, 0.0, 10.0))
NEW = Vouched("c", "never", True, (3,), (200.0,))


@pytest.mark.parametrize(
    ("vouched", "changed"),
    [(BURST, {3: 900, 4: 400}), (GAP, {3: 0, 4: 0, 5: 10}), (NEW, {3: 200})],
)
@pytest.mark.parametrize("number", [7, 8])
def test_what_was_vouched_for_passes_at_its_hour_on_any_day(
    baseline: RateBaseline, vouched: Vouched, changed: dict[int, int], number: int
) -> None:
    assert told(baseline, changed, vouched.key, number)
    assert told(vouching(baseline, vouched), changed, vouched.key, number) == []


def test_an_hour_later_is_the_same_job_and_half_a_day_later_is_not(baseline: RateBaseline) -> None:
    normal = vouching(baseline, BURST)
    assert told(normal, {4: 900, 5: 400}) == []
    (found,) = told(normal, {15: 900, 16: 400})
    assert (found.kind, found.first) == ("rate_burst", 15)


def test_much_more_than_was_vouched_for_is_odd_against_that(baseline: RateBaseline) -> None:
    (found,) = told(vouching(baseline, BURST), {3: 2700, 4: 400})
    assert found.kind == "rate_burst"
    assert 900 < found.limit < 2700


def test_nothing_where_a_little_was_vouched_for_is_odd(baseline: RateBaseline) -> None:
    some = Vouched("d", "t0", False, (3,), (50.0,))
    assert told(vouching(baseline, some), {3: 50}) == []
    (found,) = told(vouching(baseline, some), {3: 0})
    assert found.kind == "rate_vanished"


def test_a_burst_that_was_vouched_for_excuses_no_gap_and_no_other_template(baseline: RateBaseline) -> None:
    normal = vouching(baseline, BURST)
    assert [each.kind for each in told(normal, {3: 0, 4: 0})] == ["rate_vanished"]
    assert told(normal, {3: 900, 4: 400}, "t1")


def test_what_covers_a_true_positive_is_told(baseline: RateBaseline) -> None:
    assert BURST.covers(replace(BURST, counts=(800.0, 400.0)))
    assert not BURST.covers(replace(BURST, counts=(1800.0, 400.0)))
    assert not BURST.covers(replace(BURST, slots=(9, 10)))
    assert GAP.covers(replace(GAP, counts=(5.0, 5.0, 15.0)))
