"""Ways to cut a log in parts: alternatives, stages in sequence, branches at once, turns of a loop.

In the manner of process discovery by divide and conquer: the cut is looked for in the relations between keys, then
the sessions themselves are cut, and each part is a log of its own. So one key may come to stand at several places.
A cut returns None where there is none. Sessions that contradict it are `astray`: noise, if there are few.
"""

from __future__ import annotations

import itertools
from collections import Counter
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


def _seen(counts: NDArray[np.int64], present: NDArray[np.int64], rate: float) -> Bools:
    """Which of the (K, K) counts are more than noise, given in how many sessions the rarer key is."""
    if rate <= 0:
        return counts > 0
    return counts > _bounds(np.minimum(present[:, None], present[None, :]), rate)


def alternatives(log: Log, relation: Relations, rate: float) -> Cut | None:
    """Groups of keys that never meet in one session."""
    meet = _seen(relation.together, relation.present, rate)
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


def _stage_order(relation: Relations, which: NDArray[np.int64], rate: float) -> list[int] | None:
    """The number of the stage of each of `which` keys (their columns); None where there is one stage only."""
    size = len(which)
    present = relation.present[which]
    before = _seen(relation.before[np.ix_(which, which)], present, rate)
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
    order = _stage_order(relation, np.arange(len(relation.keys)), rate)
    if order is None:
        return None
    stage = {key: order[place] for place, key in enumerate(relation.keys)}
    rows = []
    astray = 0
    for trace, weight in log.items():
        numbers = [stage[key] for key in trace]
        if any(a > b for a, b in zip(numbers, numbers[1:], strict=False)):
            astray += weight
            continue
        cut: list[list[int]] = [[] for _ in range(max(order) + 1)]
        for key, number in zip(trace, numbers, strict=True):
            cut[number].append(key)
        rows.append((tuple(tuple(keys) for keys in cut), weight))
    return _of_rows(rows, astray)


def _of_rows(rows: list[tuple[tuple[tuple[int, ...], ...], int]], astray: int) -> Cut | None:
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
    one = _of_rows(rows, cut.astray)
    assert one is not None
    return one


def with_empty(cut: Cut, sessions: int) -> Cut:
    """The cut with so many sessions more that have nothing in any part."""
    one = _of_rows([*cut.rows, (tuple(() for _ in cut.parts), sessions)], cut.astray)
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
    return _of_rows(rows, 0)


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
        for one, other in zip(numbers, numbers[1:], strict=False):
            seen[one] += weight * (one == other)
    even = np.abs(centre / events - 0.5) <= 0.05 + 1 / np.sqrt(events)
    return bool((even & (np.abs(seen - expected) <= 0.1 * expected + 3 * np.sqrt(expected))).all())


def turns(log: Log, relation: Relations, rate: float) -> list[Cut]:
    """The turns of a loop as sessions of their own; several ways to find where a turn begins."""
    firsts = {key for key, count in relation.firsts.items() if count > bound(relation.sessions * rate / 4)}
    lasts = {key for key, count in relation.lasts.items() if count > bound(relation.sessions * rate / 4)}
    found: list[Cut] = []
    for split in (_at_ends, _at_repeats):
        part: Log = {}
        pieces = 0
        for trace, weight in log.items():
            for piece in split(trace, firsts, lasts):
                part[piece] = part.get(piece, 0) + weight
                pieces += weight
        if pieces > relation.sessions and all(part != other.parts[0] for other in found):
            found.append(Cut((part,)))
    return found


def _at_ends(trace: tuple[int, ...], firsts: set[int], lasts: set[int]) -> list[tuple[int, ...]]:
    """Cut where something that may be last stands before something that may be first."""
    marks = [i for i in range(1, len(trace)) if trace[i] in firsts and trace[i - 1] in lasts]
    return [trace[a:b] for a, b in zip([0, *marks], [*marks, len(trace)], strict=True)]


def _at_repeats(trace: tuple[int, ...], firsts: set[int], lasts: set[int]) -> list[tuple[int, ...]]:
    """Cut where this turn would have a key a second time, or rather where a turn may begin last before that."""
    pieces: list[tuple[int, ...]] = []
    start = 0
    for place in range(1, len(trace)):
        if trace[place] in trace[start:place]:
            may = (i for i in range(place, start, -1) if trace[i] in firsts and trace[i - 1] in lasts)
            cut = next(may, place)
            pieces.append(trace[start:cut])
            start = cut
    return [*pieces, trace[start:]]


