"""Principal components of count vectors (Xu et al., SOSP'09): how far a session is from where normal ones vary."""

from __future__ import annotations

import numpy as np

from deeplog_ops.models.classic.count_vectors import Counts, CountTable, Features, Floats
from deeplog_ops.models.classic.model import CountScore, row_by_row

VARIANCE = 0.95  # share that the kept components explain


def pca(table: CountTable, seed: int = 0) -> CountScore:
    """The distance from the space of the first components, the square root of Xu's prediction error.

    On tf-idf vectors less their mean. Sessions are weighed exactly, in the covariance (scikit-learn's PCA
    takes no weights), so a common vector costs no more than a rare one.
    """
    features = Features.fit(table, "tf-idf", "mean")
    centred = features.of(table.counts)
    variance, directions = np.linalg.eigh((centred * table.share[:, None]).T @ centred)
    variance, directions = variance[::-1].clip(min=0), directions[:, ::-1]
    explained = np.cumsum(variance) / variance.sum() if variance.any() else np.ones(len(variance))
    count = int((explained < VARIANCE).sum() + 1) if variance.any() else 0
    kept = np.ascontiguousarray(directions[:, :count])

    def residual(vector: Floats) -> float:
        return float(np.linalg.norm(vector - kept @ (vector @ kept)))

    def score(counts: Counts) -> Floats:
        return row_by_row(residual, features.of(counts))

    return score
