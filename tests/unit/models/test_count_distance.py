"""The set score, held against a slow one that compares each session with all others, key by key."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from deeplog_ops.errors import ModelError
from deeplog_ops.models import count_distance, nearest_vectors
from deeplog_ops.models.count_distance import PRIOR, CountDistance
from deeplog_ops.models.nearest_vectors import STEPS
from deeplog_ops.models.part import ModelPart

Session = tuple[str, ...]
Vector = tuple[int, ...]
KEYS = "abcd"
some_sessions = st.lists(st.lists(st.sampled_from(KEYS), max_size=7).map(tuple), min_size=1, max_size=14)
any_sessions = st.lists(
    st.lists(st.sampled_from([*KEYS, "x", "y"]), max_size=25).map(tuple), min_size=1, max_size=8
)
some_weights = st.lists(st.integers(1, 3), min_size=14, max_size=14)


class SlowDistance:
    """Every sum written out. Vectors are in the order of their counts; of equally near ones the first is taken."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.keys = sorted({key for session in sessions for key in session})
        self.having = Counter(self.vector(session) for session in sessions)
        self.vectors = sorted(self.having)
        single = sum(1 for vector in self.vectors if self.having[vector] == 1)
        self.novel = -log((single + 0.5) / (len(sessions) + 1))
        places = range(len(self.keys) + 1)
        self.cost, self.step = [1.0 for _ in places], [1.0 for _ in places]
        if len(self.vectors) == 1:
            self.cost = [log(len(places)) for _ in places]
            return
        for _ in range(2):
            differing, steps, times = [0.0 for _ in places], [1.0 for _ in places], [1.0 for _ in places]
            for vector in self.vectors:
                near = self.nearest(vector, [other for other in self.vectors if other != vector])
                apart = [place for place in places if vector[place] != near[place]]
                for place in apart:
                    differing[place] += 1 / len(apart)
                    steps[place] += abs(vector[place] - near[place])
                    times[place] += 1
                    if all(not other[place] for other in self.vectors if other != vector) and vector[place]:
                        differing[-1] += 1 / len(apart)
            self.cost = [-log((n + PRIOR) / (sum(differing) + PRIOR * len(places))) for n in differing]
            self.step = [max(1.0, one / other) for one, other in zip(steps, times, strict=True)]

    def vector(self, session: Session) -> Vector:
        known = [session.count(key) for key in self.keys]
        return (*known, len(session) - sum(known))

    def apart(self, one: Vector, other: Vector) -> float:
        total = 0.0
        for place in range(len(one)):
            steps = abs(one[place] - other[place]) / self.step[place]
            if steps:
                total += self.cost[place] + STEPS * log(max(steps, 1))
        return total

    def nearest(self, vector: Vector, others: Sequence[Vector]) -> Vector:
        return min(others, key=lambda other: round(self.apart(vector, other), 9))

    def score(self, session: Session, left_out: bool = False) -> float:
        vector = self.vector(session)
        others = self.having - Counter([vector] if left_out else [])
        if vector in others:
            return 0.0
        if not others:
            return self.novel + self.cost[-1]
        return self.novel + min(self.apart(vector, other) for other in others)


def repeated(sessions: Sequence[Session], weights: Sequence[int]) -> list[Session]:
    return [session for session, weight in zip(sessions, weights, strict=False) for _ in range(weight)]


@given(some_sessions, some_weights, any_sessions)
def test_scores_are_those_of_comparing_with_every_vector_key_by_key(
    training: list[Session], weights: list[int], sessions: list[Session]
) -> None:
    fast = CountDistance.fit(training, weights[: len(training)])
    slow = SlowDistance(repeated(training, weights))
    asked = [*training, *sessions]
    expected = [slow.score(session) for session in asked]
    np.testing.assert_allclose(fast.session_scores(asked), expected, rtol=1e-9)
    assert fast.new_key == pytest.approx(slow.novel + slow.cost[-1])


@given(some_sessions, some_weights)
def test_a_session_left_out_is_compared_with_the_others_at_the_costs_of_all(
    training: list[Session], weights: list[int]
) -> None:
    fast = CountDistance.fit(training, weights[: len(training)])
    slow = SlowDistance(repeated(training, weights))
    expected = [slow.score(session, left_out=True) for session in training]
    np.testing.assert_allclose(fast.left_out_scores(training), expected, rtol=1e-9)


@given(some_sessions, some_weights, any_sessions, st.randoms(use_true_random=False))
def test_neither_the_order_of_training_nor_weights_instead_of_repetition_change_a_bit(
    training: list[Session], weights: list[int], sessions: list[Session], random: object
) -> None:
    weighted = CountDistance.fit(training, weights[: len(training)])
    several = repeated(training, weights)
    random.shuffle(several)  # type: ignore[attr-defined]
    plain = CountDistance.fit(several)
    assert weighted.to_part().data == plain.to_part().data
    assert np.array_equal(weighted.session_scores(sessions), plain.session_scores(sessions))


