from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from deeplog_ops.config_detection import Rates
from deeplog_ops.errors import ModelError
from deeplog_ops.models import rate_baseline
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.models.rate_bins import DayBins, RateCounts
from deeplog_ops.models.rate_estimate import estimate
from deeplog_ops.models.rate_tail import surprise

HOUR = timedelta(hours=1)
MONDAY = date(2026, 3, 2)
OFFICE = np.array((2, 1, 1, 1, 1, 2, 3, 6, 9, 11, 12, 11, 10, 11, 12, 13, 12, 10, 9, 9, 8, 6, 4, 3)) / 7.0


def bins_of(days: int, first: date = MONDAY, zone: str = "UTC", width: timedelta = HOUR) -> list[DayBins]:
    return [DayBins.of(first + timedelta(days=number), zone, width) for number in range(days)]


def fitted(tables: list[NDArray[np.int64]], **more: Any) -> RateBaseline:
    keys = [f"t{row}" for row in range(len(tables[0]))]
    found = RateBaseline.fit(RateCounts.of(keys, bins_of(len(tables)), tables), Rates(**more))
    assert found is not None
    return found


def poisson_days(days: int, means: list[float], seed: int = 1) -> list[NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    shape = np.array(means)[:, None] * OFFICE
    return [rng.poisson(shape) for _ in range(days)]


def test_a_day_of_25_hours_has_an_hour_more_and_one_place_twice() -> None:
    autumn = DayBins.of(date(2026, 10, 25), "Europe/Berlin", HOUR)
    spring = DayBins.of(date(2026, 3, 29), "Europe/Berlin", HOUR)
    assert (len(autumn), autumn.slots.count(2)) == (25, 2)
    assert (len(spring), spring.slots.count(2)) == (23, 0)
    assert spring.starts[2] - spring.starts[1] == HOUR, "bins are of elapsed time"
    assert len(DayBins.of(date(2026, 10, 25), "Europe/Berlin", timedelta(days=1))) == 1


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"]
)
def test_bins_cover_the_day_without_gaps(zone: str) -> None:
    for number in range(366):
        bins = DayBins.of(date(2026, 1, 1) + timedelta(days=number), zone, HOUR)
        assert all(end == start for end, start in zip(bins.ends, bins.starts[1:], strict=False))
        assert 0 <= min(bins.slots) <= max(bins.slots) <= 23


def test_a_day_of_25_hours_is_no_burst_and_one_of_23_no_drop() -> None:
    days = [
        DayBins.of(date(2026, 10, 12) + timedelta(days=number), "Europe/Berlin", HOUR) for number in range(13)
    ]
    tables = [np.full((1, 24), 12) for _ in days]
    baseline = RateBaseline.fit(RateCounts.of(["beat"], days, tables), Rates())
    assert baseline is not None
    for day in (date(2026, 10, 25), date(2027, 3, 28)):
        bins = DayBins.of(day, "Europe/Berlin", HOUR)
        scores = baseline.score(("beat",), np.full((1, len(bins)), 12), bins)
        assert max(float(found.score.max()) for found in scores.values()) < 5


def test_expected_counts_follow_the_clock() -> None:
    baseline = fitted(poisson_days(7, [40.0] * 5))
    expected = baseline.estimate.mean[:, None] * baseline.estimate.slots
    assert expected == pytest.approx(np.tile(40 * OFFICE, (5, 1)), rel=0.35, abs=3)


def test_rare_events_are_shrunk_to_their_mean() -> None:
    slots = fitted(poisson_days(3, [0.2] * 20)).estimate.slots
    assert np.abs(slots - 1).mean() < 0.5


def test_three_days_claim_no_weekday_and_allow_for_a_weekend() -> None:
    found = fitted(poisson_days(3, [100.0] * 3)).estimate
    assert (found.weekdays == 1).all()
    assert (found.day_variance[:, 6] > 10 * found.day_variance[:, 0]).all(), "a Sunday was never seen"


def test_a_heartbeat_keeps_no_weekend() -> None:
    found = fitted([np.full((1, 24), 48) for _ in range(3)]).estimate
    assert found.day_variance.max() < 1e-3


def test_weekdays_are_learnt_once_they_have_come_twice() -> None:
    rng = np.random.default_rng(3)
    tables = [rng.poisson(100 * OFFICE * (0.3 if number % 7 >= 5 else 1.2))[None, :] for number in range(21)]
    found = fitted(tables).estimate
    assert found.weekdays[0, 6] / found.weekdays[0, 0] == pytest.approx(0.25, abs=0.07)


def test_a_flood_in_one_training_day_does_not_blind() -> None:
    clean = poisson_days(7, [1.0] * 20)
    dirty = [table.copy() for table in clean]
    dirty[3][0, 5] = 4_000
    bins, counts = bins_of(8)[7], np.zeros((1, 24), np.int64)
    counts[0, 15] = 60
    for tables in (clean, dirty):
        baseline = fitted(tables)
        assert baseline.score(("t0",), counts, bins)[1].score[0, 15] > baseline.threshold(1, True)


