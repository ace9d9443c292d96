"""Do the parts of a cut go their ways independently? Where the choice in one tells that in another, they are not apart."""

from __future__ import annotations

import math
from collections import Counter

from deeplog_ops.workflows.cuts import Cut

LEAST_BITS = 10.0  # what knowing one part must save in telling the other, beyond the price of the table


def independent(cut: Cut) -> list[list[int]]:
    """The parts in runs, so that no two runs depend on each other; a run holds all that stands between its ends."""
    ways = [_ways(cut, place) for place in range(len(cut.parts))]
    varied = [place for place, way in enumerate(ways) if len(set(way)) > 1]
    weights = [weight for _, weight in cut.rows]
    end = list(range(len(cut.parts)))  # the last part that the run of each must reach
    for number, one in enumerate(varied):
        for other in varied[number + 1 :]:
            if _saved(ways[one], ways[other], weights) > LEAST_BITS:
                end[one] = max(end[one], other)
    runs: list[list[int]] = []
    reach = -1
    for place in range(len(cut.parts)):
        if place <= reach:
            runs[-1].append(place)
        else:
            runs.append([place])
        reach = max(reach, end[place])
    return runs


def _ways(cut: Cut, place: int) -> list[frozenset[int]]:
    return [frozenset(pieces[place]) for pieces, _ in cut.rows]


def _saved(one: list[frozenset[int]], other: list[frozenset[int]], weights: list[int]) -> float:
    """Bits saved by telling both together: mutual information less the price of the joint shares."""
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
