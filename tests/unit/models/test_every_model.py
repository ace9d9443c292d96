"""Shared checks: what every model of sessions must hold."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from deeplog_ops.errors import ModelError
from tests.unit.models.model_cases import CASES, SEQUENCES, WEIGHTS, ModelCase, fitted

pytestmark = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def test_the_same_input_fitted_twice_gives_bit_identical_scores(case: ModelCase) -> None:
    again = case.fit(SEQUENCES, WEIGHTS)
    assert np.array_equal(fitted(case).session_scores(SEQUENCES), again.session_scores(SEQUENCES))


def test_the_order_of_training_sequences_does_not_matter(case: ModelCase) -> None:
    turned = case.fit(SEQUENCES[::-1], WEIGHTS[::-1])
    assert np.array_equal(fitted(case).session_scores(SEQUENCES), turned.session_scores(SEQUENCES))


def test_a_restored_model_scores_the_same(case: ModelCase) -> None:
    model = fitted(case)
    if case.restore is None:
        pytest.skip("it is kept nowhere")
    restored = case.restore(model)
    assert np.array_equal(model.session_scores(SEQUENCES), restored.session_scores(SEQUENCES))


def test_fitting_and_scoring_leave_their_input_as_it_was(case: ModelCase) -> None:
    sequences, weights = [list(keys) for keys in SEQUENCES], list(WEIGHTS)
    before = copy.deepcopy((sequences, weights))
    case.fit(sequences, weights).session_scores(sequences)
    assert (sequences, weights) == before


def test_no_sequences_give_no_scores(case: ModelCase) -> None:
    assert fitted(case).session_scores([]).shape == (0,)


def test_fitting_on_nothing_is_a_clear_error(case: ModelCase) -> None:
    with pytest.raises(ModelError, match="no sessions to train on"):
        case.fit([], [])


def test_one_session_is_enough_to_fit_and_to_score(case: ModelCase) -> None:
    scores = case.fit([("open", "close")], [1]).session_scores([("open", "close")])
    assert scores.shape == (1,)
    assert np.isfinite(scores).all()


def test_a_sequence_scores_the_same_whatever_stands_beside_it(case: ModelCase) -> None:
    strange = [("close", "open"), ("write",) * 30, ("never", "seen"), (), *SEQUENCES]
    together = fitted(case).session_scores(strange)
    alone = [fitted(case).session_scores([keys])[0] for keys in strange]
    assert together.tolist() == alone


def test_an_odd_sequence_scores_higher_than_all_of_training(case: ModelCase) -> None:
    odd = [
        ("open", "write"),
        ("open", "write", "burnt", "write", "close"),
        *([("open", "close", "write", "write")] if case.sees_order else []),
    ]
    model = fitted(case)
    assert model.session_scores(odd).min() > model.session_scores(SEQUENCES).max()
