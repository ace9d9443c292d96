"""Sessions as vectors: how often each key of training came, and how often any other. Dense, and therefore bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from deeplog_ops.errors import ModelError
from deeplog_ops.models.session_counts import SessionCounts, count_sparse, sampled

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

KEYS = 1_000  # that have a column of their own: those that most sessions have
CELLS = 2**22  # of a table at most, and scored at once: 199,728 vectors of 20 keys, 4,190 of KEYS


@dataclass(frozen=True)
class CountTable:
    """All that a count-vector detector learns from: distinct vectors of training and how many sessions have each.

    Rows and keys are sorted, so that nothing depends on the order of training. The last column counts keys that
    training did not see; it is 0 throughout. Of more than KEYS keys the `rare` ones are counted together, in the column
    before it; of more vectors than CELLS have room a sample of the sessions is there.
    """

    keys: tuple[str, ...]
    counts: Counts  # (D, V + 1), or with rare keys (D, V + 2)
    sessions: Counts  # (D,)
    rare: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        sequences: Sequence[Sequence[str]],
        weights: Sequence[int] | None = None,
        kept: Sequence[int] | None = None,
    ) -> CountTable:
        """Of N sequences, sequence i standing for weights[i] sessions, kept[i] of which no sample leaves out. ModelError
        where there are none."""
        present, counted = sessions_of(sequences, weights)
        every = SessionCounts.of(present, counted)
        own = np.sort(np.argsort(-every.having[:-1], kind="stable")[:KEYS])
        others = np.setdiff1d(np.arange(len(every.keys)), own)
        keys, rare = (tuple(every.keys[column] for column in some.tolist()) for some in (own, others))
        width = len(keys) + bool(rare) + 1
        fixed = np.zeros(len(every.sessions), np.int64)
        if kept is not None:
            given = np.ones(len(kept), bool) if weights is None else np.asarray(weights) > 0
            np.add.at(fixed, every.place, np.asarray(kept, np.int64)[given])
        room = max(1, CELLS // width - int((fixed > 0).sum()))
        sessions = fixed + sampled(every.hashes, every.sessions - fixed, room)
        rows = np.flatnonzero(sessions)
        column = np.full(len(every.keys) + 1, width - 1)
        column[own], column[others] = np.arange(len(own)), len(own)
        some = every.counts[rows]
        counts = sparse.csr_array((some.data, column[some.indices], some.indptr), shape=(len(rows), width))
        distinct, place = np.unique(counts.toarray(), axis=0, return_inverse=True)
        having = np.bincount(place.reshape(-1), sessions[rows], minlength=len(distinct))
        return cls(keys, distinct, having.astype(np.int64), rare)

    def count(self, sequences: Sequence[Sequence[str]]) -> Counts:
        """The vectors of any sequences, as wide as `counts`."""
        column = {key: place for place, key in enumerate(self.keys)} | dict.fromkeys(
            self.rare, len(self.keys)
        )
        counts: Counts = count_sparse(sequences, column, self.counts.shape[1]).toarray()
        return counts

    @cached_property
    def share(self) -> Floats:
        """Of all sessions, those with each vector (D,)."""
        return self.sessions / self.sessions.sum()

    def repeated(self, rows: int) -> NDArray[np.int64]:
        """Row numbers, each as often as it has sessions, scaled down to about `rows` where they are more, or CELLS: for
        estimators that take no weights. Every vector stays at least once."""
        scale = min(1.0, min(rows, CELLS // self.counts.shape[1]) / self.sessions.sum())
        return np.repeat(
            np.arange(len(self.counts)), np.maximum(1, np.floor(self.sessions * scale)).astype(int)
        )

    def heaviest(self, rows: int) -> NDArray[np.int64]:
        """The numbers of the `rows` vectors with most sessions, in their order."""
        return np.sort(np.argsort(-self.sessions, kind="stable")[:rows])

    def to_dict(self) -> dict[str, Any]:
        """Plain data: of each vector only the keys that it has, by number."""
        return {
            "keys": list(self.keys),
            "rare": list(self.rare),
            "vectors": [{str(key): int(row[key]) for key in np.flatnonzero(row)} for row in self.counts],
            "sessions": self.sessions.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CountTable:
        try:
            keys, vectors = tuple(map(str, data["keys"])), data["vectors"]
            rare = tuple(map(str, data.get("rare", ())))
            counts = np.zeros((len(vectors), len(keys) + bool(rare) + 1), np.int64)
            for row, vector in enumerate(vectors):
                for key, count in vector.items():
                    counts[row, int(key)] = count
            sessions = np.array(data["sessions"], np.int64)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise ModelError(f"this is no table of count vectors: {error!r}") from error
        if not len(counts) or sessions.shape != (len(counts),):
            raise ModelError(f"{len(counts)} count vectors with {sessions.shape} numbers of sessions")
        return cls(keys, counts, sessions, rare)


@dataclass(frozen=True)
class Features:
    """Count vectors as an estimator reads them. Fitted to training alone."""

    log: bool
    factor: Floats  # (V + 1,)
    centre: Floats  # (V + 1,)

    @classmethod
    def fit(
        cls,
        table: CountTable,
        term: Literal["count", "log", "tf-idf"],
        centre: Literal["none", "mean", "median"],
    ) -> Features:
        """`log` is robust: ln(1 + n), in units of the spread of the middle of training, the least unit being the
        step from no event to one. `tf-idf` weighs a key by how few sessions have it, a new key most."""
        factor = np.ones(table.counts.shape[1])
        if term == "tf-idf":
            having = table.sessions @ (table.counts > 0)
            factor = np.log((1 + table.sessions.sum()) / (1 + having)) + 1
        plain = np.log1p(table.counts) if term == "log" else table.counts * factor
        middle = np.zeros(len(factor))
        if centre == "mean":
            middle = table.share @ plain
        elif centre == "median":
            middle = weighted_median(plain, table.sessions)
        if term == "log":
            spread = 1.4826 * weighted_median(np.abs(plain - middle), table.sessions)
            factor = 1 / np.maximum(spread, np.log(2))
            middle = middle * factor
        return cls(term == "log", factor, middle)

    def of(self, counts: Counts) -> Floats:
        """(N, V + 1) → (N, V + 1)"""
        plain = np.log1p(counts) if self.log else counts.astype(float)
        features: Floats = plain * self.factor - self.centre
        return features


def sessions_of(
    sequences: Sequence[Sequence[str]], weights: Sequence[int] | None
) -> tuple[list[Sequence[str]], Counts]:
    """The sequences that stand for any session, and for how many. ModelError where there are none, or a weight is
    missing or negative."""
    counted = np.ones(len(sequences), np.int64) if weights is None else np.asarray(weights, np.int64)
    if len(counted) != len(sequences):
        raise ModelError(f"{len(sequences)} sequences came with {len(counted)} weights: one each is expected")
    if (counted < 0).any():
        raise ModelError(f"a sequence has the weight {counted.min()}: a number of sessions is expected")
    if not counted.any():
        raise ModelError("there are no sessions to train on: choose training days that have some")
    rows = np.flatnonzero(counted)
    return [sequences[row] for row in rows.tolist()], counted[rows]


def count_keys(sequences: Sequence[Sequence[str]], keys: Sequence[str]) -> Counts:
    """How often each sequence has each of V keys, and in the last column any other: (N, V + 1)."""
    column = {key: place for place, key in enumerate(keys)}
    counts: Counts = count_sparse(sequences, column, len(keys) + 1).toarray()
    return counts


def weighted_median(values: Floats, weights: Counts) -> Floats:
    """Of each column (D, V) → (V,), row i counting weights[i] times; the lower one where two are in the middle."""
    order = np.argsort(values, axis=0, kind="stable")
    below = np.cumsum(weights[order], axis=0)
    middle = (below >= below[-1] / 2).argmax(axis=0)
    columns = np.arange(values.shape[1])
    found: Floats = values[order[middle, columns], columns]
    return found
