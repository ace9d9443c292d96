"""What the counts of two keys have to do with each other: as many replicas received as stored, one delete per create.

A relation is a difference between two counts that nearly all sessions of training keep, of those that have either key.
A session breaks it with a difference that no session of training has. These are the invariants of Lou et al. (USENIX
ATC'10) in their plainest form. They tell a step that was left out among concurrent ones from a step that varies freely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Counts = NDArray[np.integer]
Flags = NDArray[np.bool_]

HOLDS = 0.98  # of the sessions with either key have the usual difference
LEAST = 20  # sessions with either key: of fewer nothing is said
KEYS = 256  # that are looked at: those that most sessions have
PARTNERS = 3  # relations kept for each key: with the keys it keeps to best
REACH = 64  # larger differences are all one
_WIDTH = 2 * REACH + 1
_ARRAYS = ("first", "second", "differences", "sessions")


@dataclass(frozen=True)
class CountRelations:
    """P relations between columns of count vectors, and every difference that training has, sorted.

    `cost` is what it costs to break any, in nats: by the share of training sessions that break one which all others
    keep, so that relations that few sessions merely happened to keep cost little.
    """

    first: Ints  # (P,) column
    second: Ints  # (P,) column
    differences: Ints  # (C,) relation * _WIDTH + difference + REACH, sorted
    sessions: Ints  # (C,) of training with each
    cost: float

    @classmethod
    def fit(cls, counts: Counts, sessions: Ints) -> CountRelations:
        """From distinct vectors (R, K + 1) that sessions[i] sessions each have. The last column takes no part."""
        pairs = _steady_pairs(counts, sessions)
        empty = np.zeros(0, np.int64)
        found = cls(pairs[:, 0].copy(), pairs[:, 1].copy(), empty, empty, 0.0)
        codes, told = found._coded(counts)
        each = np.broadcast_to(sessions[:, None], codes.shape)[told]
        distinct, place = np.unique(codes[told], return_inverse=True)
        having = np.bincount(place, each, len(distinct)).astype(np.int64)
        found = replace(found, differences=distinct, sessions=having)
        alone = int(sessions[found.broken(counts, left_out=True).any(axis=1)].sum())
        return replace(found, cost=float(-np.log((alone + 0.5) / (sessions.sum() + 1))))

    def costs(self, counts: Counts, left_out: bool | Flags = False) -> NDArray[np.float64]:
        """What each of N vectors costs (N,); of those `left_out` (N,), vectors of training, one session is taken away."""
        return np.where(self.broken(counts, left_out).any(axis=1), self.cost, 0.0)

    def broken(self, counts: Counts, left_out: bool | Flags = False) -> Flags:
        """Which relations each of N vectors breaks (N, P)."""
        codes, told = self._coded(counts)
        if not len(self.differences):
            return np.zeros(codes.shape, bool)
        place = np.minimum(np.searchsorted(self.differences, codes), len(self.differences) - 1)
        others = np.where(self.differences[place] == codes, self.sessions[place], 0)
        others -= np.asarray(left_out, np.int64).reshape(-1, 1)
        found: Flags = told & (others <= 0)
        return found

    def worst(self, counts: Counts) -> tuple[int, int, int] | None:
        """Of one vector (K + 1,) the broken relation that most sessions keep: its two columns, and the difference that
        is usual between the first and the second. None where it breaks none."""
        kept = {
            int(relation): self._usual(int(relation))
            for relation in np.flatnonzero(self.broken(counts[None])[0])
        }
        if not kept:
            return None
        relation = max(kept, key=lambda number: (kept[number][1], -number))
        return int(self.first[relation]), int(self.second[relation]), kept[relation][0]

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        return {f"relations.{name}": getattr(self, name) for name in _ARRAYS}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[np.generic]], cost: float) -> CountRelations:
        """From `to_arrays`. KeyError names what is missing."""
        first, second, differences, sessions = (
            arrays[f"relations.{name}"].astype(np.int64) for name in _ARRAYS
        )
        return cls(first, second, differences, sessions, cost)

    def _usual(self, relation: int) -> tuple[int, int]:
        """The difference that most sessions keep, and how many do."""
        low, high = np.searchsorted(self.differences, [relation * _WIDTH, (relation + 1) * _WIDTH])
        most = low + int(self.sessions[low:high].argmax())
        return int(self.differences[most]) - relation * _WIDTH - REACH, int(self.sessions[most])

    def _coded(self, counts: Counts) -> tuple[Ints, Flags]:
        """The code of each difference (N, P), and whether a vector has either key, so that it means something."""
        one, other = counts[:, self.first].astype(np.int64), counts[:, self.second].astype(np.int64)
        apart = np.clip(one - other, -REACH, REACH) + REACH
        return apart + np.arange(len(self.first)) * _WIDTH, (one > 0) | (other > 0)


def _steady_pairs(counts: Counts, sessions: Ints) -> Ints:
    """Each key with the PARTNERS it keeps to best: pairs of columns (P, 2), sorted, the lower column first."""
    having = np.array([sessions[column > 0].sum() for column in counts[:, :-1].T], np.int64)
    keys = np.sort(np.lexsort((np.arange(len(having)), -having))[:KEYS])
    keys = keys[having[keys] >= 1]
    kept = np.zeros((len(keys), len(keys)), np.int64)  # sessions that keep to it; 0 where it is no relation
    for row, key in enumerate(keys[:-1]):
        others = keys[row + 1 :]
        told = (counts[:, [key]] > 0) | (counts[:, others] > 0)
        apart = np.clip(counts[:, [key]].astype(np.int64) - counts[:, others], -REACH, REACH) + REACH
        cells = np.bincount(
            (apart + np.arange(len(others)) * _WIDTH)[told],
            np.broadcast_to(sessions[:, None], told.shape)[told],
            len(others) * _WIDTH,
        ).reshape(len(others), _WIDTH)
        usual, present = cells.max(axis=1), cells.sum(axis=1)
        steady = (present >= LEAST) & (usual >= HOLDS * present)
        kept[row, row + 1 :] = kept[row + 1 :, row] = np.where(steady, usual, 0)
    best = np.argsort(-kept, axis=1, kind="stable")[:, :PARTNERS]
    rows = np.repeat(np.arange(len(keys)), best.shape[1])
    columns = best.reshape(-1)
    found = np.stack([keys[rows], keys[columns]], axis=1)[kept[rows, columns] > 0]
    distinct: Ints = np.unique(np.sort(found, axis=1), axis=0).reshape(-1, 2)
    return distinct