@given(some_sessions, any_sessions)
@settings(max_examples=25)
def test_a_set_score_written_and_read_scores_the_same(
    training: list[Session], sessions: list[Session]
) -> None:
    model = CountDistance.fit(training)
    part = model.to_part()
    data, arrays = json.loads(json.dumps(part.data, allow_nan=False)), load(save(dict(part.arrays)))
    restored = CountDistance.restore(ModelPart(data, arrays))
    assert np.array_equal(restored.session_scores(sessions), model.session_scores(sessions))
    assert np.array_equal(restored.left_out_scores(training), model.left_out_scores(training))


@given(some_sessions, any_sessions)
@settings(max_examples=25)
def test_scores_do_not_depend_on_how_much_is_compared_at_once(
    training: list[Session], sessions: list[Session]
) -> None:
    whole = CountDistance.fit(training)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest_vectors, "CELLS", 12)
        patch.setattr(count_distance, "_AT_ONCE", 2)
        blocks = CountDistance.fit(training)
        assert np.array_equal(blocks.session_scores(sessions), whole.session_scores(sessions))
        assert np.array_equal(blocks.left_out_scores(training), whole.left_out_scores(training))


def transfers(sessions: int) -> list[Session]:
    """Each opens, checks thrice, reads any number of times, and closes."""
    generator = np.random.default_rng(4)
    reads = generator.geometric(0.3, sessions)
    return [("open", *("check",) * 3, *("read",) * int(count), "close") for count in reads]


def test_the_keys_that_vary_freely_are_found_and_cheap() -> None:
    model = CountDistance.fit(transfers(300))
    assert model.free == ("read",)
    most = max(session.count("read") for session in transfers(300))
    more_reads = ("open", "check", "check", "check", *("read",) * (most + 1), "close")
    one_check_less = ("open", "check", "check", "read", "close")
    free, fixed = model.session_scores([more_reads, one_check_less])
    assert 0 < free < fixed - 3


def test_differences_name_the_dearest_key_first() -> None:
    model = CountDistance.fit(transfers(300))
    most = max(session.count("read") for session in transfers(300))
    odd = ("open", "check", "check", *("read",) * (most + 1), "close", "burnt")
    assert model.differences(odd) == [("check", 2, 3), ("", 1, 0), ("read", most + 1, most)]
    assert model.differences(transfers(300)[0]) == []


def test_with_more_vectors_than_references_a_seen_one_still_scores_0(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(count_distance, "REFERENCES", 3)
    often = [("a",) * count for count in (1, 2, 3)]
    seldom = [("a",) * count for count in (20, 30)]
    once = [("a",) * 40]
    model = CountDistance.fit([*often, *seldom, *once], [50, 40, 30, 2, 2, 1])
    assert model.vectors[:, 0].tolist() == [1, 2, 3]
    assert model.session_scores([*often, *seldom, *once]).tolist() == [0] * 6
    assert model.left_out_scores([*often, *seldom]).tolist() == [0] * 5
    left_out, new = model.left_out_scores(once)[0], model.session_scores([("a",) * 41])[0]
    assert 0 < left_out < new
    assert model.differences(("a",) * 41) == [("a", 41, 3)]
    assert model.differences(once[0]) == []


def test_references_of_equal_weight_are_taken_from_all_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_distance, "REFERENCES", 20)
    model = CountDistance.fit([("a",) * count for count in range(200)])
    taken = model.vectors[:, 0]
    assert len(taken) == 20
    assert taken.max() > 150
    assert 60 < taken.mean() < 140


def test_training_of_one_vector_and_of_empty_sessions_is_enough() -> None:
    model = CountDistance.fit([("a", "b")], [40])
    same, other, new = model.session_scores([("b", "a"), ("a", "a"), ("a", "b", "new")])
    assert same == 0
    assert 0 < new < other
    empty = CountDistance.fit([()], [3])
    assert empty.session_scores([()])[0] == 0
    assert empty.session_scores([("a",)])[0] > 0
    assert model.left_out_scores([("a", "b")])[0] == 0
    assert CountDistance.fit([("a",)]).left_out_scores([("a",)])[0] > 0


def test_a_part_that_lacks_something_is_refused() -> None:
    with pytest.raises(ModelError, match="no set score: 'vectors'"):
        CountDistance.restore(ModelPart({"keys": [], "novel": 1.0}))


def test_10_000_vectors_of_300_keys_are_compared_in_seconds() -> None:
    generator = np.random.default_rng(2)
    names = np.array([f"key {number}" for number in range(300)])
    training = [
        tuple(np.repeat(generator.choice(names, 25, replace=False), generator.geometric(0.5, 25)).tolist())
        for _ in range(10_000)
    ]
    started = time.process_time()
    model = CountDistance.fit(training)
    scores = model.left_out_scores(training)
    assert time.process_time() - started < 8
    assert len(model.vectors) == count_distance.REFERENCES
    assert np.isfinite(scores).all()
    assert model.session_scores(training).max() == 0
