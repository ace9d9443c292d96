"""What the sessions of a log say about each pair of keys: together, in which order, one right after the other.

The co-occurrence matrices of DeepLog, section 4.2, and the bound under which a count is no evidence: where events
are lost, swapped, replaced or inserted at some rate, a relation that does not exist is still seen that often.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Trace = tuple[int, ...]
Log = dict[Trace, int]  # distinct sequences of keys as numbers, and how many sessions have each

CHANCE = 1e-4  # that noise alone passes the bound, for one pair
KINDS_OF_NOISE = 4  # dropped, swapped, replaced, inserted
_CELLS = 2**24  # of a comparison made at once: bounds memory


@lru_cache(maxsize=100_000)
def bound(expected: float) -> int:
    """The largest count that noise with this expectation still explains (Poisson); 0 where there is no noise."""
    if expected <= 0:
        return 0
    if expected > 500:
        return int(expected + 3.72 * math.sqrt(expected) + 3)
    count, term = 0, math.exp(-expected)
    left = 1 - term
    while left > CHANCE:
        count += 1
        term *= expected / count
        left -= term
    return count


@dataclass(frozen=True)
class Relations:
    """Counts of sessions over K keys (`keys`, sorted numbers of a log of `sessions` sessions)."""

    keys: list[int]
    sessions: int
    present: NDArray[np.int64]  # (K,) with the key
    together: NDArray[np.int64]  # (K, K) with both
    before: NDArray[np.int64]  # (K, K) with the row's key somewhere before the column's
    follows: Mapping[tuple[int, int], int]  # times one stands right after the other
    firsts: Counter[int]
    lasts: Counter[int]


def relations(log: Log) -> Relations:
    """Of a log without empty traces."""
    keys = sorted({key for trace in log for key in trace})
    column = {key: place for place, key in enumerate(keys)}
    shape = (len(log), len(keys))
    first, last = np.full(shape, 2**30, np.int32), np.full(shape, -1, np.int32)
    follows: Counter[tuple[int, int]] = Counter()
    firsts: Counter[int] = Counter()
    lasts: Counter[int] = Counter()
    for row, (trace, weight) in enumerate(log.items()):
        for place in range(len(trace) - 1, -1, -1):
            first[row, column[trace[place]]] = place
        for place, key in enumerate(trace):
            last[row, column[key]] = place
        for pair in itertools.pairwise(trace):
            follows[pair] += weight
        firsts[trace[0]] += weight
        lasts[trace[-1]] += weight
    weights = np.fromiter(log.values(), np.int64, len(log))
    has = (last >= 0).astype(np.float64)
    before = np.zeros((len(keys), len(keys)))
    step = max(1, _CELLS // (len(log) * len(keys) + 1))
    for start in range(0, len(keys), step):
        part = first[:, start : start + step, None] < last[:, None, :]  # (D, step, K)
        before[start : start + step] = np.einsum("d,dkl->kl", weights.astype(np.float64), part)
    return Relations(
        keys,
        int(weights.sum()),
        (weights @ has).astype(np.int64),
        ((has * weights[:, None]).T @ has).astype(np.int64),
        before.astype(np.int64),
        follows,
        firsts,
        lasts,
    )


def projected(log: Log, keys: Iterable[int]) -> Log:
    """The traces with these keys alone."""
    kept = frozenset(keys)
    out: Log = {}
    for trace, weight in log.items():
        part = tuple(key for key in trace if key in kept)
        out[part] = out.get(part, 0) + weight
    return out


def components(size: int, joined: NDArray[np.bool_]) -> list[list[int]]:
    """Connected components of a symmetric relation over 0..size-1, by their smallest member."""
    left, found = set(range(size)), []
    while left:
        seed = min(left)
        left.discard(seed)
        part, todo = [seed], [seed]
        while todo:
            for other in np.flatnonzero(joined[todo.pop()]):
                if int(other) in left:
                    left.discard(int(other))
                    part.append(int(other))
                    todo.append(int(other))
        found.append(sorted(part))
    return found
