from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from deeplog_ops.evaluation.hdfs_protocol import ABNORMALS, TEST_NORMALS, pooled, run_split
from deeplog_ops.evaluation.session_evaluation import Candidate

Keys = tuple[str, ...]
NORMALS: list[Keys] = [("a", "b")] * 300 + [("a", "c", "b")] * 100


class _LongIsOdd:
    def judge(self, sequences: Sequence[Keys]) -> tuple[np.ndarray, np.ndarray]:
        length = np.array([float(len(keys)) for keys in sequences])
        return length > 3, length


def test_labels_are_opened_only_after_every_fit() -> None:
    steps: list[str] = []

    def fit(sequences: Sequence[Keys], weights: Sequence[int], seed: int) -> _LongIsOdd:
        assert set(sequences) <= set(NORMALS)
        assert sum(weights) == 200
        steps.append("fit")
        return _LongIsOdd()

    def open_abnormals() -> list[Keys]:
        steps.append("open")
        return [("a",) * 30] * 3 + [("z",) * 40]

    result = run_split(NORMALS, open_abnormals, Candidate("long", fit))
    assert steps == ["fit", "open"]
    assert (result.false_alarm_rate, result.recall, result.recall_known_keys, result.auc) == (0, 1, 1, 1)
    assert result.known_keys.tolist() == [True, True, True, False]
    assert (result.projected.tp, result.projected.tn) == (ABNORMALS, TEST_NORMALS)


def test_planted_sessions_are_learnt_and_as_many_are_not_judged() -> None:
    learnt: list[dict[Keys, int]] = []

    def fit(sequences: Sequence[Keys], weights: Sequence[int], seed: int) -> _LongIsOdd:
        learnt.append(dict(zip(sequences, weights, strict=True)))
        return _LongIsOdd()

    planted: list[Keys] = [("z",) * 2]
    result = run_split(
        NORMALS, lambda: [("z",) * 2] * 3 + [("z",) * 9], Candidate("long", fit), planted=planted
    )
    assert learnt[0][planted[0]] == 1
    assert result.flagged_abnormals.tolist() == [False, False, True]


def test_pooled_splits_have_an_interval_of_the_distinct_sessions() -> None:
    results = [
        run_split(
            NORMALS,
            lambda: [("z",) * 9] * 60,
            Candidate("long", lambda sequences, weights, seed: _LongIsOdd()),
            seed=seed,
        )
        for seed in range(3)
    ]
    together = pooled(results, len(NORMALS))
    assert together.false_alarm_rate == pytest.approx((0, 0, 1 - 0.025 ** (1 / 400)))
    assert together.recall == pytest.approx((1, 0.025 ** (1 / 60), 1))
    assert together.f1[1] < together.f1[0] == together.f1[2] == 1
    with pytest.raises(ValueError, match="no splits"):
        pooled([], 1)
