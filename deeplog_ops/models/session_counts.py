"""The distinct count vectors of sessions, kept by what they have: memory goes with the events, not with sessions times keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from deeplog_ops.models.session_events import Hashes, mixed, symbol_hashes
from deeplog_ops.models.vocabulary import ESCAPE, Vocabulary

Ints = NDArray[np.int64]

_AT_ONCE = 2**14  # sequences: of these alone every event is held, of the others their counts


@dataclass(frozen=True)
class SessionCounts:
    """D distinct vectors, in the order of their hashes, of N sequences."""

    keys: tuple[str, ...]
    counts: sparse.csr_array  # (D, K + 1), the last column any other key
    sessions: Ints  # (D,) that have each
    hashes: Hashes  # (D,) sorted
    place: Ints  # (N,) which vector each sequence has

    @classmethod
    def of(
        cls, sequences: Sequence[Sequence[str]], sessions: Ints, keys: tuple[str, ...] | None = None
    ) -> SessionCounts:
        """Of N sequences that stand for sessions[i] sessions each. `keys` are theirs, sorted, unless given."""
        if keys is None:
            keys = tuple(sorted({key for sequence in sequences for key in sequence}))
        counts = count_sparse(sequences, {key: place for place, key in enumerate(keys)}, len(keys) + 1)
        hashes, first, place = np.unique(vector_hashes(counts, keys), return_index=True, return_inverse=True)
        having = np.bincount(place, sessions, len(hashes)).astype(np.int64)
        return cls(keys, counts[first], having, hashes, place.astype(np.int64))

    @property
    def having(self) -> Ints:
        """How many sessions have each key (K + 1,)."""
        each = np.repeat(self.sessions, np.diff(self.counts.indptr))
        return np.bincount(self.counts.indices, each, self.counts.shape[1]).astype(np.int64)


def count_sparse(
    sequences: Sequence[Sequence[str]], column: Mapping[str, int], width: int
) -> sparse.csr_array:
    """How often each of N sequences has the keys of each column, and in the last one any that has none: (N, width)."""
    parts = [sparse.csr_array((0, width), dtype=np.int64)]
    for first in range(0, len(sequences), _AT_ONCE):
        part = sequences[first : first + _AT_ONCE]
        starts = np.concatenate([[0], np.cumsum([len(sequence) for sequence in part])])
        events = (column.get(key, width - 1) for sequence in part for key in sequence)
        columns = np.fromiter(events, np.int64, starts[-1])
        counted = sparse.csr_array((np.ones_like(columns), columns, starts), shape=(len(part), width))
        counted.sum_duplicates()
        parts.append(counted)
    return sparse.csr_array(sparse.vstack(parts, format="csr"))


def vector_hashes(counts: sparse.csr_array, keys: tuple[str, ...]) -> Hashes:
    """A hash for each vector (N,), the same with more keys: what it has none of adds nothing."""
    symbols = symbol_hashes(Vocabulary(keys))
    each = counts.data.astype(np.uint64) * np.append(symbols[ESCAPE + 1 :], symbols[ESCAPE])[counts.indices]
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(each, dtype=np.uint64)])
    found: Hashes = total[counts.indptr[1:]] - total[counts.indptr[:-1]]
    return found


def sampled(hashes: Hashes, sessions: Ints, most: int) -> Ints:
    """How many of the sessions[i] sessions of vector or sequence i are in a sample that has `most` of these (N,); all where
    they are no more.

    Each session has the same chance, so that what is common stays as common and what is rare stays as varied. `hashes`
    decide, so nothing depends on the order or on another run, and a smaller sample's are among a larger one's.
    """
    there = np.flatnonzero(sessions)
    if len(there) <= most:
        return sessions
    # Of w sessions floor(share * w + chance) are in: share * w on average. This is the share from which on one is.
    chance = mixed(hashes[there]) / 2.0**64
    first = (1 - chance) / sessions[there]
    chosen = np.lexsort((hashes[there], first))[:most]
    share = first[chosen].max(initial=0.0)
    found = np.zeros(len(sessions), np.int64)
    found[there[chosen]] = np.maximum(1, np.floor(share * sessions[there[chosen]] + chance[chosen]))
    return found
