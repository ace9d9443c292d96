"""One-class SVM (Schölkopf et al., 2001) on count vectors: the side of a surface around nearly all of training."""

from __future__ import annotations

import numpy as np
from sklearn.svm import OneClassSVM

from deeplog_ops.models.classic.count_vectors import Counts, CountTable, Features, Floats
from deeplog_ops.models.classic.model import CountScore

OUTSIDE = 0.01  # share of training that may lie outside
ROWS = 5_000  # distinct vectors at most, those of most sessions


def one_class_svm(table: CountTable, seed: int = 0) -> CountScore:
    """How far outside, in nats: minus the logarithm of the kernel's similarity to training, which is 1 at most.

    The similarity itself would do to rank, but it is nearly 0 beyond the kernel's reach: after few sessions the tail of
    normal scores would put the threshold where no score ever comes.
    """
    features = Features.fit(table, "log", "median")
    rows = table.heaviest(ROWS)
    share = table.sessions[rows] / table.sessions[rows].mean()
    estimator = OneClassSVM(kernel="rbf", gamma="scale", nu=OUTSIDE)
    estimator.fit(features.of(table.counts[rows]), sample_weight=share)
    total = abs(float(estimator.dual_coef_.sum())) or 1.0

    def score(counts: Counts) -> Floats:
        similarity = estimator.score_samples(features.of(counts)) / total
        found: Floats = -np.log(np.maximum(similarity, np.finfo(float).tiny))
        return found

    return score
