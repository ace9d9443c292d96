"""The set score: how far are a session's counts from those of any session of training?

0 for a count vector that training has. Otherwise the negative log-likelihood that a session is novel at all (the share
of training sessions whose vector no other has, after Good and Turing), and that it differs from its nearest in just
these keys: each key costs what it is rare for vectors of training to differ from their nearest in it. A key that varies
freely is cheap; one that every session has three times is dear. On top of that comes the cost of a broken relation
between two counts, if there is one (see count_relations).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import fsum

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from deeplog_ops.errors import ModelError
from deeplog_ops.models.classic.count_vectors import sessions_of
from deeplog_ops.models.count_relations import CountRelations
from deeplog_ops.models.nearest_vectors import NearestVectors, dense_rows
from deeplog_ops.models.nearest_vectors import costs as costs_of
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.session_counts import SessionCounts, vector_hashes
from deeplog_ops.models.session_events import Hashes

Floats = NDArray[np.float64]
Vectors = NDArray[np.int32]
Ints = NDArray[np.int64]

REFERENCES = 3000  # vectors of training compared with: those that most sessions have
PRIOR = 0.5  # differences that each key is given beforehand
FREE_SHARE = 0.75  # the keys that make up so much of what differs in training vary freely
_AT_ONCE = 2**12  # sequences scored at once
_ARRAYS = ("vectors", "sessions", "seen", "seen_sessions", "having", "cost", "step", "differing")


@dataclass(frozen=True)
class CountDistance:
    """A fitted set score. Scores are nats, larger where more anomalous.

    `vectors` (R, K + 1) are counts of `keys`, the last of any key that training did not see; `sessions` (R,) have each.
    Of all D vectors of training, hashes are kept: a vector that was seen scores 0 even if it is none of the R. The others
    are counted sparsely, so that memory goes with the events of training, and with R times K, not with D times K.
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
        found = SessionCounts.of(*sessions_of(sequences, weights))
        return cls._of(found.keys, found.counts, found.hashes, found.hashes, found.sessions, found.having)

    def with_sessions(
        self, sequences: Sequence[Sequence[str]], weights: Sequence[int] | None = None
    ) -> CountDistance:
        """What a fit on all of its training and N more sequences gives, equal to it, with new keys and without.

        A vector that was not among the references stays behind them, unless it is given again now.
        """
        present, sessions = sessions_of(sequences, weights)
        keys = tuple(sorted({*self.keys, *(key for sequence in present for key in sequence)}))
        number = {key: place for place, key in enumerate(keys)}
        column = np.array([*(number[key] for key in self.keys), len(keys)])
        old = self._references
        known = sparse.csr_array(
            (old.data, column[old.indices], old.indptr), shape=(old.shape[0], len(keys) + 1)
        )
        added = SessionCounts.of(present, sessions, keys)
        seen, place = np.unique(np.concatenate([self.seen, added.hashes]), return_inverse=True)
        having = np.bincount(place, np.concatenate([self.seen_sessions, added.sessions])).astype(np.int64)
        hashes, first = np.unique(np.concatenate([self._own, added.hashes]), return_index=True)
        counts = sparse.csr_array(sparse.vstack([known, added.counts], format="csr"))[first]
        keyed = added.having
        keyed[column] += self.having
        return self._of(keys, counts, hashes, seen, having, keyed)

    @classmethod
    def _of(
        cls,
        keys: tuple[str, ...],
        counts: sparse.csr_array,
        hashes: Hashes,
        seen: Hashes,
        seen_sessions: Ints,
        having: Ints,
    ) -> CountDistance:
        """From vectors (C, K + 1) with their hashes the likeliest references; the others are known by hash."""
        single = int((seen_sessions == 1).sum())
        novel = -np.log((single + 0.5) / (seen_sessions.sum() + 1))
        sessions = seen_sessions[np.searchsorted(seen, hashes)]
        # Of vectors that equally many sessions have, the hash decides: in their own order, none that has much of
        # the first key would be among the references.
        kept = np.lexsort((hashes, -sessions))[:REFERENCES]
        vectors = counts[kept].astype(np.int32).toarray()
        order = np.lexsort(vectors.T[::-1])
        vectors, sessions = vectors[order], sessions[kept[order]]
        width = vectors.shape[1]
        found = cls(
            keys=keys,
            vectors=vectors,
            sessions=sessions,
            seen=seen,
            seen_sessions=seen_sessions,
            having=having,
            novel=float(novel),
            cost=np.ones(width),
            step=np.ones(width),
            differing=np.zeros(width),
            relations=CountRelations.fit(vectors, sessions),
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
        for first in range(0, len(sequences), _AT_ONCE):
            some = self._counted(sequences[first : first + _AT_ONCE])
            told: list[list[tuple[str, int, int]]] = [[] for _ in some.hashes]
            novel = np.flatnonzero(self._sessions_of(some.hashes) == 0)
            vectors = some.counts[novel]
            nearest = self._compared.nearest(vectors, np.full(len(novel), -1))
            for rows, own in dense_rows(vectors):
                for row, each in zip(novel[rows].tolist(), self._told(own, nearest[rows]), strict=True):
                    told[row] = each
            found += [told[place] for place in some.place.tolist()]
        return found

    def _told(self, counts: Vectors, nearest: Ints) -> Iterator[list[tuple[str, int, int]]]:
        names = [*self.keys, ""]
        for own, there in zip(counts, self.vectors[nearest], strict=True):
            keys = np.flatnonzero(own != there)
            costs = costs_of(np.abs(own[keys] - there[keys]), self.cost[keys], self.step[keys])
            order = keys[np.lexsort((keys, -costs))]
            yield [(names[key], int(own[key]), int(there[key])) for key in order.tolist()]

    def broken_relation(self, keys: Sequence[str]) -> tuple[str, int, str, int, int] | None:
        """The relation that a novel session breaks, of several the one that most of training keeps: a key, its count,
        another, its count, and the usual difference between the first and the second."""
        session = self._counted([keys])
        if self._sessions_of(session.hashes)[0]:
            return None
        counts = session.counts.toarray()
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
        for first in range(0, len(sequences), _AT_ONCE):
            some = self._counted(sequences[first : first + _AT_ONCE])
            others = self._sessions_of(some.hashes) - int(left_out)
            novel = np.flatnonzero(others <= 0)
            own = np.full(len(novel), -1)
            if left_out:
                own = self._reference_of(some.hashes[novel])
            score = np.zeros(len(others))
            score[novel] = self._novel_scores(some.counts[novel], own)
            found[first : first + _AT_ONCE] = score[some.place]
        return found

    def _novel_scores(self, counts: sparse.csr_array, own: Ints) -> Floats:
        """Of vectors (N, K + 1) that are novel where one session is taken away of reference `own[i]` (-1: of none)."""
        nearest = self._compared.nearest(counts, own)
        found = np.zeros(counts.shape[0])
        for rows, vectors in dense_rows(counts, len(self.relations.first)):
            apart = self._compared.summed(np.abs(vectors - self.vectors[nearest[rows]]))
            # What has nothing to be compared with costs as much as a key that training did not see.
            apart = np.where(nearest[rows] < 0, self.cost[-1], apart)
            # The relations know the references alone: of another vector there is nothing to take away.
            found[rows] = self.novel + apart + self.relations.costs(vectors, own[rows] >= 0)
        return found

    def _counted(self, sequences: Sequence[Sequence[str]]) -> SessionCounts:
        return SessionCounts.of(sequences, np.ones(len(sequences), np.int64), self.keys)

    def _sessions_of(self, hashes: Hashes) -> Ints:
        """How many sessions of training have these vectors (N,)."""
        place = np.minimum(np.searchsorted(self.seen, hashes), len(self.seen) - 1)
        return np.where(self.seen[place] == hashes, self.seen_sessions[place], 0)

    def _reference_of(self, hashes: Hashes) -> Ints:
        """Which of the references these vectors are (N,), -1 for none."""
        known = self._own
        order = np.argsort(known)
        place = order[np.minimum(np.searchsorted(known, hashes, sorter=order), len(known) - 1)]
        return np.where(known[place] == hashes, place, -1)

    def _with_costs(self, having: Ints) -> CountDistance:
        """The same with costs by how the vectors of training differ from their nearest. `having` (K + 1,) is the number
        of sessions with each key."""
        width = self.vectors.shape[1]
        known = self._references
        apart = abs(known - known[self._compared.nearest(known, np.arange(len(self.vectors)))])
        apart.sort_indices()  # a sum that has its terms in another order is another
        key, several = apart.indices, np.diff(apart.indptr)
        row = np.repeat(np.arange(len(several)), several)
        # A vector's difference is shared out to the keys that differ: vectors with many count no more.
        share = 1 / several[row]
        differing = np.bincount(key, share, width).astype(np.float64)
        only_here = (self.vectors[row, key] > 0) & (having[key] == self.sessions[row])
        # A key that no other vector has is a new key to the others.
        differing[-1] += fsum(share[only_here])
        differs = np.bincount(key, minlength=width)
        cost = -np.log((differing + PRIOR) / (differing.sum() + PRIOR * width))
        step = np.maximum((np.bincount(key, apart.data, width) + 1) / (differs + 1), 1.0)
        return replace(self, cost=cost, step=step, differing=differing)

    @cached_property
    def _references(self) -> sparse.csr_array:
        """The `vectors`."""
        return sparse.csr_array(self.vectors)

    @cached_property
    def _own(self) -> Hashes:
        """The hash of each reference (R,)."""
        return vector_hashes(self._references, self.keys)

    @cached_property
    def _compared(self) -> NearestVectors:
        return NearestVectors(self.vectors, self.cost, self.step)
