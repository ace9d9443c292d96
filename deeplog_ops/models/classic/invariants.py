"""Invariants among counts (Lou et al., USENIX ATC'10): what is opened is closed, each file has three replicas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import gcd

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.classic.count_vectors import Counts, CountTable, Floats
from deeplog_ops.models.classic.model import CountScore

SUPPORT = 0.98  # of the sessions that have any of its keys, as in the paper
LEAST = 3  # and so many sessions
LARGEST = 3  # coefficient
COLUMNS = 200  # keys looked at in pairs: those of most sessions
SUMMANDS = 40  # keys looked at in threes


@dataclass(frozen=True)
class Invariant:
    """coefficients · counts = constant, and how often it held in training."""

    columns: tuple[int, ...]
    coefficients: tuple[int, ...]
    constant: int
    holds: int
    sessions: int

    @property
    def weight(self) -> float:
        """How surprising it is that it is broken, in nats: -ln of the chance by training, after Laplace."""
        return float(np.log((self.sessions + 2) / (self.sessions - self.holds + 1)))

    def broken(self, counts: Counts) -> NDArray[np.bool_]:
        """Where it does not hold (N,)."""
        held: NDArray[np.bool_] = counts[:, self.columns] @ np.array(self.coefficients) == self.constant
        return ~held


def invariants(table: CountTable, seed: int = 0) -> CountScore:
    """The sum of the weights of broken invariants. That a new key never comes is one, broken once an event."""
    found = mine(table)
    new_key = float(np.log(table.sessions.sum() + 2))

    def score(counts: Counts) -> Floats:
        total = np.zeros(len(counts)) + counts[:, -1] * new_key
        for invariant in found:
            total = total + invariant.weight * invariant.broken(counts)
        return total

    return score


def mine(table: CountTable) -> list[Invariant]:
    """Invariants that follow from each other are not repeated: of n keys that always come together n - 1 pairs remain.

    What a key's count always is; then pairs of keys, the best supported first; then a key as the sum of two.
    """
    having = table.sessions @ (table.counts[:, :-1] > 0)
    columns = np.sort(np.argsort(-having, kind="stable")[:COLUMNS])
    constants = [found for column in columns.tolist() if (found := _constant(table, column)) is not None]
    fixed = {found.columns[0] for found in constants if found.holds == found.sessions}
    varying = np.array([column for column in columns.tolist() if column not in fixed], int)
    pairs: list[Invariant] = []
    group = {column: column for column in varying.tolist()}
    for pair in sorted(_pairs(table, varying), key=_order):
        a, b = sorted(group[column] for column in pair.columns)
        if a != b:
            pairs.append(pair)
            group = {column: a if of == b else of for column, of in group.items()}
    # Of keys that go together the one that comes least often stands for all: of it others are multiples.
    events = table.sessions @ table.counts
    heads = {
        group[column]: column for column in sorted(group, key=lambda column: (-int(events[column]), -column))
    }
    kept = sorted(sorted(heads.values(), key=lambda column: -int(having[column]))[:SUMMANDS])
    return constants + pairs + list(_sums(table, kept))


def _order(invariant: Invariant) -> tuple[float, int, tuple[int, ...], tuple[int, ...], int]:
    return (
        -invariant.weight,
        sum(map(abs, invariant.coefficients)),
        invariant.columns,
        invariant.coefficients,
        invariant.constant,
    )


def _constant(table: CountTable, column: int) -> Invariant | None:
    values, where = np.unique(table.counts[:, column], return_inverse=True)
    having = np.bincount(where.reshape(-1), table.sessions)
    best, total = int(having.argmax()), int(table.sessions.sum())
    if having[best] < max(LEAST, SUPPORT * total):
        return None
    return Invariant((column,), (1,), int(values[best]), int(having[best]), total)


def _pairs(table: CountTable, columns: Counts) -> Iterator[Invariant]:
    counts = np.asfortranarray(table.counts[:, columns].astype(np.int32))
    sessions = table.sessions.astype(float)
    present = counts > 0
    ratios = [(p, q) for p in range(1, LARGEST + 1) for q in range(1, LARGEST + 1) if gcd(p, q) == 1]
    for a in range(len(columns)):
        # Where neither comes nothing is tested, so that two rare keys are no invariant of each other.
        applies = sessions @ (present[:, [a]] | present[:, a + 1 :])
        absent = sessions @ ~(present[:, [a]] | present[:, a + 1 :])
        for p, q in ratios:
            holds = sessions @ (p * counts[:, [a]] == q * counts[:, a + 1 :]) - absent
            for at in np.flatnonzero((holds >= SUPPORT * applies) & (holds >= LEAST)).tolist():
                pair = (int(columns[a]), int(columns[a + 1 + at]))
                yield Invariant(pair, (p, -q), 0, round(holds[at]), round(applies[at]))


def _sums(table: CountTable, columns: list[int]) -> Iterator[Invariant]:
    """a = b + c, where each of b and c comes in some sessions without the other."""
    counts, sessions = table.counts, table.sessions
    for b, c in combinations(columns, 2):
        total = counts[:, b] + counts[:, c]
        apart = sessions @ ((counts[:, b] > 0) != (counts[:, c] > 0))
        if apart < LEAST:
            continue
        others = np.array([column for column in columns if column not in (b, c)], int)
        present = (total > 0)[:, None] | (counts[:, others] > 0)
        holds, applies = sessions @ (present & (counts[:, others] == total[:, None])), sessions @ present
        for at in np.flatnonzero((holds >= SUPPORT * applies) & (holds >= LEAST)).tolist():
            yield Invariant((int(others[at]), b, c), (1, -1, -1), 0, int(holds[at]), int(applies[at]))
