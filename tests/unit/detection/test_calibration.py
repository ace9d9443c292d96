from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.detection.calibration import Calibration
from deeplog_ops.errors import ModelError

scores_of_sessions = st.lists(st.floats(0, 40), min_size=1, max_size=300)


@given(scores_of_sessions, st.floats(1e-6, 0.9))
def test_a_score_is_above_the_threshold_exactly_when_its_p_value_is_within_the_budget(
    scores: list[float], budget: float
) -> None:
    calibration = Calibration.fit(scores)
    threshold = calibration.threshold(budget)
    above, below = threshold * (1 + 1e-9) + 1e-9, threshold * (1 - 1e-9) - 1e-9
    assert calibration.p_value(above) <= budget
    assert calibration.p_value(below) > budget * (1 - 1e-6)


@given(scores_of_sessions)
def test_p_values_fall_as_scores_rise_and_are_never_0(scores: list[float]) -> None:
    p_values = Calibration.fit(scores).p_value(np.linspace(-1, 80, 500))
    assert (np.diff(p_values) <= 0).all()
    assert (p_values > 0).all()
    assert (p_values <= 1).all()


@given(scores_of_sessions, st.data())
def test_weights_are_sessions_that_share_a_score(scores: list[float], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(1, 5), min_size=len(scores), max_size=len(scores)))
    assert Calibration.fit(scores, weights) == Calibration.fit(np.repeat(scores, weights))


@given(scores_of_sessions)
def test_a_calibration_survives_json(scores: list[float]) -> None:
    calibration = Calibration.fit(scores)
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


@pytest.mark.parametrize("budget", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("sessions", [300, 5000])
def test_new_sessions_are_flagged_about_as_often_as_the_budget_says(budget: float, sessions: int) -> None:
    generator = np.random.default_rng(5)
    rates = [
        np.exp(-Calibration.fit(generator.exponential(size=sessions)).threshold(budget)) for _ in range(40)
    ]
    assert 0.6 * budget < np.median(rates) < 1.5 * budget


def test_a_few_anomalous_sessions_in_training_hardly_move_the_threshold() -> None:
    scores = np.random.default_rng(1).exponential(size=3000)
    clean = Calibration.fit(scores).threshold(0.001)
    dirty = Calibration.fit(np.append(scores, [30.0] * 5)).threshold(0.001)
    assert dirty < clean * 1.35
    assert Calibration.fit(np.append(scores, [30.0] * 5)).p_value(30.0) < 0.001


def test_a_short_history_is_slower_to_call_a_session_rare() -> None:
    scores = np.random.default_rng(2).exponential(size=6000)
    assert Calibration.fit(scores[:40]).p_value(20.0) > 100 * Calibration.fit(scores).p_value(20.0)


def test_sessions_that_all_score_alike_do_not_make_the_next_hair_an_anomaly() -> None:
    calibration = Calibration.fit(np.full(500, 0.01))
    assert calibration.p_value(0.02) > 0.01
    assert calibration.p_value(12.0) < 0.001


def test_fewer_sessions_than_asked_for_are_warming_up() -> None:
    assert Calibration.fit([1.0] * 29).warming_up(30)
    assert not Calibration.fit([1.0] * 30).warming_up(30)


def test_what_cannot_be_calibrated_is_a_clear_error() -> None:
    with pytest.raises(ModelError, match="no held-out sessions"):
        Calibration.fit([])
    with pytest.raises(ModelError, match="finite"):
        Calibration.fit([1.0, np.nan])
    with pytest.raises(ModelError, match="one each"):
        Calibration.fit([1.0], [1, 2])
    with pytest.raises(ModelError, match="tail_sum"):
        Calibration.from_dict(
            {**Calibration.fit([1.0]).to_dict(), "tail_sum": None} | {"tail_sum": "tail_sum"}
        )
