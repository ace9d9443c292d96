"""What is done to normal sessions, and what a rate that was measured is worth."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from deeplog_ops.evaluation.intervals import rate_interval
from deeplog_ops.evaluation.mutations import MUTATIONS, UNKNOWN, mutated

SESSIONS = [("a", "b", "c", "b")] * 40 + [("a", "b")] * 10
LONGER = {"drop": -1, "swap": 0, "double": 1, "replace": 0, "unknown": 1}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_a_mutation_changes_every_session_and_each_draw_is_the_same(kind: str) -> None:
    found = mutated(kind, SESSIONS, 3)
    assert found == mutated(kind, SESSIONS, 3)
    assert found != mutated(kind, SESSIONS, 4)
    assert len(found) == len(SESSIONS)
    for keys, before in zip(found, SESSIONS, strict=True):
        assert keys != before
        if kind == "cut":
            assert before[: len(keys)] == keys
        else:
            assert len(keys) - len(before) == LONGER[kind]
        assert (UNKNOWN in keys) == (kind == "unknown")
        if kind == "swap":
            assert sorted(keys) == sorted(before)


def test_what_cannot_be_changed_is_left_out() -> None:
    assert mutated("swap", [("a", "a"), ("a",), ()], 0) == []
    assert mutated("cut", [("a",)], 0) == []
    assert mutated("replace", [("a",)], 0, {"a", "z"}) == [("z",)]


@pytest.mark.parametrize(("hits", "cases"), [(0, 10), (3, 10), (10, 10), (6, 2791)])
def test_intervals_are_those_of_clopper_and_pearson(hits: int, cases: int) -> None:
    theirs = binomtest(hits, cases).proportion_ci(0.95, method="exact")
    assert rate_interval(hits, cases) == pytest.approx((theirs.low, theirs.high))
