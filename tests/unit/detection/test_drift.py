from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.detection.drift import FINE, TRAIN, WATCH, advice, day_health
from deeplog_ops.records import DayHealth

GOOD = DayHealth(2_000, 0.0, 0.0, 0.001, 0.001, 0.5, 0.09, 0.02)


def week(days: int, **found: Any) -> list[DayHealth]:
    """Seven good days, the last so many with what is given."""
    return [GOOD] * (7 - days) + [replace(GOOD, **found)] * days


def measured(**found: Any) -> DayHealth:
    uniform = np.linspace(0, 1, 2_000)
    given_: dict[str, Any] = {
        "judged": 2_000,
        "flagged": 2,
        "events": 50_000,
        "unknown_events": 0,
        "budget": 0.001,
        "p_values": uniform,
        "sessions": np.ones(2_000),
    }
    return day_health(**{**given_, **found})


def test_a_week_as_trained_is_fine() -> None:
    assert advice(week(0)).level == FINE


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"unknown_share": 0.04}, "4.0% of the events are of templates that the version does not know"),
        ({"alarm_rate": 0.03}, "188 of 14,000 sessions were flagged, 13 times the budget of 0.001"),
        ({"p_low": 0.6}, "60% of the sessions are as odd as only 10% of those of training"),
    ],
)
def test_drift_of_three_days_advises_to_train_and_says_why(found: dict[str, float], words: str) -> None:
    said = advice(week(3, **found))
    assert said.level == TRAIN
    assert words in said.reason
    assert said.reason.endswith("Train again.")
    assert advice(week(1, **found)).level == WATCH, "one odd day is an incident, not drift"


def test_what_is_over_is_no_reason_to_train() -> None:
    assert advice([*week(7, unknown_share=0.4)[:4], *week(0)[4:]]).level == WATCH


def test_what_is_usual_on_training_days_is_no_drift() -> None:
    assert advice(week(7, unknown_share=0.03, unknown_usual=0.03)).level == FINE


def test_a_few_alarms_on_small_days_are_no_rate() -> None:
    quiet = [replace(day, judged=40, alarm_rate=0.0) for day in week(0)]
    assert advice([*quiet[:6], replace(quiet[6], alarm_rate=1 / 40)]).level == FINE


def test_nothing_scored_is_nothing_to_advise() -> None:
    assert advice([]).level == FINE
    assert day_health(
        judged=0, flagged=0, events=0, unknown_events=0, budget=0.001, p_values=[], sessions=[]
    ) == DayHealth(0, budget=0.001)


def test_uniform_p_values_are_calibrated() -> None:
    day = measured()
    assert (day.p_median, day.p_low) == pytest.approx((0.5, 0.1), abs=1e-2)
    assert day.calibration_error == pytest.approx(0, abs=1e-2)
    assert (day.level, day.advice) == (FINE, "")


def test_sessions_that_are_all_alike_are_off_the_uniform_but_no_reason_to_train() -> None:
    day = measured(p_values=np.ones(2_000))
    assert day.calibration_error == pytest.approx(1.0)
    assert day.level == FINE


def test_a_day_says_by_itself_what_such_days_in_a_row_would_advise() -> None:
    day = measured(unknown_events=5_000)
    assert day.level == TRAIN
    assert "10.0% of the events" in day.advice


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 5)), min_size=1, max_size=50), st.randoms())
def test_the_order_of_sessions_does_not_matter(rows: list[tuple[float, int]], rng: Any) -> None:
    mixed = rows[:]
    rng.shuffle(mixed)
    days = [measured(p_values=[p for p, _ in each], sessions=[n for _, n in each]) for each in (rows, mixed)]
    assert days[0].p_median == days[1].p_median
    assert days[0].calibration_error == pytest.approx(days[1].calibration_error)
