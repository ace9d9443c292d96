"""Keys that stand at several places: ways to tell the places apart, so that a cut can be found.

By what else a session has, by a step that all sessions take once, by counting, or by the stages before and after.
"""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np

from deeplog_ops.workflows.cuts import EXPECTED_TOGETHER, Cut, noise_bound, of_rows, seen_enough, stage_order
from deeplog_ops.workflows.relations import Log, Relations, bound


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
        rows: list[tuple[tuple[tuple[int, ...], ...], int]] = []
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
    cuts = [of_rows(rows, relation.sessions - once[key]) for _, key, rows in ranked[:1]]
    return [cut for cut in cuts if cut is not None]


def by_presence(log: Log, relation: Relations, rate: float, most: int) -> list[Cut]:
    """Sessions with a key apart from those without: keys whose presence says most about that of others."""
    count, total = relation.present, relation.sessions
    both = relation.together
    expected_both = np.outer(count, count) / total
    excludes = (expected_both >= EXPECTED_TOGETHER) & ~seen_enough(both, count, rate)
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
            order = stage_order(relation, which, rate) if len(which) > 1 else None
            if order is not None:
                stage = {relation.keys[place]: order[i] for i, place in enumerate(which)}
                ranked.append((-max(order), tuple(relation.keys[place] for place in out), stage))
    ranked.sort(key=lambda found: found[:2])
    views: list[tuple[Log, dict[int, int]]] = []
    for _, keys, stage in ranked[:most]:
        for early, late in itertools.product((False, True), repeat=2):
            view = _at_places(log, keys, stage, rate, early, late)
            if view is not None and view not in views:
                views.append(view)
    return views


def _at_places(
    log: Log, keys: tuple[int, ...], stage: dict[int, int], rate: float, early: bool, late: bool
) -> tuple[Log, dict[int, int]] | None:
    spans: dict[int, Counter[tuple[int, int]]] = {key: Counter() for key in keys}
    for trace, weight in log.items():
        for key, span in _spans(trace, keys, stage):
            spans[key][span] += weight
    sessions = sum(log.values())
    limit = noise_bound(sessions, rate)
    points = {key: _stabbed(found, limit, early) for key, found in spans.items()}
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
                view.append(new.get((key, fit[-1 if late else 0]), key) if fit else key)
            else:
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


def _stabbed(spans: Counter[tuple[int, int]], limit: int, early: bool) -> list[int]:
    """The fewest points such that each span (but rare ones) has one in it, each as late (or early) as can be."""
    if early:
        mirrored = Counter({(-high, -low): count for (low, high), count in spans.items()})
        return [-point for point in reversed(_stabbed(mirrored, limit, False))]
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
    for key, counts in most.items():
        limit = bound(sum(counts.values()) * rate / 2)
        usual = [count for count, weight in counts.items() if weight > limit]
        constant = len(usual) == 1 and sum(counts.values()) >= sessions - limit
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
