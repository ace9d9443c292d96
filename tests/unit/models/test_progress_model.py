"""The progress model, held against a slow one that has dictionaries where it has hashes."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from deeplog_ops.errors import ModelError
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.progress_model import ProgressModel

Session = tuple[str, ...]
END, NEW = "", "never seen"
KEYS = "abcd"
some_sessions = st.lists(st.lists(st.sampled_from(KEYS), max_size=6).map(tuple), min_size=1, max_size=12)
any_sessions = st.lists(st.lists(st.sampled_from([*KEYS, "x", "y"]), max_size=8).map(tuple), max_size=8)
some_weights = st.lists(st.integers(1, 4), min_size=12, max_size=12)
free_keys = st.sets(st.sampled_from(KEYS), max_size=2)


class SlowModel:
    """Counts of what followed each history, per level; probabilities by Witten and Bell's formula as it is printed."""

    def __init__(self, sessions: Iterable[Session], keys: set[str], free: set[str]) -> None:
        self.keys, self.free = keys, free
        self.after: list[dict[tuple[str, ...], Counter[str]]] = [defaultdict(Counter) for _ in range(5)]
        for session in sessions:
            for place, symbol in enumerate([*session, END]):
                for level, history in enumerate(self.histories(session[:place])):
                    self.after[level][history][symbol] += 1

    def histories(self, before: Session) -> list[tuple[str, ...]]:
        known = [key if key in self.keys else NEW for key in before]
        last = ["begin", "begin", *known]
        structural = sorted(key for key in known if key not in self.free)
        return [(), (last[-1],), (last[-1], last[-2]), tuple(structural), tuple(sorted(known))]

    def probability(self, before: Session, symbol: str) -> float:
        chance = 1 / (len(self.keys) + 2)
        for level, history in enumerate(self.histories(before)):
            followers = self.after[level].get(history)
            if followers:
                total, kinds = sum(followers.values()), len(followers)
                chance = (followers[symbol] + kinds * chance) / (total + kinds)
        return chance

    def score(self, session: Session) -> float:
        symbols = [key if key in self.keys else NEW for key in session] + [END]
        return max(-log(self.probability(session[:place], symbol)) for place, symbol in enumerate(symbols))


def repeated(sessions: Sequence[Session], weights: Sequence[int]) -> list[Session]:
    return [session for session, weight in zip(sessions, weights, strict=False) for _ in range(weight)]


@given(some_sessions, some_weights, free_keys, any_sessions)
def test_scores_are_those_of_a_model_with_dictionaries(
    training: list[Session], weights: list[int], free: set[str], sessions: list[Session]
) -> None:
    fast = ProgressModel.fit(training, weights[: len(training)], free)
    slow = SlowModel(repeated(training, weights), {key for keys in training for key in keys}, free)
    asked = [*training, *sessions]
    np.testing.assert_allclose(fast.session_scores(asked), [slow.score(keys) for keys in asked], rtol=1e-12)


@given(some_sessions, some_weights, free_keys)
def test_leaving_out_is_fitting_without_the_session(
    training: list[Session], weights: list[int], free: set[str]
) -> None:
    distinct = sorted(set(training))
    fast = ProgressModel.fit(distinct, weights[: len(distinct)], free)
    everything = repeated(distinct, weights)
    keys = {key for session in distinct for key in session}
    expected = []
    for session in distinct:
        others = list(everything)
        others.remove(session)
        expected.append(SlowModel(others, keys, free).score(session))
    np.testing.assert_allclose(fast.left_out_scores(distinct), expected, rtol=1e-12)


def probability(model: ProgressModel, before: Session, symbol: str) -> float:
    surprise, starts = model.surprises([before if symbol == END else (*before, symbol)])
    return float(np.exp(-surprise[starts[0] + len(before)]))


@given(some_sessions, free_keys, st.lists(st.sampled_from([*KEYS, "x"]), max_size=7).map(tuple))
def test_known_keys_the_end_and_a_new_key_share_a_probability_of_1(
    training: list[Session], free: set[str], before: Session
) -> None:
    model = ProgressModel.fit(training, free=free)
    symbols = [*model.vocabulary.keys, END, NEW]
    chances = [probability(model, before, symbol) for symbol in symbols]
    assert min(chances) > 0
    assert sum(chances) == pytest.approx(1, rel=1e-12)


