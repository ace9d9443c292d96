"""Ways to cut a log in parts: alternatives, stages in sequence, branches at once, turns of a loop.

In the manner of process discovery by divide and conquer: the cut is looked for in the relations between keys, then
the sessions themselves are cut, and each part is a log of its own. So one key may come to stand at several places.
A cut returns None where there is none. Sessions that contradict it are `astray`: noise, if there are few.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.workflows.relations import KINDS_OF_NOISE, Log, Relations, bound, components

Bools = NDArray[np.bool_]
EXPECTED_TOGETHER = 10  # keys that never meet exclude each other only where they should have met so often


@dataclass(frozen=True)
class Cut:
    parts: tuple[Log, ...]
    astray: int = 0  # sessions that contradict the cut
    rows: tuple[
        tuple[tuple[tuple[int, ...], ...], int], ...
    ] = ()  # each trace in its parts, with its sessions


def _bounds(size: NDArray[np.int64], rate: float) -> NDArray[np.int64]:
    shape = size.shape
    values = [bound(float(count) * rate / 2) for count in size.ravel()]
    return np.array(values, np.int64).reshape(shape)


def seen_enough(counts: NDArray[np.int64], present: NDArray[np.int64], rate: float) -> Bools:
    """Which of the (K, K) counts are more than noise, given in how many sessions the rarer key is."""
    if rate <= 0:
        return counts > 0
    return counts > _bounds(np.minimum(present[:, None], present[None, :]), rate)


def alternatives(log: Log, relation: Relations, rate: float) -> Cut | None:
    """Groups of keys that never meet in one session."""
    meet = seen_enough(relation.together, relation.present, rate)
    groups = components(len(relation.keys), meet | meet.T)
    if len(groups) < 2:
        return None
    owner = {relation.keys[place]: number for number, group in enumerate(groups) for place in group}
    parts: list[Log] = [{} for _ in groups]
    astray = 0
    for trace, weight in log.items():
        owners = {owner[key] for key in trace}
        if len(owners) == 1:
            part = parts[owners.pop()]
            part[trace] = part.get(trace, 0) + weight
        else:
            astray += weight
    return Cut(tuple(part for part in parts if part), astray)


def stage_order(relation: Relations, which: NDArray[np.int64], rate: float) -> list[int] | None:
    """The number of the stage of each of `which` keys (their columns); None where there is one stage only."""
    size = len(which)
    present = relation.present[which]
    before = seen_enough(relation.before[np.ix_(which, which)], present, rate)
    np.fill_diagonal(before, False)
    expected = present[:, None] * present[None, :] / relation.sessions
    strangers = ~before & ~before.T
    exclusive = strangers & (expected >= EXPECTED_TOGETHER)
    reach = _closed(before)
    unclear = strangers & ~exclusive
    joined = (before & before.T) | exclusive | (unclear & (reach == reach.T))
    while True:
        groups = components(size, joined)
        if len(groups) < 2:
            return None
        index = np.zeros(size, int)
        for number, group in enumerate(groups):
            index[group] = number
        known = np.where(unclear, reach, before)
        between = np.zeros((len(groups), len(groups)), bool)
        np.logical_or.at(between, (index[:, None], index[None, :]), known)
        np.fill_diagonal(between, False)
        tangled = between == between.T  # both ways, or neither: no order between them
        np.fill_diagonal(tangled, False)
        if not tangled.any():
            break
        one, other = np.argwhere(tangled)[0]
        joined[groups[one][0], groups[other][0]] = joined[groups[other][0], groups[one][0]] = True
    order = sorted(range(len(groups)), key=lambda number: -int(between[number].sum()))
    return [order.index(index[place]) for place in range(size)]


def stages(log: Log, relation: Relations, rate: float) -> Cut | None:
    """Groups of keys that come one after the other, always."""
    order = stage_order(relation, np.arange(len(relation.keys)), rate)
    if order is None:
        return None
    stage = {key: order[place] for place, key in enumerate(relation.keys)}
    rows = []
    astray = 0
    for trace, weight in log.items():
        numbers = [stage[key] for key in trace]
        if any(a > b for a, b in itertools.pairwise(numbers)):
            astray += weight
            continue
        cut: list[list[int]] = [[] for _ in range(max(order) + 1)]
        for key, number in zip(trace, numbers, strict=True):
            cut[number].append(key)
        rows.append((tuple(tuple(keys) for keys in cut), weight))
    return of_rows(rows, astray)


def of_rows(rows: list[tuple[tuple[tuple[int, ...], ...], int]], astray: int) -> Cut | None:
    if not rows:
        return None
    parts: list[Log] = [{} for _ in rows[0][0]]
    for pieces, weight in rows:
        for part, piece in zip(parts, pieces, strict=True):
            part[piece] = part.get(piece, 0) + weight
    return Cut(tuple(parts), astray, tuple(rows))


def merged(cut: Cut, groups: list[list[int]]) -> Cut:
    """Stages that stand together as one."""
    rows = [
        (tuple(tuple(key for place in group for key in pieces[place]) for group in groups), weight)
        for pieces, weight in cut.rows
    ]
    one = of_rows(rows, cut.astray)
    assert one is not None
    return one


def with_empty(cut: Cut, sessions: int) -> Cut:
    """The cut with so many sessions more that have nothing in any part."""
    one = of_rows([*cut.rows, (tuple(() for _ in cut.parts), sessions)], cut.astray)
    assert one is not None
    return one


def _closed(relation: Bools) -> Bools:
    """Transitive closure."""
    closed = relation.copy()
    for middle in range(len(closed)):
        closed |= closed[:, [middle]] & closed[[middle], :]
    return closed


def branches(log: Log, relation: Relations, rate: float) -> Cut | None:
    """Groups of keys that come in any order towards those of other groups."""
    before = relation.before.copy()
    if rate > 0:
        swapped = np.zeros(before.shape)
        for (one, other), count in relation.follows.items():
            swapped[relation.keys.index(other), relation.keys.index(one)] = count
        strange = np.minimum(relation.present[:, None], relation.present[None, :]) / 2
        expected = (swapped / 2 + strange) * rate
        limits = np.array([bound(float(value)) for value in expected.ravel()]).reshape(expected.shape)
        both = (before > limits) & (before.T > limits.T)
    else:
        both = (before > 0) & (before.T > 0)
    together = ~both
    np.fill_diagonal(together, False)
    groups = components(len(relation.keys), together)
    if len(groups) < 2:
        return None
    owner = {relation.keys[place]: number for number, group in enumerate(groups) for place in group}
    rows = []
    for trace, weight in log.items():
        pieces: list[list[int]] = [[] for _ in groups]
        for key in trace:
            pieces[owner[key]].append(key)
        rows.append((tuple(tuple(piece) for piece in pieces), weight))
    return of_rows(rows, 0)


def woven_freely(cut: Cut, log: Log) -> bool:
    """Whether the branches' events fall among each other as if shuffled; in a loop that was cut apart they do not."""
    size = len(cut.parts)
    seen, expected = np.zeros(size), np.zeros(size)
    owner = {key: number for number, part in enumerate(cut.parts) for trace in part for key in trace}
    centre, events = np.zeros(size), np.zeros(size)
    for trace, weight in log.items():
        numbers = [owner[key] for key in trace]
        for place, number in enumerate(numbers):
            centre[number] += weight * (place + 0.5) / len(numbers)
            events[number] += weight
        for number in range(size):
            share = numbers.count(number)
            expected[number] += weight * share * (share - 1) / len(numbers)
        for one, other in itertools.pairwise(numbers):
            seen[one] += weight * (one == other)
    even = np.abs(centre / events - 0.5) <= 0.05 + 1 / np.sqrt(events)
    return bool((even & (np.abs(seen - expected) <= 0.1 * expected + 3 * np.sqrt(expected))).all())


def noise_bound(sessions: int, rate: float) -> int:
    """How many of the sessions noise of one kind at one place explains."""
    return bound(sessions * rate * 1.5 / KINDS_OF_NOISE)
