"""Clusters of sessions (LogCluster, Lin et al., ICSE'16): how far a session is from the nearest known kind."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import AgglomerativeClustering

from deeplog_ops.models.classic.count_vectors import Counts, CountTable, Features, Floats
from deeplog_ops.models.classic.model import CountScore, row_by_row

WIDTH = 0.3  # between any two sessions of a cluster at most; between unit vectors, so of 2
ROWS = 2_000  # distinct vectors clustered, those of most sessions: memory grows with the square
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

    def nearest(vector: Floats) -> float:
        return float(np.sqrt(((known - vector) ** 2).sum(axis=1)).min())

    def score(counts: Counts) -> Floats:
        return row_by_row(nearest, directions(counts))

    return score


def _members(cluster: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(cluster == number) for number in range(cluster.max() + 1)]


def _representative(vectors: Floats, sessions: Counts) -> Floats:
    mean = np.average(vectors, axis=0, weights=sessions)
    found: Floats = vectors[((vectors - mean) ** 2).sum(axis=1).argmin()]
    return found