@given(some_sessions, free_keys, st.lists(st.sampled_from([*KEYS, "x"]), max_size=7).map(tuple), st.data())
def test_what_is_expected_are_the_likeliest_symbols_likeliest_first(
    training: list[Session], free: set[str], keys: Session, data: st.DataObject
) -> None:
    model = ProgressModel.fit(training, free=free)
    place = data.draw(st.integers(0, len(keys)))
    expected = model.expected(keys, place, most=9)
    assert {key for key, _ in expected} == {*model.vocabulary.keys, END}
    assert [chance for _, chance in expected] == sorted((chance for _, chance in expected), reverse=True)
    for key, chance in expected:
        assert chance == pytest.approx(probability(model, keys[:place], key), rel=1e-12)
    assert model.expected(keys, place, most=2) == expected[:2]


@given(some_sessions, some_weights, free_keys, any_sessions)
@settings(max_examples=25)
def test_a_model_written_and_read_scores_the_same(
    training: list[Session], weights: list[int], free: set[str], sessions: list[Session]
) -> None:
    model = ProgressModel.fit(training, weights[: len(training)], free)
    part = model.to_part()
    data, arrays = json.loads(json.dumps(part.data, allow_nan=False)), load(save(dict(part.arrays)))
    restored = ProgressModel.restore(ModelPart(data, arrays))
    asked = [*training, *sessions]
    assert np.array_equal(restored.session_scores(asked), model.session_scores(asked))
    assert np.array_equal(restored.left_out_scores(training), model.left_out_scores(training))


@given(some_sessions, some_weights)
def test_weights_are_repetition_and_a_weight_of_0_is_absence(
    training: list[Session], weights: list[int]
) -> None:
    weighted = ProgressModel.fit([*training, ("absent",)], [*weights[: len(training)], 0])
    plain = ProgressModel.fit(repeated(training, weights))
    asked = [*training, ("absent",), ("a", "absent", "b")]
    assert weighted.vocabulary == plain.vocabulary
    assert np.array_equal(weighted.session_scores(asked), plain.session_scores(asked))


def woven(order: str) -> Session:
    """Two branches of three steps each, woven as the letters a and b say."""
    branches = {"a": iter(("lock", "read", "free")), "b": iter(("auth", "grant", "audit"))}
    return ("start", *(next(branches[letter]) for letter in order), "close")


def test_a_new_weaving_of_concurrent_branches_is_no_surprise_but_a_step_left_out_is() -> None:
    weavings = ["aaabbb", "aababb", "ababab", "abbaab", "baabba", "bababa", "bbaaba", "bbbaaa", "abbbaa"]
    model = ProgressModel.fit([woven(order) for order in weavings], [20] * len(weavings))
    new = woven("babaab")
    assert "babaab" not in weavings
    incomplete = tuple(key for key in woven("ababab") if key != "grant")
    new_score, incomplete_score = model.session_scores([new, incomplete])
    assert new_score < 3
    assert incomplete_score > 5


def test_an_unknown_key_is_more_surprising_the_more_training_there_is() -> None:
    scores = [
        ProgressModel.fit([("a", "b", "c")], [sessions]).session_scores([("a", "new", "b", "c")])[0]
        for sessions in (1, 10, 100, 1000)
    ]
    assert (np.diff(scores) > 1).all()


def test_empty_sequences_are_sessions_that_ended_at_once() -> None:
    model = ProgressModel.fit([(), ("a",)], [30, 10])
    empty, single = model.session_scores([(), ("a",)])
    assert empty < single < 2.0
    assert ProgressModel.fit([()]).session_scores([("a", "b")])[0] > 0
    assert model.session_scores([]).shape == model.left_out_scores([]).shape == (0,)


def test_what_was_not_in_training_cannot_be_left_out_of_it() -> None:
    model = ProgressModel.fit([("a", "b"), ("a",)])
    with pytest.raises(ModelError, match="sequence 1 was not in training"):
        model.left_out_scores([("a", "b"), ("b", "b")])


def test_bad_weights_and_parts_are_refused() -> None:
    with pytest.raises(ModelError, match="one each"):
        ProgressModel.fit([("a",)], [1, 2])
    with pytest.raises(ModelError, match="no sessions to train on"):
        ProgressModel.fit([("a",)], [0])
    with pytest.raises(ModelError, match="no progress model"):
        ProgressModel.restore(ModelPart({"keys": ["a"], "free": []}))


def test_a_session_of_100_000_events_takes_no_two_seconds() -> None:
    generator = np.random.default_rng(1)
    long = tuple(f"key {number}" for number in generator.integers(0, 300, 100_000))
    started = time.process_time()
    model = ProgressModel.fit([long, ("key 1", "key 2")], [1, 5], ["key 1"])
    scores = [*model.session_scores([long[::-1]]), *model.left_out_scores([long])]
    assert time.process_time() - started < 2
    assert np.isfinite(scores).all()
