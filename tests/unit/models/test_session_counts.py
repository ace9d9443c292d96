"""Counts that are kept sparsely, held against counting every key of every sequence; and samples of sessions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from deeplog_ops.models import session_counts
from deeplog_ops.models.classic import count_vectors
from deeplog_ops.models.classic.count_vectors import CountTable, count_keys
from deeplog_ops.models.classic.supervised import fit_supervised
from deeplog_ops.models.nearest_vectors import NearestVectors
from deeplog_ops.models.nearest_vectors import costs as costs_of
from deeplog_ops.models.session_counts import SessionCounts, sampled, vector_hashes

Session = tuple[str, ...]
KEYS = ("a", "b", "c", "d")
sessions = st.lists(st.lists(st.sampled_from([*KEYS, "x"]), max_size=9).map(tuple), min_size=1, max_size=15)
weights = st.lists(st.integers(1, 5), min_size=15, max_size=15)


def dense(sequences: list[Session], keys: tuple[str, ...] = KEYS) -> list[list[int]]:
    return [
        [*(sequence.count(key) for key in keys), sum(key not in keys for key in sequence)]
        for sequence in sequences
    ]


@given(sessions, weights, st.integers(1, 20))
def test_sparse_counts_are_those_of_counting_every_key(
    sequences: list[Session], of: list[int], at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_counts, "_AT_ONCE", at_once)
        found = SessionCounts.of(sequences, np.array(of[: len(sequences)]), KEYS)
    assert found.counts.toarray()[found.place].tolist() == dense(sequences)
    assert count_keys(sequences, KEYS).tolist() == dense(sequences)
    expected = Counter[tuple[int, ...]]()
    for vector, weight in zip(dense(sequences), of, strict=False):
        expected[tuple(vector)] += weight
    told = zip(map(tuple, found.counts.toarray().tolist()), found.sessions.tolist(), strict=True)
    assert dict(told) == expected
    having = [
        sum(weight for vector, weight in expected.items() if vector[column])
        for column in range(len(KEYS) + 1)
    ]
    assert found.having.tolist() == having


@given(sessions)
def test_a_vector_has_the_same_hash_beside_other_keys(sequences: list[Session]) -> None:
    few = SessionCounts.of(sequences, np.ones(len(sequences), np.int64))
    many = SessionCounts.of(
        sequences, np.ones(len(sequences), np.int64), tuple(sorted({*few.keys, "aa", "zz"}))
    )
    assert many.hashes.tolist() == few.hashes.tolist()
    assert vector_hashes(few.counts, few.keys).tolist() == few.hashes.tolist()


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=1, max_size=9),
    st.lists(st.lists(st.integers(0, 6), min_size=5, max_size=5), min_size=1, max_size=9),
    st.lists(st.floats(0.1, 9), min_size=5, max_size=5),
    st.booleans(),
)
def test_the_nearest_vector_is_that_of_comparing_with_each_key_by_key(
    known: list[list[int]], asked: list[list[int]], cost: list[float], left_out: bool
) -> None:
    vectors, each, step = np.array(known, np.int32), np.array(cost), np.full(5, 1.5)
    counts = vectors if left_out else np.array(asked, np.int32)
    own = np.arange(len(known)) if left_out else np.full(len(asked), -1)
    found = NearestVectors(vectors, each, step).nearest(sparse.csr_array(counts), own)
    apart = np.abs(counts[:, None, :] - vectors)
    total = costs_of(apart, each, step).sum(axis=2)
    if left_out:
        np.fill_diagonal(total, np.inf)
    least = total.min(axis=1)
    if left_out and len(known) == 1:
        assert found.tolist() == [-1]
    else:
        assert total[np.arange(len(counts)), found] == pytest.approx(least)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.integers(1, 40))
def test_a_sample_has_no_more_than_asked_for_and_all_where_they_are_no_more(of: list[int], most: int) -> None:
    hashes = np.random.default_rng(0).integers(0, 2**63, len(of)).astype(np.uint64)
    found = sampled(hashes, np.array(of), most)
    kept = int((np.array(of) > 0).sum())
    assert np.count_nonzero(found) == min(kept, most)
    assert (found <= np.array(of)).all()
    assert kept > most or found.tolist() == of
    turned = sampled(hashes[::-1], np.array(of)[::-1], most)[::-1]
    assert turned.tolist() == found.tolist()


def test_in_a_sample_what_is_common_stays_as_common() -> None:
    """A third of the sessions have one vector, a third one of ten, a third one of their own."""
    sizes = np.array([30_000, *[3_000] * 10, *[1] * 30_000])
    hashes = np.random.default_rng(1).integers(0, 2**63, len(sizes)).astype(np.uint64)
    found = sampled(hashes, sizes, 1_000)
    assert found[0] / found.sum() == pytest.approx(1 / 3, abs=0.01)
    assert found[1:11].sum() / found.sum() == pytest.approx(1 / 3, abs=0.01)
    assert set(np.flatnonzero(found)) >= set(np.flatnonzero(sampled(hashes, sizes, 100)))


def test_a_table_with_more_than_it_has_room_for_is_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = [("a",) * (number % 40) + ("b",) * (number // 40) for number in range(1, 1_000)]
    whole = CountTable.of(sequences)
    monkeypatch.setattr(count_vectors, "CELLS", 600)
    some = CountTable.of(sequences)
    assert whole.counts.shape == (999, 3)
    assert some.counts.shape == (200, 3)
    assert {tuple(row) for row in some.counts.tolist()} < {tuple(row) for row in whole.counts.tolist()}
    assert some.counts.mean(axis=0)[:2] == pytest.approx(whole.counts.mean(axis=0)[:2], rel=0.2)
    again = CountTable.of(sequences[::-1])
    assert (again.counts.tolist(), again.sessions.tolist()) == (some.counts.tolist(), some.sessions.tolist())


def test_of_too_many_keys_the_rare_ones_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_vectors, "KEYS", 2)
    table = CountTable.of([("a", "b"), ("a", "b", "c"), ("a", "b", "d"), ("b", "b")])
    assert (table.keys, table.rare) == (("a", "b"), ("c", "d"))
    assert table.counts.tolist() == [[0, 2, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]]
    assert table.sessions.tolist() == [1, 1, 2]
    assert table.count([("c", "d", "new")]).tolist() == [[0, 0, 2, 1]]
    again = CountTable.from_dict(table.to_dict())
    assert again.count([("c", "d", "new")]).tolist() == [[0, 0, 2, 1]]


def test_what_people_called_anomalous_is_in_every_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_vectors, "CELLS", 600)
    normal = [("a",) * (number % 40) + ("b",) * (number // 40) for number in range(1, 1_000)]
    odd = [("a",) * 50, ("b",) * 60]
    model = fit_supervised(
        "decision_tree", [*normal, *odd], [1] * 1_001, [False] * len(normal) + [True] * len(odd)
    )
    assert len(model.table.counts) <= 201
    assert model.anomalous.sum() == 2
    assert model.session_scores(odd).min() > model.session_scores(normal[:500]).max()
