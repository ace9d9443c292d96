"""Which count vector of training is nearest, where each key has a cost of its own: for the set score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Vectors = NDArray[np.int32]
Ints = NDArray[np.int64]

STEPS = 2.0  # a difference of n steps costs so many times ln(n) more: counts have heavy tails
CELLS = 2**21  # numbers worked on at once: bounds memory
_EQUAL = 9  # decimals of a nat to which two vectors are equally near; then the first is taken


@dataclass(frozen=True)
class NearestVectors:
    """The R vectors that others are compared with, and what a difference costs."""

    vectors: Vectors  # (R, K)
    cost: Floats  # (K,) of a difference in each key, in nats
    step: Floats  # (K,) what counts as one step of a difference

    def summed(self, apart: Vectors) -> Floats:
        """What differences (N, K) cost together (N,)."""
        each = np.zeros(apart.shape)
        row, key = np.nonzero(apart)
        each[row, key] = costs(apart[row, key], self.cost[key], self.step[key])
        found: Floats = each.sum(axis=1)
        return found

    def nearest(self, counts: sparse.csr_array, own: Ints) -> Ints:
        """The nearest for each row (N,), which may not be its `own[i]` (-1: any); -1 where there is no other.

        The nearest of all, found without looking at every key of every pair: each of the R vectors has a distance from
        the vector of medians, and only where a row differs from the medians is it corrected. Count vectors have few
        such keys.
        """
        number = counts.shape[0]
        off = self._off_usual(counts)
        values = off.data + self._usual[off.indices]
        several = int(values.max(initial=0)) + 1
        code, place = np.unique(off.indices.astype(np.int64) * several + values, return_inverse=True)
        unusual = sparse.csr_array((np.ones(len(place)), place, off.indptr), shape=(number, len(code)))
        keys, at = np.unique(code // several, return_inverse=True)
        cost, step, value = self.cost[keys, None], self.step[keys, None], (code % several)[:, None]
        best, which = np.full(number, np.inf), np.full(number, -1, np.int64)
        block = max(1, CELLS // max(1, number, len(code)))
        for first in range(0, len(self.vectors), block):
            there = self.vectors[first : first + block].T[keys]
            from_usual = costs(np.abs(there - self._usual[keys, None]), cost, step)
            from_value = costs(np.abs(there[at] - value), cost[at], step[at])
            total = unusual @ (from_value - from_usual[at]) + self._from_usual[first : first + block]
            barred = np.flatnonzero((own >= first) & (own < first + there.shape[1]))
            total[barred, own[barred] - first] = np.inf
            total = np.round(total, _EQUAL)
            nearest = total.argmin(axis=1)
            least = total[np.arange(number), nearest]
            nearer = least < best
            best[nearer], which[nearer] = least[nearer], nearest[nearer] + first
        return which

    @cached_property
    def _usual(self) -> Vectors:
        """Of each key the median (K,)."""
        middle = len(self.vectors) // 2
        return np.array([np.partition(column, middle)[middle] for column in self.vectors.T], np.int32)

    @cached_property
    def _from_usual(self) -> Floats:
        """What each vector costs (R,), seen from the medians."""
        rows = max(1, CELLS // len(self._usual))
        parts = (self.vectors[first : first + rows] for first in range(0, len(self.vectors), rows))
        return np.concatenate([self.summed(np.abs(part - self._usual)) for part in parts])

    def _off_usual(self, counts: sparse.csr_array) -> sparse.csr_array:
        """How far each count is from the medians (N, K)."""
        keys, number = np.flatnonzero(self._usual), counts.shape[0]
        starts = np.arange(number + 1) * len(keys)
        medians = (np.tile(self._usual[keys], number), np.tile(keys, number), starts)
        off = counts - sparse.csr_array(medians, shape=counts.shape)
        off.sort_indices()
        return off


def costs(apart: NDArray[np.integer], cost: Floats, step: Floats) -> Floats:
    """What differences cost, a key each."""
    further = STEPS * np.log(np.maximum(apart / step, 1.0))
    found: Floats = np.where(apart > 0, cost + further, 0.0)
    return found


def dense_rows(counts: sparse.csr_array, wide: int = 0) -> Iterator[tuple[slice, Vectors]]:
    """Vectors (N, K) some rows at a time, fewer where each needs `wide` numbers more."""
    rows = max(1, CELLS // max(counts.shape[1], wide))
    for first in range(0, counts.shape[0], rows):
        some = slice(first, first + rows)
        yield some, counts[some].astype(np.int32).toarray()
