"""Isolation Forest (Liu et al., ICDM'08) on count vectors: how few random cuts set a session apart."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import IsolationForest

from deeplog_ops.models.classic.count_vectors import Counts, CountTable, Features, Floats
from deeplog_ops.models.classic.model import CountScore

TREES = 200
ROWS = 20_000  # training rows at most: each tree draws 256 of them


def isolation_forest(table: CountTable, seed: int = 0) -> CountScore:
    """The forest's score, in (0, 1), and almost 1 more for each key whose count was one and the same in training.

    Trees never cut a column that does not vary, a new key's among them: what departs there is set apart by the
    first cut that would have been made.
    """
    features = Features.fit(table, "log", "median")
    forest = IsolationForest(n_estimators=TREES, random_state=seed)
    forest.fit(features.of(table.counts)[table.repeated(ROWS)])
    fixed = np.flatnonzero((table.counts == table.counts[0]).all(axis=0))
    usual = table.counts[0, fixed]

    def score(counts: Counts) -> Floats:
        departed = np.abs(counts[:, fixed] - usual)
        found: Floats = -forest.score_samples(features.of(counts)) + (departed / (1.0 + departed)).sum(axis=1)
        return found

    return score
