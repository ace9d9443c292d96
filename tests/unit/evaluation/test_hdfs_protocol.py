from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deeplog_ops.evaluation.hdfs_protocol import ABNORMALS, TEST_NORMALS, run_split

NORMALS = [("a", "b")] * 300 + [("a", "c", "b")] * 100


class _LongIsOdd:
    def session_scores(self, sequences: Sequence[Sequence[str]]) -> np.ndarray:
        return np.array([float(len(keys)) for keys in sequences])


def test_labels_are_opened_only_after_every_fit() -> None:
    steps: list[str] = []

    def fit(sequences: Sequence[Sequence[str]], weights: Sequence[int]) -> _LongIsOdd:
        assert set(map(tuple, sequences)) <= set(NORMALS)
        steps.append("fit")
        return _LongIsOdd()

    def open_abnormals() -> list[tuple[str, ...]]:
        steps.append("open")
        return [("a",) * 30] * 3 + [("z",) * 40]

    result = run_split(NORMALS, open_abnormals, fit, budget=0.01)
    assert steps == ["fit"] * 4 + ["open"]
    assert (result.false_alarm_rate, result.recall, result.recall_known_keys, result.auc) == (0, 1, 1, 1)
    assert (result.projected.tp, result.projected.tn) == (ABNORMALS, TEST_NORMALS)
