"""Do the parts of a cut go their ways independently? Where the choice in one tells that in another, they are not apart."""

from __future__ import annotations

import itertools
import math
from collections import Counter

from deeplog_ops.workflows.cuts import Cut

LEAST_BITS = 10.0  # what knowing one part must save in telling the other, beyond the price of the table
RARE = 0.02  # of the sessions: ways of fewer are told as one
_RARE = frozenset({-(2**40)})


def independent(cut: Cut) -> list[list[int]]:
    """The parts in runs, so that no two runs depend on each other; a run holds all that stands between its ends."""
    tellings = [[_present(cut, place) for place in range(len(cut.parts))]]
    tellings.append([_twice(cut, place) for place in range(len(cut.parts))])
    weights = [weight for _, weight in cut.rows]
    end = list(range(len(cut.parts)))  # the last part that the run of each must reach
    for ways in tellings:
        varied = [place for place, way in enumerate(ways) if len(set(way)) > 1]
        for one, other in itertools.combinations(varied, 2):
            if end[one] < other and _saved(ways[one], ways[other], weights) > LEAST_BITS:
                end[one] = other
    runs: list[list[int]] = []
    reach = -1
    for place in range(len(cut.parts)):
        if place <= reach:
            runs[-1].append(place)
        else:
            runs.append([place])
        reach = max(reach, end[place])
    return runs


def _present(cut: Cut, place: int) -> list[frozenset[int]]:
    """Which keys are in the part, for each trace."""
    return [frozenset(pieces[place]) for pieces, _ in cut.rows]


def _twice(cut: Cut, place: int) -> list[frozenset[int]]:
    """Which keys are in it, and (as negative numbers) which more than once."""
    counts = [Counter(pieces[place]) for pieces, _ in cut.rows]
    return [frozenset([*count, *(-1 - key for key, times in count.items() if times > 1)]) for count in counts]


def _saved(one: list[frozenset[int]], other: list[frozenset[int]], weights: list[int]) -> float:
    """Bits saved by telling both together: mutual information less the price of the joint shares."""
    one, other = _pooled(one, weights), _pooled(other, weights)
    left: Counter[frozenset[int]] = Counter()
    right: Counter[frozenset[int]] = Counter()
    both: Counter[tuple[frozenset[int], frozenset[int]]] = Counter()
    for a, b, weight in zip(one, other, weights, strict=True):
        left[a] += weight
        right[b] += weight
        both[a, b] += weight
    total = sum(weights)
    told = sum(count * math.log2(count * total / (left[a] * right[b])) for (a, b), count in both.items())
    return told - 0.5 * math.log2(total + 1) * (len(left) - 1) * (len(right) - 1)


def _pooled(ways: list[frozenset[int]], weights: list[int]) -> list[frozenset[int]]:
    """Ways that few sessions took as one: noise makes many, and each would have its price."""
    counts: Counter[frozenset[int]] = Counter()
    for way, weight in zip(ways, weights, strict=True):
        counts[way] += weight
    least = RARE * sum(weights)
    return [way if counts[way] >= least else _RARE for way in ways]
