"""Where a loop's turns begin, and what stands between two of them."""

from __future__ import annotations

import numpy as np

from deeplog_ops.workflows.cuts import Cut
from deeplog_ops.workflows.relations import Log, Relations, bound, components


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
