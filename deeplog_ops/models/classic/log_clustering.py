"""Clusters of sessions (LogCluster, Lin et al., ICSE'16): how far a session is from the nearest known kind."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import AgglomerativeClustering

from deeplog_ops.models.classic.count_vectors import Counts, CountTable, Features, Floats
from deeplog_ops.models.classic.model import CountScore

WIDTH = 0.3  # between any two sessions of a cluster at most; between unit vectors, so of 2
ROWS = 2_000  # distinct vectors clustered, those of most sessions: memory grows with the square
AT_ONCE = 1_000  # vectors compared at once: bounds memory
CLOSE = 1e-9  # far more than squared distances are off by rounding
SMALLEST = 1e-12


def log_clustering(table: CountTable, seed: int = 0) -> CountScore:
    """The distance to the nearest cluster's representative, its member nearest to the mean of its sessions.

    Vectors are tf-idf on ln(1 + n) and of length 1; the shorter of a session and itself repeated look alike.
    """
    features = Features.fit(table, "tf-idf", "none")

    def directions(counts: Counts) -> Floats:
        vectors = np.log1p(counts) * features.factor
        found: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), SMALLEST)
        return found

    rows = table.heaviest(ROWS)
    vectors, sessions = directions(table.counts[rows]), table.sessions[rows]
    cluster = np.zeros(len(rows), int)
    if len(rows) > 1:
        estimator = AgglomerativeClustering(n_clusters=None, distance_threshold=WIDTH, linkage="complete")
        cluster = estimator.fit(vectors).labels_
    known = np.array([_representative(vectors[of], sessions[of]) for of in _members(cluster)])

    lengths = (known**2).sum(axis=1)

    def nearest(vector: Floats, rough: Floats) -> float:
        # Products of whole matrices round by what stands beside a row: they only say which are worth comparing.
        close = known[rough <= rough.min() + CLOSE]
        return float(np.sqrt(((close - vector) ** 2).sum(axis=1)).min())

    def score(counts: Counts) -> Floats:
        found = np.empty(len(counts))
        for first in range(0, len(counts), AT_ONCE):
            some = directions(counts[first : first + AT_ONCE])
            rough = lengths - 2 * some @ known.T
            found[first : first + AT_ONCE] = [nearest(*each) for each in zip(some, rough, strict=True)]
        return found

    return score


def _members(cluster: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(cluster == number) for number in range(cluster.max() + 1)]


def _representative(vectors: Floats, sessions: Counts) -> Floats:
    mean = np.average(vectors, axis=0, weights=sessions)
    found: Floats = vectors[((vectors - mean) ** 2).sum(axis=1).argmin()]
    return found
