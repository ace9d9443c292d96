"""Tells apart the tasks that interleave in one log without session ids (DeepLog, section 4.1).

A task here runs again and again beside others, one run of it at a time, and has at least two steps that every run
takes just once, in the same order (its first and last line, say). Such steps alternate strictly, and steps of other
tasks do not: they are a task's core. Any other key is given to the task whose progress it depends on: what that task
wrote last says something about whether the key comes now. A key that depends on two tasks is shared by them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from deeplog_ops.workflows.discovery import DiscoverySettings, by_cooccurrence
from deeplog_ops.workflows.graph import Workflow
from deeplog_ops.workflows.shared_keys import needed, share_out

LEAST_RUNS = 8  # of a task: fewer are no evidence that two keys alternate
SLIP = 0.05  # share of two neighbours of one key without the other between them, that noise may cause
MARGIN = (
    6  # of a stream, its first and last sixth tell nothing: all tasks begin there, and end, at the same time
)
MILD = 0.9  # bits a cell of the table costs where the saving is but a hint that a key may be shared
CORE_BITS = 8.0  # what one core must tell of another for the two to be one task


@dataclass(frozen=True)
class Task:
    """One of the tasks: its keys (sorted), its runs as sequences of keys, and the workflow found in them."""

    keys: tuple[str, ...]
    runs: tuple[tuple[str, ...], ...]
    workflow: Workflow


@dataclass(frozen=True)
class Separation:
    """`assignment[s][i]` is the number of the task that wrote event i of stream s; -1 where no task did."""

    tasks: tuple[Task, ...]
    assignment: tuple[tuple[int, ...], ...]


def separate(streams: Sequence[Sequence[str]], settings: DiscoverySettings | None = None) -> Separation:
    """Tasks of streams of keys, each stream a stretch of log that begins and ends between runs.

    One stream is enough where runs begin with one key. Tasks are numbered by their first key in the streams.
    """
    settings = settings or DiscoverySettings(keep_ways=False)
    given = [tuple(stream) for stream in streams]
    cores = _dependent(given, _cores(given))
    owners = _owners(given, cores)
    assignment = share_out(given, owners, len(cores))
    tasks = []
    for number in range(len(cores)):
        own = [
            [key for key, task in zip(stream, row, strict=True) if task == number]
            for stream, row in zip(given, assignment, strict=True)
        ]
        runs = _runs([keys for keys in own if keys])
        keys = tuple(sorted({key for run in runs for key in run}))
        tasks.append(Task(keys, tuple(runs), by_cooccurrence(runs, None, settings)))
    return Separation(tuple(tasks), tuple(tuple(row) for row in assignment))


def _cores(streams: Sequence[tuple[str, ...]]) -> list[list[str]]:
    """Groups of keys that alternate strictly, by their first appearance."""
    names = list(dict.fromkeys(key for stream in streams for key in stream))
    number = {key: place for place, key in enumerate(names)}
    size = len(names)
    again = [[0] * size for _ in range(size)]  # [a][b]: times b came again without an a since
    gaps = [0] * size  # times it came again at all
    for stream in streams:
        last = [-1] * size
        for place, key in enumerate(stream):
            one = number[key]
            if last[one] >= 0:
                gaps[one] += 1
                for other in range(size):
                    again[other][one] += last[other] < last[one]
            last[one] = place
    alternate: dict[int, set[int]] = {place: set() for place in range(size)}
    for a in range(size):
        for b in range(a + 1, size):
            if (
                min(gaps[a], gaps[b]) >= LEAST_RUNS
                and max(again[b][a] / gaps[a], again[a][b] / gaps[b]) <= SLIP
            ):
                alternate[a].add(b)
                alternate[b].add(a)
    left = [place for place in range(size) if alternate[place]]
    groups: list[list[str]] = []
    while left:
        group, todo = {left[0]}, [left[0]]
        while todo:
            fresh = alternate[todo.pop()] - group
            group |= fresh
            todo += fresh
        groups.append([names[place] for place in sorted(group)])
        left = [place for place in left if place not in group]
    return groups


def _dependent(streams: Sequence[tuple[str, ...]], cores: list[list[str]]) -> list[list[str]]:
    """Cores that tell of each other as one: alternatives of a task have cores of their own."""
    while True:
        best, pair = CORE_BITS, (-1, -1)
        for one, core in enumerate(cores):
            told = _told(streams, set(core), [key for other in cores if other is not core for key in other])
            for other, keys in enumerate(cores):
                bits = max((told[key] for key in keys), default=0.0) if other != one else 0.0
                if bits > best:
                    best, pair = bits, (min(one, other), max(one, other))
        if pair == (-1, -1):
            return cores
        merged = cores[pair[0]] + cores[pair[1]]
        cores = [
            merged if number == pair[0] else core for number, core in enumerate(cores) if number != pair[1]
        ]


def _owners(streams: Sequence[tuple[str, ...]], cores: list[list[str]]) -> dict[str, tuple[int, ...]]:
    """The tasks of each key: the core's own, then whichever depends most on a task, one after the other."""
    owners: dict[str, tuple[int, ...]] = {key: (number,) for number, core in enumerate(cores) for key in core}
    left = sorted({key for stream in streams for key in stream} - owners.keys())
    told = {
        number: _told(streams, {key for key, own in owners.items() if own == (number,)}, left)
        for number in range(len(cores))
    }
    while left and cores:
        key, number = max(
            ((key, number) for key in left for number in range(len(cores))),
            key=lambda pair: told[pair[1]][pair[0]],
        )
        owners[key] = (number,)
        left.remove(key)
        if left:
            told[number] = _told(streams, {key for key, own in owners.items() if own == (number,)}, left)
    loose = [key for key in owners if not any(key in core for core in cores)]
    for number in range(len(cores)):
        mine = {key for key, own in owners.items() if number in own}
        others = [key for key in loose if number not in owners[key]]
        hints = _told(streams, mine, others, MILD)
        hinted = [key for key in others if hints[key] > 0]
        for key in needed(streams, {key: own[0] for key, own in owners.items()}, number, hinted):
            owners[key] = (*owners[key], number)
    return owners


