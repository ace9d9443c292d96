"""Local outlier factor (Breunig et al., SIGMOD'00): how much emptier it is around a session than around its neighbours."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import LocalOutlierFactor

from deeplog_ops.models.classic.count_vectors import Counts, CountTable, Features, Floats
from deeplog_ops.models.classic.model import CountScore

NEIGHBOURS = 20
REPEATED = 3  # a vector of many sessions counts as so many points: more would be a place of infinite density
ROWS = 5_000  # distinct vectors at most, those of most sessions


def lof(table: CountTable, seed: int = 0) -> CountScore:
    """The logarithm of the factor: 0 where as dense as around the neighbours."""
    features = Features.fit(table, "log", "median")
    rows = table.heaviest(ROWS)
    rows = np.repeat(rows, np.minimum(table.sessions[rows], REPEATED))
    if len(rows) == 1:
        rows = np.repeat(rows, 2)  # a point needs a neighbour
    # A tree measures pair by pair, so a score does not depend on what is scored beside it.
    estimator = LocalOutlierFactor(
        n_neighbors=min(NEIGHBOURS, len(rows) - 1), algorithm="ball_tree", novelty=True
    )
    estimator.fit(features.of(table.counts)[rows])

    def score(counts: Counts) -> Floats:
        found: Floats = np.log(-estimator.score_samples(features.of(counts)))
        return found

    return score
