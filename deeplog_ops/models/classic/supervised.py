"""Detectors that learn from people's verdicts: logistic regression, a decision tree, a linear SVM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from deeplog_ops.errors import ModelError
from deeplog_ops.models.classic.count_vectors import CELLS, CountTable, Features, Floats, sessions_of
from deeplog_ops.models.classic.model import row_by_row

Classify = Callable[[Floats, NDArray[np.bool_], Floats, int], Callable[[Floats], Floats]]
"""Vectors (M, V + 1), which are anomalous (M,), weights (M,), seed → a score of vectors."""


@dataclass(frozen=True)
class SupervisedModel:
    """A `contract.SessionModel`, fitted to labelled sessions. Kept as what it learnt from, as `ClassicModel` is."""

    kind: str
    table: CountTable
    anomalous: NDArray[np.int64]  # (D,): how many of a vector's sessions are
    seed: int
    score: Callable[[Floats], Floats]
    features: Features

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        found = np.empty(len(sequences))
        rows = max(1, CELLS // self.table.counts.shape[1])
        for first in range(0, len(sequences), rows):
            counts = self.table.count(sequences[first : first + rows])
            found[first : first + rows] = self.score(self.features.of(counts))
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "seed": self.seed,
            "table": self.table.to_dict(),
            "anomalous": self.anomalous.tolist(),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> SupervisedModel:
        """The same model, learnt again."""
        try:
            kind, seed = str(data["kind"]), int(data["seed"])
            table, anomalous = CountTable.from_dict(data["table"]), np.array(data["anomalous"], np.int64)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"a supervised detector's description cannot be used: {error!r}") from error
        return _fit(kind, table, anomalous, seed)


def fit_supervised(
    kind: str,
    sequences: Sequence[Sequence[str]],
    weights: Sequence[int] | None,
    labels: Sequence[bool] | Sequence[int],
    seed: int = 0,
) -> SupervisedModel:
    """Learn from N sequences, sequence i standing for weights[i] sessions that are anomalous where labels[i].

    The kinds are those of SUPERVISED. Normal and anomalous sessions weigh the same altogether, however few are
    anomalous. ModelError where either is missing.
    """
    if len(labels) != len(sequences):
        raise ModelError(f"{len(sequences)} sequences came with {len(labels)} labels: one each is expected")
    counted = [1] * len(sequences) if weights is None else list(weights)
    odd = [count if label else 0 for count, label in zip(counted, labels, strict=True)]
    if not any(odd) or sum(odd) == sum(counted):
        raise ModelError("verdicts of one kind only: some normal and some anomalous sessions are needed")
    table = CountTable.of(sequences, weights, kept=odd)
    present, anomalous_sessions = sessions_of(sequences, odd)
    row = {vector.tobytes(): place for place, vector in enumerate(table.counts)}
    anomalous = np.zeros(len(table.counts), np.int64)
    for vector, sessions in zip(table.count(present), anomalous_sessions.tolist(), strict=True):
        anomalous[row[vector.tobytes()]] += sessions
    return _fit(kind, table, anomalous, seed)


def _fit(kind: str, table: CountTable, anomalous: NDArray[np.int64], seed: int) -> SupervisedModel:
    if kind not in SUPERVISED:
        raise ModelError(f"no such supervised detector: {kind!r}; known are {', '.join(SUPERVISED)}")
    features = Features.fit(table, "log", "median")
    normal = table.sessions - anomalous
    rows = np.concatenate([np.flatnonzero(normal), np.flatnonzero(anomalous)])
    label = np.arange(len(rows)) >= np.count_nonzero(normal)
    evenly = normal.sum() / anomalous.sum()
    weights = np.concatenate([normal[normal > 0].astype(float), anomalous[anomalous > 0] * evenly])
    score = SUPERVISED[kind](features.of(table.counts[rows]), label, weights, seed)
    return SupervisedModel(kind, table, anomalous, seed, score, features)


def _logistic_regression(
    vectors: Floats, anomalous: NDArray[np.bool_], weights: Floats, seed: int
) -> Callable[[Floats], Floats]:
    estimator = LogisticRegression(max_iter=2_000).fit(vectors, anomalous, sample_weight=weights)
    return _linear(estimator.coef_[0], float(estimator.intercept_[0]))


def _linear_svm(
    vectors: Floats, anomalous: NDArray[np.bool_], weights: Floats, seed: int
) -> Callable[[Floats], Floats]:
    estimator = LinearSVC(random_state=seed, max_iter=20_000).fit(vectors, anomalous, sample_weight=weights)
    return _linear(estimator.coef_[0], float(estimator.intercept_[0]))


def _linear(direction: Floats, offset: float) -> Callable[[Floats], Floats]:
    return lambda vectors: row_by_row(lambda vector: float(vector @ direction) + offset, vectors)


def _decision_tree(
    vectors: Floats, anomalous: NDArray[np.bool_], weights: Floats, seed: int
) -> Callable[[Floats], Floats]:
    estimator = DecisionTreeClassifier(random_state=seed, max_depth=8)
    estimator.fit(vectors, anomalous, sample_weight=weights)
    return lambda new: estimator.predict_proba(new)[:, 1]


SUPERVISED: Mapping[str, Classify] = {
    "logistic_regression": _logistic_regression,
    "decision_tree": _decision_tree,
    "linear_svm": _linear_svm,
}

LEAST_SCALE: Mapping[str, float] = {"logistic_regression": 1.0, "decision_tree": 0.02, "linear_svm": 0.1}
"""The smallest step of each one's scores that means anything: log-odds, a share, a distance in margins."""
