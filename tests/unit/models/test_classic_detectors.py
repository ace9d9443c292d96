"""What each classic detector must see, beyond the shared checks."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import numpy as np
import pytest

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.errors import ModelError
from deeplog_ops.models.classic.count_vectors import CountTable, Features, weighted_median
from deeplog_ops.models.classic.invariants import Invariant, mine
from deeplog_ops.models.classic.model import ClassicModel
from deeplog_ops.models.classic.supervised import SUPERVISED, SupervisedModel, fit_supervised
from deeplog_ops.models.detectors import CLASSIC, DETECTORS

every_classic = pytest.mark.parametrize("name", CLASSIC)


def transfers(count: int, seed: int = 0) -> list[tuple[str, ...]]:
    """Sessions of an open, as many sent as received, now and then a retry, and a close."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        times = rng.randint(1, 6)
        retry = ("retry",) if rng.random() < 0.2 else ()
        made.append(("open", *("sent",) * times, *retry, *("received",) * times, "close"))
    return made


def fitted(
    name: str, sequences: Sequence[Sequence[str]], weights: Sequence[int] | None = None
) -> ClassicModel:
    return ClassicModel.fit(CLASSIC[name], sequences, weights)


@every_classic
def test_a_new_key_always_raises_the_score(name: str) -> None:
    normal = sorted(set(transfers(200)))
    model = fitted(name, transfers(200))
    with_new = [(*keys, "never seen") for keys in normal]
    assert (model.session_scores(with_new) > model.session_scores(normal)).all()


@every_classic
@pytest.mark.parametrize(
    "sequences", [transfers(5), [("a",), ("a",), ("a",), ("a",), ("a",)], [(), ("a", "b")]]
)
def test_a_handful_of_sessions_is_enough(name: str, sequences: list[tuple[str, ...]]) -> None:
    scores = fitted(name, sequences).session_scores([*sequences, ("z",) * 9, ()])
    assert np.isfinite(scores).all()
    assert scores[-2] > scores[: len(sequences)].max()


@every_classic
def test_sessions_that_lost_events_score_higher_than_normal_ones(name: str) -> None:
    model = fitted(name, transfers(300))
    normal = model.session_scores(transfers(300, seed=1))
    cut = model.session_scores(
        [("sent", "sent", "sent"), ("open", "open", "close", "retry", "retry", "retry")]
    )
    assert cut.min() > np.quantile(normal, 0.95)


@every_classic
def test_weights_stand_for_sessions(name: str) -> None:
    sequences = transfers(120)
    distinct = sorted(set(sequences))
    weighted = fitted(name, distinct, [sequences.count(keys) for keys in distinct])
    assert np.array_equal(weighted.session_scores(distinct), fitted(name, sequences).session_scores(distinct))


@pytest.mark.parametrize("name", ["isolation_forest", "one_class_svm", "invariants"])
def test_what_is_common_is_less_anomalous_than_what_came_once(name: str) -> None:
    scores = fitted(name, [("a", "b"), ("a", "b", "c", "c")], [500, 1]).session_scores(
        [("a", "b"), ("a", "b", "c", "c")]
    )
    assert scores[0] < scores[1]


def test_every_detector_of_the_list_can_be_fitted() -> None:
    settings = KeyModelSettings(epochs=1, hidden=4, embedding=4, device="cpu")
    for detector in DETECTORS.values():
        scores = detector.fit_with(settings)([("a", "b"), ("a",)], [3, 2]).session_scores([("a",)])
        assert scores.shape == (1,)


def test_counts_have_a_bucket_for_keys_that_training_did_not_see() -> None:
    table = CountTable.of([("b", "a", "b"), ("b", "b", "a"), ("a",)], [2, 3, 1])
    assert table.keys == ("a", "b")
    assert table.counts.tolist() == [[1, 0, 0], [1, 2, 0]]
    assert table.sessions.tolist() == [1, 5]
    assert table.count([("b", "x", "y"), ()]).tolist() == [[0, 1, 2], [0, 0, 0]]
    again = CountTable.from_dict(json.loads(json.dumps(table.to_dict())))
    assert np.array_equal(again.counts, table.counts)
    assert again.keys == table.keys


