"""Relations between the counts of two keys: which are found, when they are broken, and what that costs."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from deeplog_ops.models import count_distance
from deeplog_ops.models.classic.count_vectors import CountTable
from deeplog_ops.models.count_distance import CountDistance
from deeplog_ops.models.count_relations import LEAST, REACH, CountRelations

Session = tuple[str, ...]


def replicas(count: int, retries: int = 0) -> Session:
    """As many replicas received as stored, one delete more than that, and retries that have to do with nothing."""
    return ("receive",) * count + ("store",) * count + ("delete",) * (count + 1) + ("retry",) * retries


TRAINING = [replicas(count, retries) for count in range(1, 8) for retries in range(6)] * 3


def fitted(sessions: list[Session]) -> tuple[CountRelations, CountTable]:
    table = CountTable.of(sessions)
    return CountRelations.fit(table.counts, table.sessions), table


def pairs(relations: CountRelations, table: CountTable) -> set[tuple[str, str]]:
    return {
        (table.keys[first], table.keys[second])
        for first, second in zip(relations.first, relations.second, strict=True)
    }


def test_counts_that_go_together_are_found_and_free_ones_are_not() -> None:
    relations, table = fitted(TRAINING)
    assert pairs(relations, table) == {("receive", "store"), ("delete", "receive"), ("delete", "store")}


def test_a_step_left_out_or_doubled_breaks_a_relation_though_each_count_alone_is_usual() -> None:
    relations, table = fitted(TRAINING)
    normal = replicas(4, 2)
    odd = [tuple(normal[:place] + normal[place + 1 :]) for place in range(13)]  # any but a retry
    odd += [(*normal, key) for key in ("receive", "store", "delete")]
    assert relations.broken(table.count(odd)).any(axis=1).all()
    assert not relations.broken(table.count([normal, (*normal, "retry"), ("retry",), ()])).any()


def test_what_most_keep_is_a_relation_and_what_some_session_showed_breaks_none() -> None:
    lost = ("receive", "receive", "store", "delete", "delete")
    relations, table = fitted([*TRAINING, lost])
    assert ("receive", "store") in pairs(relations, table)
    assert not relations.broken(table.count([lost])).any()
    # Had it not been there, it would break two: as often received as stored, and deleted once more.
    own = (table.counts == table.count([lost])[0]).all(axis=1)
    assert np.array_equal(relations.broken(table.counts, left_out=True).any(axis=1), own)


def test_breaking_a_relation_costs_less_where_sessions_of_training_do() -> None:
    lost = [("receive",) * 9 + ("store",) * number for number in range(1, 3)]
    steady, shaky = fitted(TRAINING)[0], fitted([*TRAINING, *lost])[0]
    assert steady.cost == pytest.approx(np.log((len(TRAINING) + 1) / 0.5))
    assert shaky.cost == pytest.approx(np.log((len(TRAINING) + 3) / 2.5))


def test_of_too_few_sessions_nothing_is_said() -> None:
    assert not len(fitted([replicas(2)] * (LEAST - 1))[0].first)
    assert len(fitted([replicas(2)] * LEAST)[0].first)
    relations, table = fitted([("a",), ("b",), ()])
    assert relations.broken(table.count([("a", "b"), ("new",)])).shape == (2, 0)
    assert relations.costs(table.count([("a", "b")])).tolist() == [0.0]


def test_a_relation_of_keys_that_a_session_has_neither_of_says_nothing_of_it() -> None:
    relations, table = fitted(TRAINING)
    assert not relations.broken(table.count([("retry",), ("new", "new")])).any()


def test_differences_beyond_reach_are_all_one() -> None:
    relations, table = fitted([("a",) * (REACH + 5 + number) for number in range(LEAST)])
    assert not len(relations.first)
    far, table = fitted([("a",) * (REACH + 5 + number) + ("b",) for number in range(LEAST)])
    assert not far.broken(table.count([("a",) * (REACH + 100) + ("b",)])).any()
    assert far.broken(table.count([("a", "b")])).any()


def test_the_worst_is_the_relation_that_most_sessions_keep_with_its_usual_difference() -> None:
    model = CountDistance.fit([*TRAINING, *[("receive", "store")] * 2])
    short = ("receive",) * 4 + ("store",) * 3 + ("delete",) * 5
    assert model.broken_relation(short) == ("receive", 4, "store", 3, 0)
    assert model.broken_relation(replicas(4)) is None
    twice = ("receive",) * 4 + ("store",) * 4 + ("delete",) * 6
    assert model.broken_relation(twice) == ("delete", 6, "receive", 4, 1)


def test_a_broken_relation_adds_its_cost_to_the_distance() -> None:
    model = CountDistance.fit(TRAINING)
    more_retries, lost = replicas(4, 6), ("receive",) * 4 + ("store",) * 3 + ("delete",) * 5
    scores = model.session_scores([more_retries, lost])
    assert scores[1] - scores[0] > model.relations.cost


def test_of_a_vector_that_is_no_reference_nothing_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sessions have lost a replica. The relations have counted one of them; that one stays when the other is left out."""
    lost = [("receive",) * (count + 1) + ("store",) * count + ("delete",) * (count + 2) for count in (2, 4)]
    monkeypatch.setattr(count_distance, "REFERENCES", len(set(TRAINING)) + 1)
    model = CountDistance.fit([*TRAINING, *lost])
    free = replace(model, relations=replace(model.relations, cost=0.0))
    costs = model.left_out_scores(lost) - free.left_out_scores(lost)
    assert sorted(costs.tolist()) == pytest.approx([0.0, model.relations.cost])


sessions = st.lists(st.lists(st.sampled_from("abc"), max_size=6).map(tuple), min_size=1, max_size=60)


@given(sessions, st.lists(st.lists(st.sampled_from("abcd"), max_size=8).map(tuple), min_size=1, max_size=5))
def test_broken_is_what_counting_one_by_one_finds(training: list[Session], asked: list[Session]) -> None:
    relations, table = fitted(training)

    def one_by_one(counts: NDArray[np.int64], left_out: bool) -> list[list[bool]]:
        found = []
        for vector in counts:
            row = []
            for first, second in zip(relations.first, relations.second, strict=True):
                same = sum(
                    int(weight)
                    for weight, other in zip(table.sessions, table.counts, strict=True)
                    if (other[first] or other[second])
                    and other[first] - other[second] == vector[first] - vector[second]
                )
                row.append(bool((vector[first] or vector[second]) and same - left_out <= 0))
            found.append(row)
        return found

    assert relations.broken(table.count(asked)).tolist() == one_by_one(table.count(asked), False)
    assert relations.broken(table.counts, left_out=True).tolist() == one_by_one(table.counts, True)


@given(sessions, st.randoms(use_true_random=False))
def test_neither_the_order_of_sessions_nor_the_names_of_keys_matter(
    training: list[Session], random: Random
) -> None:
    shuffled = random.sample(training, len(training))
    assert pairs(*fitted(shuffled)) == pairs(*fitted(training))
