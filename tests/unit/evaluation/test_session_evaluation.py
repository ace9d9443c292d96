"""Detectors side by side, and the best that could be reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.errors import ModelError
from deeplog_ops.evaluation.judges import DEFAULT, candidates, default_verdict
from deeplog_ops.evaluation.session_evaluation import Candidate, best_f1, compare

Keys = tuple[str, ...]
NORMAL: list[Keys] = [("a", "b")] * 300 + [("a", "c", "b")] * 100


@dataclass
class Long:
    """Flags sessions longer than `most`."""

    most: float

    def judge(self, sequences: Sequence[Keys]) -> tuple[np.ndarray, np.ndarray]:
        length = np.array([float(len(keys)) for keys in sequences])
        return length > self.most, length


def fixed(name: str, most: float = 3) -> Candidate:
    return Candidate(name, lambda sequences, weights, seed: Long(most))


def test_abnormal_sessions_are_opened_when_every_threshold_stands_and_once() -> None:
    steps: list[str] = []

    def recorded(name: str) -> Candidate:
        def fit(sequences: Sequence[Keys], weights: Sequence[int], seed: int) -> Long:
            assert set(sequences) == set(NORMAL)
            steps.append(f"{name} {seed}")
            return Long(3)

        return Candidate(name, fit, seeded=name == "network")

    def open_abnormals() -> list[Keys]:
        steps.append("open")
        return [("a",) * 30]

    compare(
        NORMAL,
        NORMAL,
        open_abnormals,
        recorded("default"),
        [recorded("network"), recorded("pca")],
        seeds=[4, 5],
    )
    assert steps == ["default 4", "network 4", "network 5", "pca 4", "open"]


def test_sessions_count_one_by_one_and_short_ones_are_judged() -> None:
    normal: list[Keys] = [("a", "b")] * 50 + [("a",) * 4] * 2 + [()]
    result = compare(NORMAL, normal, lambda: [("z",) * 9] * 7 + [("a",)] * 3 + [()], fixed("default"), [])
    assert result.mean("default") | {"auc": 0} == {
        "tp": 7, "fp": 2, "fn": 4, "tn": 51, "precision": 7 / 9, "recall": 7 / 11, "f1": 14 / 20, "auc": 0,
    }  # fmt: skip
    assert result.flag_all == pytest.approx(22 / (22 + 53))
    assert result.training_sessions == 400


def test_without_training_sessions_nothing_is_compared() -> None:
    with pytest.raises(ModelError, match="0 training sessions"):
        compare([], NORMAL, list, fixed("default"), [])


def test_means_over_seeds_are_shown_and_every_seed_is_kept() -> None:
    candidate = Candidate("default", lambda sequences, weights, seed: Long(seed), seeded=True)
    result = compare(NORMAL, [("a",) * 2, ("a",) * 4], lambda: [("a",) * 5] * 2, candidate, [], seeds=[3, 9])
    told = result.to_dict(30)
    assert [seed["f1"] for seed in told["default"]["seeds"]] == [0.8, 0.0]
    assert told["default"]["f1"] == 0.4
    assert told["default"]["tp"] == 1.0


def test_the_json_has_the_documented_keys() -> None:
    told = compare(
        NORMAL[:29], NORMAL, lambda: [("a",) * 9], fixed("default"), [fixed("pca"), fixed("lof")]
    ).to_dict(30)
    assert set(told) == {"default", "detectors", "ceiling", "flag_all", "seconds"}
    figures = {"tp", "fp", "fn", "tn", "precision", "recall", "f1", "auc"}
    assert set(told["detectors"]) == {"pca", "lof"}
    assert figures <= set(told["default"])
    assert all(figures <= set(found) for found in told["detectors"].values())
    assert told["default"]["history_too_short"] is True
    assert set(told["seconds"]) == {"default", "pca", "lof"}
    assert isinstance(told["default"]["tp"], int)


def test_the_ceiling_is_what_label_conflicts_leave() -> None:
    assert best_f1([10, 0], [0, 90]) == 1.0
    assert best_f1([177, 21], [1000, 0]) == pytest.approx(max(42 / (198 + 21), 2 * 198 / (198 + 198 + 1000)))
    assert best_f1([0, 0], [5, 5]) == 1.0
    assert best_f1([], []) == 1.0


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=7))
def test_the_ceiling_is_the_best_of_all_ways_to_flag(groups: list[tuple[int, int]]) -> None:
    positives = sum(odd for odd, _ in groups)
    best = 1.0 if not positives else 0.0
    for flags in product([0, 1], repeat=len(groups)):
        tp = sum(odd for (odd, _), flag in zip(groups, flags, strict=True) if flag)
        flagged = sum(odd + even for (odd, even), flag in zip(groups, flags, strict=True) if flag)
        if positives:
            best = max(best, 2 * tp / (positives + flagged))
    assert best_f1([odd for odd, _ in groups], [even for _, even in groups]) == pytest.approx(best)


def test_detectors_are_calibrated_on_training_and_find_what_is_plainly_odd() -> None:
    settings = KeyModelSettings(epochs=4, hidden=16, embedding=8, device="cpu")
    odd: list[Keys] = [("a", "z", "z", "b"), ("b", "b", "b", "b", "b", "q")]
    names = ["pca", "isolation_forest", "log_clustering", "invariants"]
    result = compare(
        NORMAL,
        NORMAL,
        lambda: odd,
        default_verdict(0.001),
        candidates(names, [("a", "z", "b"), ("z",)], settings, 0.001),
    )
    for name in [DEFAULT, *names]:
        assert (result.mean(name)["fp"], result.mean(name)["recall"]) == (0, 1), name
    for name in ["logistic_regression", "linear_svm"]:  # the second is like nothing that people judged
        assert (result.mean(name)["fp"], result.mean(name)["recall"]) == (0, 0.5), name
