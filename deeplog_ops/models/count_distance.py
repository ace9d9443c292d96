"""The set score: how far are a session's counts from those of any session of training?

0 for a count vector that training has. Otherwise the negative log-likelihood that a session is novel at all (the share
of training sessions whose vector no other has, after Good and Turing), and that it differs from its nearest in just
these keys: each key costs what it is rare for vectors of training to differ from their nearest in it. A key that varies
freely is cheap; one that every session has three times is dear. On top of that comes the cost of a broken relation
between two counts, if there is one (see count_relations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from deeplog_ops.errors import ModelError
from deeplog_ops.models.classic.count_vectors import CountTable, count_keys, sessions_of
from deeplog_ops.models.count_relations import CountRelations
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.session_events import Hashes, symbol_hashes
from deeplog_ops.models.vocabulary import ESCAPE, Vocabulary

Floats = NDArray[np.float64]
Vectors = NDArray[np.int32]
Ints = NDArray[np.int64]

REFERENCES = 3000  # vectors of training compared with: those that most sessions have
PRIOR = 0.5  # differences that each key is given beforehand
STEPS = 2.0  # a difference of n steps costs so many times ln(n) more: counts have heavy tails
FREE_SHARE = 0.75  # the keys that make up so much of what differs in training vary freely
_CELLS = 2**22  # numbers worked on at once: bounds memory
_EQUAL = 9  # decimals of a nat to which two vectors are equally near; then the first is taken
_ARRAYS = ("vectors", "sessions", "seen", "seen_sessions", "having", "cost", "step", "differing")


@dataclass(frozen=True)
class CountDistance:
    """A fitted set score. Scores are nats, larger where more anomalous.

    `vectors` (R, K + 1) are counts of `keys`, the last of any key that training did not see; `sessions` (R,) have each.
    Of all D vectors of training, hashes are kept: a vector that was seen scores 0 even if it is none of the R.
    """

    keys: tuple[str, ...]
    vectors: Vectors
    sessions: Ints
    seen: Hashes  # (D,) sorted
    seen_sessions: Ints  # (D,)
    having: Ints  # (K + 1,) sessions of training with each key
    novel: float  # cost of being novel
    cost: Floats  # (K + 1,) of a difference in each key
    step: Floats  # (K + 1,) what counts as one step of a difference
    differing: Floats  # (K + 1,) how much of the differences in training is each key's
    relations: CountRelations

    @classmethod
    def fit(cls, sequences: Sequence[Sequence[str]], weights: Sequence[int] | None = None) -> CountDistance:
        """From N sequences, sequence i standing for weights[i] sessions. ModelError without any."""
        table = CountTable.of(sequences, weights)
        hashes = _hashes(table.counts, table.keys)
        order = np.argsort(hashes)
        having = table.sessions @ (table.counts > 0)
        return cls._of(table.keys, table.counts, hashes[order], table.sessions[order], having)

    def with_sessions(
        self, sequences: Sequence[Sequence[str]], weights: Sequence[int] | None = None
    ) -> CountDistance:
        """What a fit on all of its training and N more sequences gives, equal to it, with new keys and without.

        A vector that was not among the references stays behind them, unless it is given again now.
        """
        present, added = sessions_of(sequences, weights)
        keys = tuple(sorted({*self.keys, *(key for sequence in present for key in sequence)}))
        number = {key: place for place, key in enumerate(keys)}
        column = [*(number[key] for key in self.keys), len(keys)]
        known = np.zeros((len(self.vectors), len(keys) + 1), np.int64)
        known[:, column] = self.vectors
        counts = count_keys(present, keys)
        # The hash of a vector is the same with more keys: what it has none of adds nothing.
        hashes = np.concatenate([self.seen, _hashes(counts, keys)])
        seen, place = np.unique(hashes, return_inverse=True)
        sessions = np.bincount(place, np.concatenate([self.seen_sessions, added])).astype(np.int64)
        having = added @ (counts > 0)
        having[column] += self.having
        return self._of(keys, np.unique(np.concatenate([known, counts]), axis=0), seen, sessions, having)

    @classmethod
    def _of(
        cls, keys: tuple[str, ...], counts: Ints, seen: Hashes, seen_sessions: Ints, having: Ints
    ) -> CountDistance:
        """From vectors (C, K + 1), sorted, the likeliest references among them; the others are known by hash."""
        single = int((seen_sessions == 1).sum())
        novel = -np.log((single + 0.5) / (seen_sessions.sum() + 1))
        hashes = _hashes(counts, keys)
        sessions = seen_sessions[np.searchsorted(seen, hashes)]
        # Of vectors that equally many sessions have, the hash decides: in their own order, none that has much of
        # the first key would be among the references.
        kept = np.sort(np.lexsort((hashes, -sessions))[:REFERENCES])
        vectors = counts[kept].astype(np.int32)
        width = vectors.shape[1]
        found = cls(
            keys=keys,
            vectors=vectors,
            sessions=sessions[kept],
            seen=seen,
            seen_sessions=seen_sessions,
            having=having,
            novel=float(novel),
            cost=np.ones(width),
            step=np.ones(width),
            differing=np.zeros(width),
            relations=CountRelations.fit(vectors, sessions[kept]),
        )
        if len(vectors) < 2:
            return replace(found, cost=np.full(width, np.log(width)))
        # The first round finds the nearest by the number of differences, the second by what these cost.
        for _ in range(2):
            found = found._with_costs(having)
        return found

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        """The score of each sequence (N,); any key and any length is accepted."""
        return self._scores(sequences, left_out=False)

    def left_out_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        """The score of each training sequence (N,), had one session of it not been among those compared with.

        What being novel and each difference cost stays as all of training has it.
        """
        return self._scores(sequences, left_out=True)

    def differences(self, keys: Sequence[str]) -> list[tuple[str, int, int]]:
        """Where a session's counts differ from the nearest of training: key, its count, the count there; the dearest
        first. A key that training did not see has the name "" here."""
        return self.differences_of([keys])[0]

    def differences_of(self, sequences: Sequence[Sequence[str]]) -> list[list[tuple[str, int, int]]]:
        """The `differences` of each of N sessions, in a fraction of the time."""
        found: list[list[tuple[str, int, int]]] = []
        rows = max(1, _CELLS // self.vectors.shape[1])
        for first in range(0, len(sequences), rows):
            counts = _counted(sequences[first : first + rows], self.keys)
            novel = self._sessions_of(_hashes(counts, self.keys)) == 0
            nearest = np.zeros(len(counts), np.int64)
            if novel.any():
                nearest[novel] = self._nearest(counts[novel], None)[1]
            found += [
                self._apart(own, self.vectors[there]) if new else []
                for own, there, new in zip(counts, nearest, novel, strict=True)
            ]
        return found

    def _apart(self, own: Vectors, there: Vectors) -> list[tuple[str, int, int]]:
        costs = _costs(np.abs(own - there), self.cost, self.step)
        keys = np.flatnonzero(own != there)
        names = [*self.keys, ""]
        return [
            (names[key], int(own[key]), int(there[key])) for key in keys[np.lexsort((keys, -costs[keys]))]
        ]

    def broken_relation(self, keys: Sequence[str]) -> tuple[str, int, str, int, int] | None:
        """The relation that a novel session breaks, of several the one that most of training keeps: a key, its count,
        another, its count, and the usual difference between the first and the second."""
        counts = _counted([keys], self.keys)
        if self._sessions_of(_hashes(counts, self.keys))[0]:
            return None
        found = self.relations.worst(counts[0])
        if found is None:
            return None
        first, second, usual = found
        return self.keys[first], int(counts[0, first]), self.keys[second], int(counts[0, second]), usual

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

    @property
    def keys_of_one_session(self) -> frozenset[str]:
        """The keys that but one session of training has: what was new, the last time."""
        return frozenset(self.keys[row] for row in np.flatnonzero(self.having[:-1] == 1))

    def to_part(self) -> ModelPart:
        arrays: dict[str, NDArray[np.generic]] = {name: getattr(self, name) for name in _ARRAYS}
        data = {"keys": list(self.keys), "novel": self.novel, "broken_relation": self.relations.cost}
        return ModelPart(data, arrays | self.relations.to_arrays())

    @classmethod
    def restore(cls, part: ModelPart) -> CountDistance:
        try:
            arrays = {name: part.arrays[name] for name in _ARRAYS}
            relations = CountRelations.restore(part.arrays, float(part.data["broken_relation"]))
            return cls(
                keys=tuple(part.data["keys"]),
                novel=float(part.data["novel"]),
                relations=relations,
                **arrays,  # type: ignore[arg-type]
            )
        except KeyError as error:
            raise ModelError(f"this is no set score: {error} is missing") from error

    def _scores(self, sequences: Sequence[Sequence[str]], left_out: bool) -> Floats:
        found = np.zeros(len(sequences))
        rows = max(1, _CELLS // self.vectors.shape[1])
        for first in range(0, len(sequences), rows):
            counts = _counted(sequences[first : first + rows], self.keys)
            hashes, one, place = np.unique(_hashes(counts, self.keys), return_index=True, return_inverse=True)
            others = self._sessions_of(hashes) - int(left_out)
            novel = np.flatnonzero(others <= 0)
            score = np.zeros(len(hashes))
            if len(novel):
                own = self._reference_of(hashes[novel]) if left_out else None
                vectors = counts[one[novel]]
                # The relations know the references alone: of another vector there is nothing to take away.
                taken = False if own is None else own >= 0
                score[novel] = (
                    self.novel + self._nearest(vectors, own)[0] + self.relations.costs(vectors, taken)
                )
            found[first : first + rows] = score[place]
        return found

    def _sessions_of(self, hashes: Hashes) -> Ints:
        """How many sessions of training have these vectors (N,)."""
        place = np.minimum(np.searchsorted(self.seen, hashes), len(self.seen) - 1)
        return np.where(self.seen[place] == hashes, self.seen_sessions[place], 0)

    def _reference_of(self, hashes: Hashes) -> Ints:
        """Which of the references these vectors are (N,), -1 for none."""
        known = _hashes(self.vectors, self.keys)
        order = np.argsort(known)
        place = order[np.minimum(np.searchsorted(known, hashes, sorter=order), len(known) - 1)]
        return np.where(known[place] == hashes, place, -1)

    def _with_costs(self, having: Ints) -> CountDistance:
        """The same with costs by how the vectors of training differ from their nearest. `having` (K + 1,) is the number
        of sessions with each key."""
        width = self.vectors.shape[1]
        _, nearest = self._nearest(self.vectors, np.arange(len(self.vectors)))
        apart = np.abs(self.vectors - self.vectors[nearest])
        differs = (apart > 0).astype(float)
        # A vector's difference is shared out to the keys that differ: vectors with many count no more.
        share = differs / np.maximum(differs.sum(axis=1, keepdims=True), 1)
        differing = share.sum(axis=0)
        only_here = (self.vectors > 0) & (having == self.sessions[:, None])
        # A key that no other vector has is a new key to the others.
        differing[-1] += (share * only_here).sum()
        cost = -np.log((differing + PRIOR) / (differing.sum() + PRIOR * width))
        step = np.maximum((apart.sum(axis=0) + 1) / (differs.sum(axis=0) + 1), 1.0)
        return replace(self, cost=cost, step=step, differing=differing)

    def _nearest(self, counts: Vectors, own: Ints | None) -> tuple[Floats, Ints]:
        """The cost of the nearest vector for each row (N,), and which it is; row i may not be its `own[i]` (-1: any).

        The nearest of all references, found without looking at every key of every pair: each reference has a
        distance from the vector of medians, and only where a row differs from the medians is it corrected. Count
        vectors have few such keys. What was found is then summed up anew, key by key.
        """
        usual = np.sort(self.vectors, axis=0)[len(self.vectors) // 2]
        row, key = np.nonzero(counts != usual)
        several = int(counts.max(initial=0)) + 1
        code, place = np.unique(key * several + counts[row, key], return_inverse=True)
        at, value = code // several, code % several
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(counts)))])
        unusual = sparse.csr_array((np.ones(len(row)), place, starts), shape=(len(counts), len(code)))
        best, which = np.full(len(counts), np.inf), np.zeros(len(counts), np.int64)
        block = max(1, _CELLS // max(len(counts), len(code), len(usual)))
        for first in range(0, len(self.vectors), block):
            there = self.vectors[first : first + block].T
            from_usual = _costs(np.abs(there - usual[:, None]), self.cost[:, None], self.step[:, None])
            from_value = _costs(
                np.abs(there[at] - value[:, None]), self.cost[at][:, None], self.step[at][:, None]
            )
            total = unusual @ (from_value - from_usual[at]) + from_usual.sum(axis=0)
            if own is not None:
                barred = np.flatnonzero((own >= first) & (own < first + there.shape[1]))
                total[barred, own[barred] - first] = np.inf
            total = np.round(total, _EQUAL)
            nearest = total.argmin(axis=1)
            cost = total[np.arange(len(counts)), nearest]
            nearer = cost < best
            best[nearer], which[nearer] = cost[nearer], nearest[nearer] + first
        exact = _costs(np.abs(counts - self.vectors[which]), self.cost, self.step).sum(axis=1)
        # What has nothing to be compared with costs as much as a key that training did not see.
        return np.where(np.isinf(best), self.cost[-1], exact), which


def _costs(apart: NDArray[np.integer], cost: Floats, step: Floats) -> Floats:
    """What differences cost, a key each."""
    further = STEPS * np.log(np.maximum(apart / step, 1.0))
    found: Floats = np.where(apart > 0, cost + further, 0.0)
    return found


def _counted(sequences: Sequence[Sequence[str]], keys: tuple[str, ...]) -> Vectors:
    return count_keys(sequences, keys).astype(np.int32)


def _hashes(counts: NDArray[np.integer], keys: tuple[str, ...]) -> Hashes:
    """A hash for each vector (N,)."""
    symbols = symbol_hashes(Vocabulary(keys))
    found: Hashes = counts.astype(np.uint64) @ np.append(symbols[ESCAPE + 1 :], symbols[ESCAPE])
    return found
