from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.errors import ModelError
from deeplog_ops.models.held_out import folds_of, held_out_scores
from deeplog_ops.models.key_windows import distinct_windows
from deeplog_ops.models.session_split import sessions_held_out
from deeplog_ops.models.vocabulary import BOS, EOS, ESCAPE, Vocabulary

sequences_of_symbols = st.lists(st.lists(st.integers(3, 6), max_size=15), max_size=8)


@given(sequences_of_symbols, st.integers(1, 12), st.data())
def test_windows_and_their_weights_are_those_found_one_by_one(
    sequences: list[list[int]], history: int, data: st.DataObject
) -> None:
    weights = data.draw(st.lists(st.integers(0, 9), min_size=len(sequences), max_size=len(sequences)))
    counted: Counter[tuple[int, ...]] = Counter()
    in_order = []
    for sequence, weight in zip(sequences, weights, strict=True):
        padded = [BOS] * history + sequence + [EOS]
        for place in range(len(sequence) + 1):
            in_order.append(tuple(padded[place : place + history + 1]))
            counted[in_order[-1]] += weight
    found = distinct_windows([np.array(sequence, np.int32) for sequence in sequences], history)
    rows = [tuple(row) for row in found.windows.tolist()]
    assert rows == sorted(counted)
    assert [rows[place] for place in found.place] == in_order
    assert found.summed(np.array(weights, float)).tolist() == [counted[row] for row in rows]


@given(st.dictionaries(st.text("ab", max_size=4), st.integers(0, 20), min_size=1), st.integers(2, 6))
def test_folds_share_out_every_session_once_and_evenly(counts: dict[str, int], folds: int) -> None:
    sequences, weights = [tuple(keys) for keys in counts], np.array(list(counts.values()))
    parts = [sessions_held_out(sequences, weights, folds, fold) for fold in range(folds)]
    assert np.array_equal(np.sum(parts, axis=0), weights)
    assert (np.max(parts, axis=0) - np.min(parts, axis=0)).max() <= 1
    turned = sessions_held_out(sequences[::-1], weights[::-1], folds, 0)
    assert np.array_equal(turned[::-1], parts[0])


class _Seen:
    """Scores a sequence by whether the fit had it: a stand-in whose held-out scores are known."""

    def __init__(self, sequences: list[tuple[str, ...]]) -> None:
        self.seen = set(sequences)

    def session_scores(self, sequences: list[tuple[str, ...]]) -> np.ndarray:
        return np.array([0.0 if keys in self.seen else 1.0 for keys in sequences])


def test_held_out_sessions_are_scored_once_by_a_model_that_did_not_see_them() -> None:
    sequences = [("a",), ("b",), ("c",)]
    held = held_out_scores(sequences, [9, 1, 2], lambda seen, weights: _Seen(list(seen)))
    assert np.bincount(held.sequence, held.sessions).tolist() == [9, 1, 2]
    unseen = {sequences[row] for row, score in zip(held.sequence, held.score, strict=True) if score}
    assert unseen == {("b",)}  # the one that a single session has


def test_a_single_session_cannot_be_held_out() -> None:
    with pytest.raises(ModelError, match="2 or more are needed"):
        held_out_scores([("a",)], [1], lambda seen, weights: _Seen(list(seen)))


def test_a_vocabulary_is_sorted_escapes_what_it_does_not_know_and_comes_back_whole() -> None:
    vocabulary = Vocabulary.of([("b", "a"), ("b",)])
    assert vocabulary.encode(["a", "b", "new", "b"]).tolist() == [3, 4, ESCAPE, 4]
    assert [vocabulary.key(symbol) for symbol in range(len(vocabulary))] == [None, None, None, "a", "b"]
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary
    with pytest.raises(ModelError, match="keys"):
        Vocabulary.from_dict({})


@given(st.lists(st.integers(0, 500), min_size=2, max_size=6, unique=True))
def test_of_two_sessions_or_more_each_is_held_out_once_whatever_their_keys(names: list[int]) -> None:
    sequences = sorted((str(name),) for name in names)
    counts = np.ones(len(sequences), np.int64)
    held = np.zeros(len(sequences), np.int64)
    for fold in folds_of(sequences, counts):
        assert len(fold.seen)
        held[fold.held] += fold.held_sessions
    assert held.tolist() == counts.tolist()
