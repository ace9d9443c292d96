from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.evaluation.confusion import Confusion, auc
from deeplog_ops.evaluation.grouping import Grouping, grouping


def test_counts_and_ratios_of_a_small_case() -> None:
    found = Confusion.of([1, 1, 0, 0, 1], [1, 0, 1, 0, 1], [2, 1, 1, 5, 1])
    assert found == Confusion(tp=3, fp=1, fn=1, tn=5)
    assert (found.precision, found.recall, found.f1) == (0.75, 0.75, 0.75)
    assert found.false_alarm_rate == pytest.approx(1 / 6)


def test_ratios_without_anything_to_divide_by() -> None:
    nothing = Confusion(0, 0, 0, 10)
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.false_alarm_rate) == (1, 1, 1, 0)
    missed = Confusion(0, 0, 3, 0)
    assert (missed.precision, missed.recall, missed.f1, missed.false_alarm_rate) == (1, 0, 0, 0)
    assert Confusion(0, 2, 0, 0).f1 == 0


def test_verdicts_and_truths_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        Confusion.of([True], [True, False])


def test_projection_keeps_both_rates() -> None:
    projected = Confusion.projected(0.002, 0.9, normal=1000, anomalous=50)
    assert projected.false_alarm_rate == pytest.approx(0.002)
    assert projected.recall == pytest.approx(0.9)
    assert projected.tp + projected.fp + projected.fn + projected.tn == pytest.approx(1050)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 3)), min_size=1, max_size=30))
def test_auc_is_the_chance_of_the_right_order(cases: list[tuple[int, bool, int]]) -> None:
    scores, true, weights = (np.array(column) for column in zip(*cases, strict=True))
    wins = [
        (1.0 if a > b else 0.5 if a == b else 0.0, v * w)
        for a, is_anomalous, v in cases
        if is_anomalous
        for b, other, w in cases
        if not other
    ]
    wanted = sum(win * weight for win, weight in wins) / sum(w for _, w in wins) if wins else 0.5
    assert auc(scores, true, weights) == pytest.approx(wanted)


def test_grouping_counts_a_template_only_when_its_messages_are_exactly_those_of_a_true_one() -> None:
    truth = ["A", "A", "A", "B", "B", "C"]
    assert grouping(truth, truth) == Grouping(1, 1, 1, 1)
    split = grouping([1, 1, 2, 3, 3, 4], truth)  # A fell into two
    assert split.accuracy == pytest.approx(3 / 6)
    assert (split.precision, split.recall) == (2 / 4, 2 / 3)
    merged = grouping([1, 1, 1, 2, 2, 2], truth)  # B and C became one
    assert merged.accuracy == pytest.approx(3 / 6)
    assert (merged.precision, merged.recall) == (1 / 2, 1 / 3)
    assert merged.f1 == pytest.approx(0.4)


def test_grouping_of_nothing_and_of_what_does_not_fit() -> None:
    assert grouping([], []) == Grouping(1, 1, 1, 1)
    assert grouping([1, 1], ["A", "B"]) == Grouping(0, 0, 0, 0)
    with pytest.raises(ValueError, match="one each"):
        grouping([1], [])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_names_do_not_matter_for_grouping(pairs: list[tuple[int, int]]) -> None:
    parsed, truth = zip(*pairs, strict=True)
    assert grouping(parsed, truth) == grouping(
        [f"template {name}" for name in parsed], [-name for name in truth]
    )
