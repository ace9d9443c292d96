from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.detection.tail import Tail
from deeplog_ops.errors import ModelError

scores_of_sessions = st.lists(st.floats(0, 60), min_size=1, max_size=200)


def fitted(scores: object, weights: object = None) -> Tail:
    values = np.asarray(scores, float)
    counts = np.ones(len(values), np.int64) if weights is None else np.asarray(weights, np.int64)
    return Tail.fit(values, counts, largest=0.05, confidence=0.99)


@given(scores_of_sessions)
def test_a_smaller_budget_asks_for_a_higher_score(scores: list[float]) -> None:
    tail = fitted(scores)
    thresholds = [tail.threshold(budget) for budget in (0.5, 0.1, 0.01, 1e-3, 1e-6)]
    assert np.isfinite(thresholds).all()
    assert (np.diff(thresholds) >= 0).all()
    assert thresholds[0] >= tail.start


@given(scores_of_sessions, st.data())
def test_weights_are_sessions_that_share_a_score(scores: list[float], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(0, 4), min_size=len(scores), max_size=len(scores)))
    if not sum(weights):
        weights[0] = 1
    weighted, plain = fitted(scores, weights), fitted(np.repeat(scores, weights))
    assert weighted.to_dict() == pytest.approx(plain.to_dict())


@given(scores_of_sessions, st.randoms(use_true_random=False))
def test_the_order_of_sessions_does_not_matter(scores: list[float], random: object) -> None:
    turned = list(scores)
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert fitted(turned) == fitted(scores)


@given(scores_of_sessions)
def test_a_tail_survives_json(scores: list[float]) -> None:
    tail = fitted(scores)
    assert Tail(**json.loads(json.dumps(tail.to_dict(), allow_nan=False))) == tail


def realised(sessions: int, budget: float, scale: float) -> np.ndarray:
    """The share of new sessions above the threshold, for each of 200 trainings; the truth is an exponential."""
    drawn = np.random.default_rng(sessions).exponential(scale, size=(200, sessions))
    return np.array([np.exp(-fitted(scores).threshold(budget) / scale) for scores in drawn])


@pytest.mark.parametrize("budget", [0.001, 0.01])
@pytest.mark.parametrize("sessions", [30, 300, 3000])
def test_the_budget_holds_in_nearly_every_training_and_not_only_on_average(
    sessions: int, budget: float
) -> None:
    assert (realised(sessions, budget, scale=1.0) > budget).mean() <= 0.02
    # Scores that spread wider than the prior says: it gives way only to sessions.
    assert (realised(sessions, budget, scale=4.0) > budget).mean() <= 0.08


def test_with_many_sessions_the_threshold_is_nearly_that_of_the_truth() -> None:
    rates = realised(20_000, 0.001, scale=2.0)
    assert 0.4 * 0.001 < np.median(rates) < 0.001


@pytest.mark.parametrize("sessions", [1, 2, 5])
def test_few_sessions_have_a_tail_that_reaches_far(sessions: int) -> None:
    tail = fitted([2.0] * sessions)
    assert tail.sessions == sessions
    assert tail.threshold(0.001) > 2 + 5


def test_no_session_has_no_tail() -> None:
    with pytest.raises(ModelError, match="no sessions"):
        fitted([])
    with pytest.raises(ModelError, match="no sessions"):
        fitted([1.0, 2.0], [0, 0])
