"""A day's lines: a pure function of the seed, the day and the settings, so any day can be written alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from itertools import accumulate
from random import Random

from deeplog_ops.simulate.anomalies import ORDER, VALUES, change
from deeplog_ops.simulate.background import DAY_MS, RATE, chatter_of, disturb
from deeplog_ops.simulate.session import HOUR_MS, Edit, Line, Walk
from deeplog_ops.simulate.system import HOURS, TASKS, TOGETHER, WEEKDAYS
from deeplog_ops.simulate.workflow import Node, Release, Task, released

KINDS = (*ORDER, *VALUES, *RATE)
TRIES = 200


@dataclass(frozen=True)
class Plan:
    """What the logs are like. `deploy` is the day from which the new release runs; None: never."""

    seed: int = 0
    sessions_per_day: int = 1200
    anomalies_per_day: int = 12
    anomalies_from: date | None = None
    deploy: date | None = None

    def release(self, day: date) -> Release:
        return "new" if self.deploy is not None and day >= self.deploy else "old"

    def kinds(self, day: date) -> list[str]:
        """The anomalies of a day: the kinds by turns, so that a few days have them all."""
        if self.anomalies_from is not None and day < self.anomalies_from:
            return []
        first = day.toordinal() * self.anomalies_per_day
        return [KINDS[(first + place) % len(KINDS)] for place in range(self.anomalies_per_day)]


@dataclass(frozen=True)
class Started:
    """The sessions that started on a day, each with its lines; times run past DAY_MS where they cross midnight."""

    lines: list[Line]
    sessions: int


def started_on(day: date, plan: Plan) -> Started:
    starts = list(_starts(day, plan, Random(f"{plan.seed} {day} starts")))
    changed: dict[int, list[Line]] = {}
    rng = Random(f"{plan.seed} {day} anomalies")
    for kind in plan.kinds(day):
        if kind not in RATE:
            index, lines = _anomalous(kind, starts, changed, day, plan, rng)
            changed[index] = lines
    lines = []
    for index, (ms, task) in enumerate(starts):
        lines += changed.get(index) or _walk(task, ms, index, day, plan, None).lines
    return Started(lines, len(starts))


def lines_of(day: date, plan: Plan, today: Started, yesterday: Started) -> list[Line]:
    """The day's lines in the order of time: what started today, what started yesterday and runs on, and chatter."""
    rng = Random(f"{plan.seed} {day} chatter")
    chatter = chatter_of(rng)
    for kind in plan.kinds(day):
        if kind in RATE:
            chatter = disturb(kind, chatter, rng)
    lines = [line._replace(ms=line.ms - DAY_MS) for line in yesterday.lines if line.ms >= DAY_MS]
    lines += [line for line in today.lines if line.ms < DAY_MS]
    return sorted(lines + chatter, key=lambda line: line.ms)


def flow_of(task: Task, release: Release) -> Node:
    return _flows(release)[task.name]


@cache
def _flows(release: Release) -> dict[str, Node]:
    flows = ((task.name, released(task.flow, release)) for task in TASKS)
    return {name: flow for name, flow in flows if flow is not None}


def _starts(day: date, plan: Plan, rng: Random) -> Iterator[tuple[int, Task]]:
    """When each session starts, and its task."""
    requests = [task for task in TASKS if task.daily_at is None]
    hours, shares = list(accumulate(HOURS)), list(accumulate(task.share for task in requests))
    count = round(plan.sessions_per_day * WEEKDAYS[day.weekday()] * (1 + 0.03 * rng.gauss(0, 1)))
    ms = 0
    for number in range(max(0, count)):
        if number and rng.random() < TOGETHER:
            ms = min(DAY_MS - 1, ms + rng.randrange(30))
        else:
            ms = rng.choices(range(24), cum_weights=hours)[0] * HOUR_MS + rng.randrange(HOUR_MS)
        yield ms, rng.choices(requests, cum_weights=shares)[0]
    for task in TASKS:
        if task.daily_at is not None and task.weekday in (None, day.weekday()):
            for _ in range(task.times):
                yield int(task.daily_at * HOUR_MS) + rng.randrange(300_000), task


def _walk(task: Task, ms: int, index: int, day: date, plan: Plan, edit: Edit | None) -> Walk:
    # A generator of its own for each session: an anomaly in one changes no other.
    return Walk(task, flow_of(task, plan.release(day)), ms, Random(f"{plan.seed} {day} {index}"), edit)


def _anomalous(
    kind: str,
    starts: list[tuple[int, Task]],
    changed: dict[int, list[Line]],
    day: date,
    plan: Plan,
    rng: Random,
) -> tuple[int, list[Line]]:
    for _ in range(TRIES):
        index = rng.randrange(len(starts)) if starts else -1
        if index < 0 or index in changed:
            continue
        ms, task = starts[index]
        again = partial(_walk, task, ms, index, day, plan)
        lines = change(kind, flow_of(task, plan.release(day)), again, rng)
        if lines is not None:
            return index, lines
    raise ValueError(
        f"{kind} finds no session on {day}: {len(starts)} sessions cannot hold {plan.anomalies_per_day} anomalies"
    )
