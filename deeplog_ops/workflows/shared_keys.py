"""Which of the tasks that share a key wrote each of its events: the one that needs it first.

A task needs the key between two of its own steps where every run that has both has the key between them, more often
than chance would put one there. Each such stretch of a run is served one event, the stretch that closes first before
the others; what is left goes to a stretch that is open.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence

ALWAYS = 0.97  # share of the runs with both steps that have the key between them
SURE = 30.0  # nats: odds that the key is between the steps for a reason
LEAST_RUNS = 8  # with both steps: fewer are no evidence

Run = list[tuple[str, int]]  # a run's own events: key, and place in the stream
Stretch = tuple[int, int]  # places in a stream between which an event is needed


def share_out(
    streams: Sequence[tuple[str, ...]], owners: Mapping[str, tuple[int, ...]], tasks: int
) -> list[list[int]]:
    """The task of every event, -1 for keys without owner."""
    rows = [[owners[key][0] if len(owners.get(key, ())) == 1 else -1 for key in stream] for stream in streams]
    runs = {number: _runs(streams, rows, number) for number in range(tasks)}
    for key in sorted(key for key, own in owners.items() if len(own) > 1):
        places = [[place for place, other in enumerate(stream) if other == key] for stream in streams]
        needs = {number: _needs(runs[number], places, streams)[0] for number in owners[key]}
        for stream, row in enumerate(rows):
            stretches = {number: found[stream] for number, found in needs.items()}
            _serve(row, places[stream], stretches, owners[key])
    return rows


def needed(
    streams: Sequence[tuple[str, ...]], owners: Mapping[str, int], number: int, keys: Sequence[str]
) -> list[str]:
    """Those of the keys, all given to other tasks, that this task needs somewhere, too."""
    rows = [[owners.get(key, -1) for key in stream] for stream in streams]
    runs = _runs(streams, rows, number)
    found = []
    for key in keys:
        places = [[place for place, other in enumerate(stream) if other == key] for stream in streams]
        if _needs(runs, places, streams)[1] > SURE:
            found.append(key)
    return found


def _runs(streams: Sequence[Sequence[str]], rows: Sequence[Sequence[int]], number: int) -> list[list[Run]]:
    """The runs of a task in each stream, by the events that are surely its own."""
    own = [
        [(key, place) for place, key in enumerate(stream) if row[place] == number]
        for stream, row in zip(streams, rows, strict=True)
    ]
    least = max(1, len(streams) // 20)
    heads = {key for key, count in Counter(found[0][0] for found in own if found).items() if count >= least}
    tails = {key for key, count in Counter(found[-1][0] for found in own if found).items() if count >= least}
    cut: list[list[Run]] = []
    for found in own:
        runs: list[Run] = []
        for i, event in enumerate(found):
            if i == 0 or (event[0] in heads and found[i - 1][0] in tails):
                runs.append([])
            runs[-1].append(event)
        cut.append(runs)
    return cut


def _needs(
    runs: Sequence[Sequence[Run]], places: Sequence[Sequence[int]], streams: Sequence[Sequence[str]]
) -> tuple[list[list[Stretch]], float]:
    """The stretches, for each stream, of the pair of steps that speaks most surely for the key between them.

    And the log odds of "always" against chance.
    """
    rate = sum(map(len, places)) / max(1, sum(map(len, streams)))
    found: dict[tuple[str, str], list[tuple[int, Stretch]]] = {}
    for stream, of_stream in enumerate(runs):
        for run in of_stream:
            for pair, stretch in _stretches(run).items():
                found.setdefault(pair, []).append((stream, stretch))
    best, chosen = 0.0, None
    for pair, stretches in sorted(found.items()):
        if len(stretches) < LEAST_RUNS:
            continue
        evidence, having = 0.0, 0
        for stream, (start, stop) in stretches:
            by_chance = -math.expm1(-rate * (stop - start))
            if bisect_left(places[stream], stop) > bisect_right(places[stream], start):
                evidence += math.log(ALWAYS / by_chance)
                having += 1
            else:
                evidence += math.log((1 - ALWAYS) / (1 - by_chance))
        if having < ALWAYS * len(stretches):
            continue
        if evidence > best:
            best, chosen = evidence, pair
    needed: list[list[Stretch]] = [[] for _ in streams]
    for stream, stretch in found.get(chosen, []) if chosen else []:
        needed[stream].append(stretch)
    return needed, best


def _stretches(run: Run) -> dict[tuple[str, str], Stretch]:
    """From the last time of a step to the first time of another, where that is later."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for key, place in run:
        first.setdefault(key, place)
        last[key] = place
    return {
        (one, other): (last[one], first[other]) for one in last for other in first if last[one] < first[other]
    }


def _serve(
    row: list[int], places: Sequence[int], needs: Mapping[int, Sequence[Stretch]], owners: Sequence[int]
) -> None:
    free = list(places)
    for stop, start, number in sorted(
        (stop, start, number) for number, stretches in needs.items() for start, stop in stretches
    ):
        at = bisect_right(free, start)
        if at < len(free) and free[at] < stop:
            row[free.pop(at)] = number
    for place in free:
        open_now = [
            number
            for number in owners
            if any(start < place < stop for start, stop in needs[number]) or not needs[number]
        ]
        row[place] = open_now[0] if open_now else owners[0]