def test_bad_weights_are_refused() -> None:
    with pytest.raises(ModelError, match="one each"):
        CountTable.of([("a",)], [1, 2])
    with pytest.raises(ModelError, match="weight -1"):
        CountTable.of([("a",)], [-1])
    with pytest.raises(ModelError, match="no table"):
        CountTable.from_dict({"keys": ["a"], "vectors": [{"9": 1}], "sessions": [1]})


def test_tf_idf_weighs_a_new_key_most_and_a_key_of_all_sessions_least() -> None:
    table = CountTable.of([("a",), ("a", "b")], [9, 1])
    factor = Features.fit(table, "tf-idf", "none").factor
    assert factor[0] < factor[1] < factor[2]
    mean = Features.fit(table, "tf-idf", "mean").of(table.counts)
    assert np.allclose(table.share @ mean, 0)


def test_a_weighted_median_is_that_of_the_repeated_values() -> None:
    rng = np.random.default_rng(3)
    values, weights = rng.integers(0, 9, (7, 3)).astype(float), rng.integers(1, 5, 7)
    repeated = np.repeat(values, weights, axis=0)
    lower = np.sort(repeated, axis=0)[(len(repeated) - 1) // 2]
    assert weighted_median(values, weights).tolist() == lower.tolist()


def test_invariants_are_found_with_their_coefficients() -> None:
    rng = random.Random(5)
    sequences = []
    for _ in range(100):
        reads, writes = rng.randint(0, 4), rng.randint(0, 4)
        sequences.append(
            ("start",)
            + ("r",) * reads
            + ("w",) * writes
            + ("copy",) * 3 * writes
            + ("op",) * (reads + writes)
        )
    table = CountTable.of(sequences)
    said = {
        (tuple(table.keys[column] for column in found.columns), found.coefficients, found.constant)
        for found in mine(table)
    }
    assert (("start",), (1,), 1) in said
    assert (("copy", "w"), (1, -3), 0) in said
    assert (("op", "r", "w"), (1, -1, -1), 0) in said


def test_two_rare_keys_are_no_invariant_of_each_other_by_being_absent() -> None:
    sequences = [("a",)] * 400 + [("a", "x")] * 4 + [("a", "y")] * 4
    table = CountTable.of(sequences)
    columns = [found.columns for found in mine(table)]
    assert (1, 2) not in columns
    assert (0,) in columns


def test_keys_that_always_come_together_give_no_more_invariants_than_explain_them() -> None:
    rng = random.Random(1)
    sequences = [tuple("abcde") * rng.randint(1, 4) for _ in range(50)]
    assert len(mine(CountTable.of(sequences))) == 4


def test_an_invariant_that_was_broken_before_weighs_less() -> None:
    assert Invariant((0,), (1,), 1, 99, 100).weight < Invariant((0,), (1,), 1, 100, 100).weight


@pytest.mark.parametrize("kind", SUPERVISED)
def test_verdicts_are_learnt(kind: str) -> None:
    normal = transfers(60)
    odd = [("open", "sent", "sent", "retry", "retry", "close")] * 3 + [
        ("open", "retry", "retry", "retry", "close")
    ]
    labels = [0] * len(normal) + [1] * len(odd)
    model = fit_supervised(kind, [*normal, *odd], None, labels)
    scores = model.session_scores([*normal, *odd])
    assert scores[len(normal) :].min() > scores[: len(normal)].max()
    turned = fit_supervised(kind, [*odd, *normal], None, labels[::-1])
    assert np.array_equal(turned.session_scores(normal), model.session_scores(normal))
    again = SupervisedModel.restore(json.loads(json.dumps(model.to_dict())))
    assert np.array_equal(again.session_scores(normal), model.session_scores(normal))
    assert model.session_scores([normal[0]])[0] == scores[0]
    assert model.session_scores([]).shape == (0,)


def test_one_vector_may_have_both_verdicts() -> None:
    model = fit_supervised("logistic_regression", [("a",), ("a",), ("b",)], [5, 5, 5], [0, 1, 1])
    assert np.isfinite(model.session_scores([("a",)])).all()


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_verdicts_of_one_kind_teach_nothing(labels: list[int]) -> None:
    with pytest.raises(ModelError, match="one kind only"):
        fit_supervised("decision_tree", [("a",), ("b",)], None, labels)


def test_a_supervised_detector_that_does_not_exist_is_said_so() -> None:
    with pytest.raises(ModelError, match="known are logistic_regression"):
        fit_supervised("oracle", [("a",), ("b",)], None, [0, 1])