def test_a_weekly_job_seen_once_may_come_again() -> None:
    tables = poisson_days(7, [1.0] * 20)
    for table in tables:
        table[0] = 0
    tables[0][0, 3] = 50
    baseline = fitted(tables)
    counts = np.zeros((1, 24), np.int64)
    counts[0, 3] = 58
    monday, tuesday = bins_of(9)[7:]
    assert baseline.score(("t0",), counts, monday)[1].score[0, 3] < 8
    assert baseline.score(("t0",), counts, tuesday)[1].score[0, 3] > 15


def test_fewer_training_days_than_asked_for_give_no_rates() -> None:
    counts = RateCounts.of(["a"], bins_of(3), poisson_days(3, [9.0]))
    assert RateBaseline.fit(counts, Rates(least_days=4)) is None
    assert RateBaseline.fit(RateCounts.of([], bins_of(3), []), Rates()) is None
    assert RateBaseline.fit(counts, Rates()) is not None


@pytest.mark.parametrize("width", ["7m", "1m", "25h", "5h"])
def test_bins_divide_a_day(width: str) -> None:
    with pytest.raises(ValidationError, match="divides a day evenly"):
        Rates.model_validate({"bin": width})


def test_hours_before_the_first_line_of_a_history_are_not_zeros() -> None:
    tables = [np.full((1, 24), 30) for _ in range(4)]
    tables[0][:, :20] = 0
    assert fitted(tables).estimate.mean[0] == pytest.approx(30, rel=0.02)


def test_a_baseline_survives_its_files() -> None:
    baseline = fitted(poisson_days(7, [3.0, 40.0, 0.1]))
    part = baseline.to_part()
    again = RateBaseline.restore(ModelPart(json.loads(json.dumps(part.data)), part.arrays))
    counts, bins = poisson_days(1, [9.0, 40.0, 2.0], seed=9)[0], bins_of(8)[7]
    for span, scores in baseline.score(baseline.keys, counts, bins).items():
        assert (again.score(baseline.keys, counts, bins)[span].score == scores.score).all()
        assert again.threshold(span, True) == baseline.threshold(span, True)


def test_what_is_no_baseline_is_a_clear_error() -> None:
    part = fitted(poisson_days(3, [3.0])).to_part()
    with pytest.raises(ModelError, match="no rates of a version"):
        RateBaseline.restore(ModelPart({}, part.arrays))
    with pytest.raises(ModelError, match="no rates of a version"):
        RateBaseline.restore(ModelPart({**part.data, "keys": ["a", "b"]}, part.arrays))


def test_the_order_of_templates_does_not_matter() -> None:
    tables = poisson_days(7, [3.0, 40.0, 0.1, 9.0])
    order = [2, 0, 3, 1]
    one, other = fitted(tables), fitted([table[order] for table in tables])
    assert other.estimate.mean == pytest.approx(one.estimate.mean[order])
    assert other.threshold(1, True) == pytest.approx(one.threshold(1, True))


def test_working_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = poisson_days(7, [3.0, 40.0, 0.1, 9.0, 1.0])
    whole = fitted(tables)
    monkeypatch.setattr(rate_baseline, "CELLS", 2 * 7 * 24)
    pieces = fitted(tables)
    assert (pieces.estimate.dispersion == whole.estimate.dispersion).all()
    assert pieces.calibrations == whole.calibrations
    assert pieces.tests == whole.tests


def test_fitting_changes_no_input() -> None:
    tables = poisson_days(4, [3.0, 40.0])
    before = [table.copy() for table in tables]
    fitted(tables)
    assert all((table == kept).all() for table, kept in zip(tables, before, strict=True))


def test_an_empty_table_estimates_nothing_but_the_prior() -> None:
    found = estimate(np.zeros((2, 3, 24)), np.ones((3, 24)), np.array([0, 1, 2]), 2.0)
    assert (found.mean > 0).all()
    assert np.isfinite(found.dispersion).all()
    assert np.isfinite(found.day_variance).all()


@given(st.floats(0.01, 1e5), st.floats(0.05, 20), st.lists(st.integers(0, 10**6), min_size=2, max_size=20))
def test_surprise_grows_away_from_what_is_expected(mean: float, dispersion: float, counts: list[int]) -> None:
    y = np.sort(np.array(counts, float))
    found = surprise(y, np.full_like(y, mean), np.full_like(y, mean * dispersion))
    assert ((found >= 0) & (found <= 690)).all()
    above = found[y > mean + 1]
    assert (np.diff(above) >= -1e-6).all()


def test_surprise_is_the_tail_of_the_distribution_that_it_names() -> None:
    rng = np.random.default_rng(0)
    for dispersion in (1.0, 3.0):
        size = 20 / (dispersion - 1) if dispersion > 1 else None
        drawn = (
            rng.poisson(20, 200_000) if size is None else rng.negative_binomial(size, 1 / dispersion, 200_000)
        )
        for y in (6, 12, 30, 40):
            share = min((drawn <= y).mean(), (drawn >= y).mean())
            found = surprise(np.array([float(y)]), np.array([20.0]), np.array([20.0 * dispersion]))
            assert np.exp(-found[0]) == pytest.approx(2 * share, rel=0.15, abs=2e-4)
