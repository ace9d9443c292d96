"""The set score: how far are a session's counts from those of any session of training?

0 for a count vector that training has. Otherwise the negative log-likelihood that a session is novel at all (the share
of training sessions whose vector no other has, after Good and Turing), and that it differs from its nearest in just
these keys: each key costs what it is rare for vectors of training to differ from their nearest in it. A key that varies
freely is cheap; one that every session has three times is dear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.errors import ModelError
from deeplog_ops.models.classic.count_vectors import CountTable, count_keys
from deeplog_ops.models.part import ModelPart

Floats = NDArray[np.float64]

REFERENCES = 3000  # vectors of training compared with: those that most sessions have
PRIOR = 0.5  # differences that each key is given beforehand
STEPS = 2.0  # a difference of n steps costs so many times ln(n) more: counts have heavy tails
FREE_SHARE = 0.75  # the keys that make up so much of what differs in training vary freely
_CELLS = 2**24  # vectors x vectors x keys compared at once: bounds memory


@dataclass(frozen=True)
class CountDistance:
    """A fitted set score. Scores are nats, larger where more anomalous.

    `vectors` (R, K + 1) are counts of `keys`, the last of any key that training did not see; `sessions` (R,) have each.
    """

    keys: tuple[str, ...]
    vectors: NDArray[np.int32]
    sessions: NDArray[np.int64]
    novel: float  # cost of being novel
    cost: Floats  # (K + 1,) of a difference in each key
    step: Floats  # (K + 1,) what counts as one step of a difference
    differing: Floats  # (K + 1,) how much of the differences in training is each key's

    @classmethod
    def fit(cls, sequences: Sequence[Sequence[str]], weights: Sequence[int] | None = None) -> CountDistance:
        """From N sequences, sequence i standing for weights[i] sessions. ModelError without any."""
        table = CountTable.of(sequences, weights)
        single = int(table.sessions[table.sessions == 1].sum())
        novel = -np.log((single + 0.5) / (table.sessions.sum() + 1))
        kept = table.heaviest(REFERENCES)
        vectors = table.counts[kept].astype(np.int32)
        width = vectors.shape[1]
        found = cls(
            table.keys,
            vectors,
            table.sessions[kept],
            float(novel),
            np.ones(width),
            np.ones(width),
            np.zeros(width),
        )
        # The first round finds the nearest by the number of differences, the second by what these cost.
        for _ in range(2):
            found = found._with_costs()
        return found

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        """The score of each sequence (N,); any key and any length is accepted."""
        if not len(sequences):
            return np.zeros(0)
        counts, place = np.unique(_counted(sequences, self.keys), axis=0, return_inverse=True)
        nearest, _ = self._nearest(counts, None)
        return np.where(nearest > 0, self.novel + nearest, 0.0)[place.reshape(-1)]

    def left_out_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        """The score of each training sequence (N,), had one session of it not been in training."""
        counts, place = np.unique(_counted(sequences, self.keys), axis=0, return_inverse=True)
        row = {vector.tobytes(): number for number, vector in enumerate(self.vectors)}
        own = np.array([row.get(vector.tobytes(), -1) for vector in counts])
        alone = (own >= 0) & (self.sessions[own] == 1)
        nearest, _ = self._nearest(counts, np.where(alone, own, -1))
        return np.where(nearest > 0, self.novel + nearest, 0.0)[place.reshape(-1)]

    def differences(self, keys: Sequence[str]) -> list[tuple[str, int, int]]:
        """Where a session's counts differ from the nearest of training: key, its count, the count there; the dearest
        first. A key that training did not see has the name "" here."""
        counts = _counted([keys], self.keys)
        _, nearest = self._nearest(counts, None)
        there = self.vectors[nearest[0]]
        rows = np.flatnonzero(counts[0] != there)
        rows = rows[np.lexsort((rows, -self._costs_of(np.abs(counts[0] - there)[None])[0][rows]))]
        names = [*self.keys, ""]
        return [(names[row], int(counts[0][row]), int(there[row])) for row in rows]

    @property
    def free(self) -> tuple[str, ...]:
        """The keys that vary freely: the fewest that make up FREE_SHARE of what differs in training."""
        known = self.differing[:-1]
        if not known.sum():
            return ()
        order = np.lexsort((np.arange(len(known)), -known))
        reached = np.cumsum(known[order]) / known.sum()
        enough = order[: int(np.searchsorted(reached, FREE_SHARE)) + 1]
        return tuple(self.keys[row] for row in sorted(enough) if known[row] > 0)

    @property
    def new_key(self) -> float:
        """The score of a session that is like one of training but for one key that training did not see."""
        return self.novel + float(self.cost[-1])

    def to_part(self) -> ModelPart:
        arrays: dict[str, NDArray[np.generic]] = {
            name: getattr(self, name) for name in ("vectors", "sessions", "cost", "step", "differing")
        }
        return ModelPart({"keys": list(self.keys), "novel": self.novel}, arrays)

    @classmethod
    def restore(cls, part: ModelPart) -> CountDistance:
        try:
            arrays = {
                name: part.arrays[name] for name in ("vectors", "sessions", "cost", "step", "differing")
            }
            return cls(keys=tuple(part.data["keys"]), novel=float(part.data["novel"]), **arrays)  # type: ignore[arg-type]
        except KeyError as error:
            raise ModelError(f"this is no set score: {error} is missing") from error

    def _with_costs(self) -> CountDistance:
        """The same with costs by how the vectors of training differ from their nearest."""
        width = self.vectors.shape[1]
        if len(self.vectors) < 2:
            even = np.full(width, np.log(width))
            return CountDistance(
                self.keys, self.vectors, self.sessions, self.novel, even, np.ones(width), np.zeros(width)
            )
        own = np.arange(len(self.vectors))
        _, nearest = self._nearest(self.vectors, own)
        apart = np.abs(self.vectors - self.vectors[nearest])
        differs = (apart > 0).astype(float)
        # A vector's difference is shared out to the keys that differ: vectors with many count no more.
        share = differs / np.maximum(differs.sum(axis=1, keepdims=True), 1)
        differing = share.sum(axis=0)
        having = self.sessions @ (self.vectors > 0)
        only_here = (self.vectors > 0) & (having == self.sessions[:, None])
        differing[-1] += (
            share * only_here
        ).sum()  # a key that no other vector has is a new key to the others
        cost = -np.log((differing + PRIOR) / (differing.sum() + PRIOR * width))
        step = np.maximum((apart.sum(axis=0) + 1) / (differs.sum(axis=0) + 1), 1.0)
        return CountDistance(self.keys, self.vectors, self.sessions, self.novel, cost, step, differing)

    def _costs_of(self, apart: NDArray[np.int32]) -> Floats:
        """What differences cost, a key each: (..., K + 1) → the same shape."""
        further = STEPS * np.log(np.maximum(apart / self.step, 1.0))
        return np.where(apart > 0, self.cost + further, 0.0)

    def _nearest(
        self, counts: NDArray[np.int32], own: NDArray[np.int64] | None
    ) -> tuple[Floats, NDArray[np.int64]]:
        """The cost of the nearest vector for each row (N,), and which it is; row i may not be its `own[i]` (-1: any)."""
        best, which = np.empty(len(counts)), np.empty(len(counts), np.int64)
        block = max(1, _CELLS // self.vectors.size)
        varies = np.flatnonzero((self.vectors != self.vectors[0]).any(axis=0))
        same = np.setdiff1d(np.arange(self.vectors.shape[1]), varies)
        for first in range(0, len(counts), block):
            rows = slice(first, first + block)
            part = counts[rows]
            away = np.abs(part[:, None, varies] - self.vectors[None, :, varies])
            total = self._slice(varies)._costs_of(away).sum(axis=2)
            # Keys that all of training has equally often cost the same, whichever vector is the nearest.
            total += (
                self._slice(same)
                ._costs_of(np.abs(part[:, same] - self.vectors[0, same]))
                .sum(axis=1)[:, None]
            )
            if own is not None:
                barred = np.flatnonzero(own[rows] >= 0)
                if len(self.vectors) > 1:
                    total[barred, own[rows][barred]] = np.inf
                else:
                    total[barred] = self.cost[-1]
            which[rows] = total.argmin(axis=1)
            best[rows] = total[np.arange(len(part)), which[rows]]
        return best, which

    def _slice(self, columns: NDArray[np.int64]) -> CountDistance:
        return CountDistance(
            self.keys,
            self.vectors,
            self.sessions,
            self.novel,
            self.cost[columns],
            self.step[columns],
            self.differing,
        )


def _counted(sequences: Sequence[Sequence[str]], keys: tuple[str, ...]) -> NDArray[np.int32]:
    return count_keys(sequences, keys).astype(np.int32)