def redone(log: Log, relation: Relations, rate: float) -> tuple[Log, Log] | None:
    """A body and what stands between two turns of it, where something always does."""
    firsts = {key for key, count in relation.firsts.items() if count > bound(relation.sessions * rate / 4)}
    lasts = {key for key, count in relation.lasts.items() if count > bound(relation.sessions * rate / 4)}
    outer = firsts | lasts
    rest = [key for key in relation.keys if key not in outer]
    if not rest or not outer:
        return None
    place = {key: number for number, key in enumerate(rest)}
    joined = np.zeros((len(rest), len(rest)), bool)
    enters: dict[int, set[int]] = {key: set() for key in rest}
    leaves: dict[int, set[int]] = {key: set() for key in rest}
    for (one, other), count in relation.follows.items():
        if count <= bound(relation.sessions * rate / 2):
            continue
        if one in place and other in place:
            joined[place[one], place[other]] = joined[place[other], place[one]] = True
        elif other in place:
            enters[other].add(one)
        elif one in place:
            leaves[one].add(other)
    redo: set[int] = set()
    for group in components(len(rest), joined):
        keys = [rest[number] for number in group]
        come = set().union(*(enters[key] for key in keys))
        go = set().union(*(leaves[key] for key in keys))
        if come <= lasts and go <= firsts and come and go:
            redo.update(keys)
    if not redo:
        return None
    bodies: Log = {}
    redos: Log = {}
    for trace, weight in log.items():
        start = 0
        for i in range(1, len(trace) + 1):
            if i == len(trace) or (trace[i] in redo) != (trace[i - 1] in redo):
                log_of = redos if trace[start] in redo else bodies
                log_of[trace[start:i]] = log_of.get(trace[start:i], 0) + weight
                start = i
    return bodies, redos


def at_pivot(log: Log, relation: Relations, rate: float) -> list[Cut]:
    """Before and after a key that comes once in every session, where the two sides have fewest keys in common."""
    limit = noise_bound(relation.sessions, rate)
    once: Counter[int] = Counter()
    for trace, weight in log.items():
        times = Counter(trace)
        once.update({key: weight for key, count in times.items() if count == 1})
    ranked = []
    for key in relation.keys:
        if once[key] < relation.sessions - 2 * limit:
            continue
        rows = []
        left: Counter[int] = Counter()
        right: Counter[int] = Counter()
        for trace, weight in log.items():
            if trace.count(key) == 1:
                place = trace.index(key)
                before, after = trace[:place], trace[place + 1 :]
                rows.append(((before, (key,), after), weight))
                left.update(dict.fromkeys(before, weight))
                right.update(dict.fromkeys(after, weight))
        shared = sum(min(left[other], right[other]) for other in left.keys() & right.keys())
        ranked.append((shared, key, rows))
    ranked.sort(key=lambda found: found[:2])
    cuts = [_of_rows(rows, relation.sessions - once[key]) for _, key, rows in ranked[:1]]
    return [cut for cut in cuts if cut is not None]


def by_presence(log: Log, relation: Relations, rate: float, most: int) -> list[Cut]:
    """Sessions with a key apart from those without: keys whose presence says most about that of others."""
    count, total = relation.present, relation.sessions
    both = relation.together
    expected_both = np.outer(count, count) / total
    excludes = (expected_both >= EXPECTED_TOGETHER) & ~_seen(both, count, rate)
    gain = np.zeros(len(count))
    for cell, expected in (
        (both, np.outer(count, count)),
        (count[:, None] - both, np.outer(count, total - count)),
        (count[None, :] - both, np.outer(total - count, count)),
        (total - count[:, None] - count[None, :] + both, np.outer(total - count, total - count)),
    ):
        share = np.where((cell > 0) & (expected > 0), cell * total / np.maximum(expected, 1), 1.0)
        gain += (cell * np.log2(share)).sum(axis=1)
    cuts: list[Cut] = []
    seen: set[frozenset[tuple[int, ...]]] = set()
    for place in np.argsort(-gain, kind="stable"):
        if not excludes[place].any() or len(cuts) == most:
            continue
        key = relation.keys[place]
        having = {trace: weight for trace, weight in log.items() if key in trace}
        lacking = {trace: weight for trace, weight in log.items() if key not in trace}
        names = frozenset(having), frozenset(lacking)
        if names[0] not in seen and names[1] not in seen:
            seen.update(names)
            cuts.append(Cut((having, lacking)))
    return cuts