def _told(
    streams: Sequence[tuple[str, ...]], task: set[str], keys: Sequence[str], price: float | None = None
) -> dict[str, float]:
    """For each key, the bits that knowing the task's last event saves in telling where the key comes."""
    background: Counter[str] = Counter()
    at: dict[str, Counter[str]] = {key: Counter() for key in keys}
    moments: Counter[str] = (
        Counter()
    )  # of the task's own time in which the key came: its repeats are no evidence
    for stream in streams:
        last = ""
        fresh = set(keys)
        edge = len(stream) // MARGIN
        for place, key in enumerate(stream):
            if key in task:
                last = key
                fresh = set(keys)
            elif edge <= place < len(stream) - edge:
                background[last] += 1
                if key in at:
                    at[key][last] += 1
                    moments[key] += key in fresh
                    fresh.discard(key)
    total = sum(background.values())
    told: dict[str, float] = {}
    for key, phases in at.items():
        count = sum(phases.values())
        saved = sum(
            times * math.log2((times / count) / (background[phase] / total))
            for phase, times in phases.items()
        )
        saved *= moments[key] / max(1, count)
        each = 0.5 * math.log2(count + 1) if price is None else price
        told[key] = saved - each * max(0, len(background) - 1)
    return told


def _runs(streams: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """A task's streams cut into runs: where what ends streams stands before what begins them."""
    least = max(1, len(streams) // 20)
    heads = {key for key, count in Counter(stream[0] for stream in streams).items() if count >= least}
    tails = {key for key, count in Counter(stream[-1] for stream in streams).items() if count >= least}
    runs: list[tuple[str, ...]] = []
    for stream in streams:
        start = 0
        for place in range(1, len(stream)):
            if stream[place] in heads and stream[place - 1] in tails:
                runs.append(tuple(stream[start:place]))
                start = place
        runs.append(tuple(stream[start:]))
    return runs
