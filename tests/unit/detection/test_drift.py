from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.detection.drift import DayHealth, Level, advice, p_shares

BUDGET = 0.001


def week(**last: object) -> list[DayHealth]:
    """Seven good days, the last so many (`days`, default 7) with what is given."""
    count = int(str(last.pop("days", 7)))
    good = DayHealth(date(2026, 3, 2), "v1", 50_000, 0, 2_000, 0, 2, 0, 0, (0.48, 0.09, 0.01))
    days = [replace(good, day=good.day + timedelta(days=number)) for number in range(7)]
    return [replace(day, **last) if number >= 7 - count else day for number, day in enumerate(days)]  # type: ignore[arg-type]


def test_a_week_as_trained_is_fine() -> None:
    assert advice(week(), BUDGET).level is Level.FINE


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"unknown_events": 2_000}, "lately 4.0% of all"),
        ({"unknown_sessions": 200}, "lately 10.0% of all"),
        ({"flagged": 60}, "14,000 sessions were flagged, 13 times the budget of 0.001"),
        ({"rate_alarms": 30}, "many counts and values"),
        ({"p_shares": (0.9, 0.6, 0.3)}, "no longer mean what they say"),
    ],
)
def test_drift_of_three_days_advises_to_train_and_says_why(found: dict[str, object], words: str) -> None:
    said = advice(week(**found, days=3), BUDGET)
    assert said.level is Level.TRAIN
    assert words in said.reason
    assert said.reason.endswith("Train again.")


def test_one_odd_day_is_watched_and_advises_no_training() -> None:
    assert advice(week(unknown_events=20_000, days=1), BUDGET).level is Level.WATCH


def test_what_is_over_is_no_reason_to_train() -> None:
    odd = week(unknown_events=20_000)
    assert advice([*odd[:4], *week()[4:]], BUDGET).level is Level.WATCH


def test_a_training_starts_the_watch_anew() -> None:
    old = week(unknown_events=20_000)
    assert advice([*old[:6], replace(week()[6], version="v2")], BUDGET).level is Level.FINE


def test_a_few_alarms_on_small_days_are_no_rate() -> None:
    days = [replace(day, judged=40, flagged=0) for day in week()]
    assert advice([*days[:6], replace(days[6], flagged=1)], BUDGET).level is Level.FINE


def test_nothing_scored_is_nothing_to_advise() -> None:
    assert advice([], BUDGET).level is Level.FINE


@given(st.permutations(range(7)))
def test_the_order_of_the_days_given_does_not_matter(order: list[int]) -> None:
    days = week(unknown_events=2_000, days=3)
    assert advice([days[number] for number in order], BUDGET) == advice(days, BUDGET)


def test_sessions_that_are_all_alike_are_not_off() -> None:
    assert week(p_shares=(0.0, 0.0, 0.0))[0].off == 0.0


def test_shares_of_uniform_p_values_are_what_they_should_be() -> None:
    shares = p_shares(np.linspace(0, 1, 10_001), np.full(10_001, 3))
    assert shares == pytest.approx((0.5, 0.1, 0.01), abs=1e-3)
    assert p_shares([], []) is None
