"""Models that learn sessions later say what they would say, had they learnt them at once, and forget nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.errors import ModelError
from deeplog_ops.models import count_distance
from deeplog_ops.models.count_distance import CountDistance
from deeplog_ops.models.key_growth import grown
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.progress_model import ProgressModel

Session = tuple[str, ...]
sessions = st.lists(st.lists(st.sampled_from("abcd"), max_size=6).map(tuple), min_size=1, max_size=12)
later = st.lists(st.lists(st.sampled_from("aacdmz"), max_size=6).map(tuple), min_size=1, max_size=6)
asked = st.lists(st.lists(st.sampled_from("abcdmzx"), max_size=8).map(tuple), max_size=8)
weights = st.lists(st.integers(1, 4), min_size=12, max_size=12)


@given(sessions, weights, later, weights, asked, st.sets(st.sampled_from("abc"), max_size=2))
def test_order_learnt_later_is_order_learnt_at_once(
    first: list[Session],
    of: list[int],
    more: list[Session],
    of_more: list[int],
    new: list[Session],
    free: set[str],
) -> None:
    of, of_more = of[: len(first)], of_more[: len(more)]
    once = ProgressModel.fit([*first, *more], [*of, *of_more], free)
    twice = ProgressModel.fit(first, of, free).with_sessions(more, of_more)
    some = [*first, *more, *new]
    np.testing.assert_array_equal(twice.session_scores(some), once.session_scores(some))
    np.testing.assert_array_equal(twice.left_out_scores(first), once.left_out_scores(first))


@given(sessions, weights, later, weights, asked, st.sampled_from([3, 3000]))
@settings(deadline=None)
def test_counts_learnt_later_are_counts_learnt_at_once(
    first: list[Session],
    of: list[int],
    more: list[Session],
    of_more: list[int],
    new: list[Session],
    references: int,
) -> None:
    of, of_more = of[: len(first)], of_more[: len(more)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count_distance, "REFERENCES", references)
        once = CountDistance.fit([*first, *more], [*of, *of_more])
        twice = CountDistance.fit(first, of).with_sessions(more, of_more)
        assert twice.keys == once.keys
        for name, array in once.to_part().arrays.items():
            np.testing.assert_array_equal(twice.to_part().arrays[name], array, name)
        assert twice.novel == once.novel
        some = [*first, *more, *new]
        np.testing.assert_array_equal(twice.session_scores(some), once.session_scores(some))


NORMAL = [("in", "a", "b", "c", "out"), ("in", "a", "c", "b", "out"), ("in", "b", "a", "c", "out")]
SHARES = [500, 300, 200]
ODD = ("in", "a", "b", "reload", "c", "out")
REAL = ("in", "a", "out")


def test_what_is_vouched_for_is_flagged_no_more_and_the_rest_is_judged_as_before() -> None:
    evidence = SessionEvidence.fit(NORMAL, SHARES, budget=0.001)
    assert (evidence.judge([ODD, REAL]).strength >= 1).all()
    updated = evidence.with_vouched([ODD], [3])
    odd, real, *normal = (updated.judge([ODD, REAL, *NORMAL]).strength >= 1).tolist()
    assert (odd, real, normal) == (False, True, [False] * 3)
    assert (updated.sum_tail, updated.order_tail) == (evidence.sum_tail, evidence.order_tail)
    restored = SessionEvidence.restore(updated.to_parts())
    np.testing.assert_array_equal(restored.judge([ODD]).strength, updated.judge([ODD]).strength)


@pytest.fixture(scope="module")
def key_model() -> KeyModel:
    model, _ = KeyModel.fit(NORMAL, SHARES, KeyModelSettings(epochs=12, hidden=16, embedding=8, device="cpu"))
    return model


def test_room_for_new_keys_changes_no_prediction_of_the_others(key_model: KeyModel) -> None:
    vocabulary = key_model.vocabulary.with_keys_of([ODD])
    assert vocabulary.keys == (*key_model.vocabulary.keys, "reload")
    counts = np.array([1])
    larger = KeyModel(
        vocabulary,
        key_model.settings,
        grown(key_model.network, len(vocabulary)),
        key_model.usage.with_sessions(vocabulary, [()], counts),
    )
    before = key_model.score(NORMAL)["surprise"].to_pylist()
    after = larger.score(NORMAL)["surprise"].to_pylist()
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other, one, atol=0.02)


def test_the_key_model_learns_more_and_forgets_nothing(key_model: KeyModel) -> None:
    further, losses = key_model.learnt_more([ODD], [3], NORMAL, SHARES)
    assert len(losses) > 0
    assert further.session_scores([ODD])[0] < key_model.session_scores([ODD])[0] - 2
    np.testing.assert_allclose(further.session_scores(NORMAL), key_model.session_scores(NORMAL), atol=0.3)
    assert further.session_scores([REAL])[0] > 4
    assert KeyModel.restore(further.vocabulary, further.to_dict(), further.weights()).session_scores(
        [ODD]
    ) == (further.session_scores([ODD]))


def test_learning_more_twice_gives_the_same_weights(key_model: KeyModel) -> None:
    one, _ = key_model.learnt_more([ODD], [3], NORMAL, SHARES)
    other, _ = key_model.learnt_more([ODD], [3], NORMAL, SHARES)
    for name, array in one.weights().items():
        np.testing.assert_array_equal(other.weights()[name], array, name)


def test_a_network_grows_and_never_shrinks(key_model: KeyModel) -> None:
    with pytest.raises(ModelError, match="it grows, it never shrinks"):
        grown(key_model.network, 4)