def placed(log: Log, relation: Relations, rate: float, most: int = 3) -> list[tuple[Log, dict[int, int]]]:
    """A key, or two, that hold together what would be stages without them, as one key at each place where they stand.

    Each event of such a key stands somewhere between the stage of the event before it and that of the one after;
    the fewest places that do for all events are the key's places. Logs as `numbered` gives them.
    """
    size = len(relation.keys)
    ranked: list[tuple[int, tuple[int, ...], dict[int, int]]] = []
    for number in (1, 2):
        if number == 2 and (ranked or size > 25):
            break
        for out in itertools.combinations(range(size), number):
            which = np.array([place for place in range(size) if place not in out], np.int64)
            order = _stage_order(relation, which, rate) if len(which) > 1 else None
            if order is not None:
                stage = {relation.keys[place]: order[i] for i, place in enumerate(which)}
                ranked.append((-max(order), tuple(relation.keys[place] for place in out), stage))
    ranked.sort(key=lambda found: found[:2])
    views: list[tuple[Log, dict[int, int]]] = []
    for _, keys, stage in ranked[:most]:
        for late in (False, True):
            view = _at_places(log, keys, stage, rate, late)
            if view is not None and view not in views:
                views.append(view)
    return views


def _at_places(
    log: Log, keys: tuple[int, ...], stage: dict[int, int], rate: float, late: bool
) -> tuple[Log, dict[int, int]] | None:
    spans: dict[int, Counter[tuple[int, int]]] = {key: Counter() for key in keys}
    for trace, weight in log.items():
        for key, span in _spans(trace, keys, stage):
            spans[key][span] += weight
    sessions = sum(log.values())
    points = {key: _stabbed(found, noise_bound(sessions, rate)) for key, found in spans.items()}
    if all(len(found) < 2 for found in points.values()):
        return None
    base = max([*stage, *keys]) + 1
    new: dict[tuple[int, int], int] = {}
    for key in keys:
        for point in points[key][1:]:
            new[key, point] = base + len(new)
    names = {key: key for key in [*stage, *keys]} | {number: key for (key, _), number in new.items()}
    out: Log = {}
    for trace, weight in log.items():
        where = iter(_spans(trace, keys, stage))
        view = []
        for key in trace:
            if key in spans:
                _, (low, high) = next(where)
                fit = [point for point in points[key] if low <= point <= high]
                point = fit[-1 if late else 0] if fit else None
                key = new.get((key, point), key) if point is not None else key
            view.append(key)
        out[tuple(view)] = out.get(tuple(view), 0) + weight
    return out, names


def _spans(
    trace: tuple[int, ...], keys: tuple[int, ...], stage: dict[int, int]
) -> list[tuple[int, tuple[int, int]]]:
    """Of each event of the keys, the stages of the event before it and after it (of other keys)."""
    last = max(stage.values()) + 1
    after = []
    coming = last
    for key in reversed(trace):
        after.append(coming)
        coming = stage.get(key, coming)
    found = []
    gone = -1
    for key, coming in zip(trace, reversed(after), strict=True):
        if key in keys:
            found.append((key, (min(gone, coming), max(gone, coming))))
        gone = stage.get(key, gone)
    return found


def _stabbed(spans: Counter[tuple[int, int]], limit: int) -> list[int]:
    """The fewest points such that each span (but rare ones) has one in it."""
    points: list[int] = []
    for (low, high), count in sorted(spans.items(), key=lambda found: (found[0][1], found[0][0])):
        if count > limit and (not points or points[-1] < low):
            points.append(high)
    return points


def numbered(log: Log, rate: float) -> tuple[Log, dict[int, int]] | None:
    """A key's first and second time in a session as two keys, where there are never more (or always as many).

    Returns the log over new numbers, and from each of them the key it stands for.
    """
    most: dict[int, Counter[int]] = {}
    sessions = sum(log.values())
    for trace, weight in log.items():
        for key, times in Counter(trace).items():
            most.setdefault(key, Counter())[times] += weight
    cap: dict[int, int] = {}
    for key, times in most.items():
        limit = bound(sum(times.values()) * rate / 2)
        usual = [count for count, weight in times.items() if weight > limit]
        constant = len(usual) == 1 and sum(times.values()) >= sessions - limit
        if usual and max(usual) > 1 and (max(usual) == 2 or constant):
            cap[key] = max(usual)
    if not cap:
        return None
    base = max(most) + 1
    names: dict[int, int] = {key: key for key in most}
    new: dict[tuple[int, int], int] = {}
    for key in sorted(cap):
        for time in range(1, cap[key]):
            new[key, time] = base + len(new)
            names[new[key, time]] = key
    out: Log = {}
    for trace, weight in log.items():
        so_far: Counter[int] = Counter()
        view = []
        for key in trace:
            view.append(new.get((key, so_far[key]), key) if key in cap else key)
            so_far[key] += key in cap
        out[tuple(view)] = out.get(tuple(view), 0) + weight
    return out, names


def noise_bound(sessions: int, rate: float) -> int:
    """How many of the sessions noise of one kind at one place explains."""
    return bound(sessions * rate * 1.5 / KINDS_OF_NOISE)
