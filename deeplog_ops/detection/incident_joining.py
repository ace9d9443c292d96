"""Which anomalies of a day are one event: joined by session, by place and time, by template, by deploy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from deeplog_ops.detection import incident_places as places
from deeplog_ops.detection.incident_places import Place, Resolve
from deeplog_ops.records import Anomaly

GAP = timedelta(minutes=15)  # sessions that go wrong at one place with shorter pauses are one burst
LONG = timedelta(hours=8)  # a rate that is odd for longer is no burst, and joins only others of that length
TOGETHER = timedelta(minutes=30)  # new templates that come first with shorter pauses are one flood,
FLOOD = 5  # if they are so many,
FLOOD_AFTER_DEPLOY = 2  # or so many with a deploy
REPLACED = timedelta(hours=1)  # what stops coming so near to a flood's beginning was replaced by it
DEPLOY_REACH = timedelta(hours=2)  # within so long before


@dataclass(frozen=True)
class DeployMarker:
    """A deploy that a person marked: when it went live (aware), and what, such as a version."""

    at: datetime
    label: str


@dataclass(frozen=True)
class Unit:
    """The anomalies of one session, or one without a session; `naming` is the one that gives the place."""

    members: tuple[Anomaly, ...]
    naming: Anomaly
    place: Place
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True)
class Flood:
    """New templates that came first at about one time, maybe after a deploy."""

    templates: frozenset[str]
    begin: datetime
    deploy: DeployMarker | None


class Joined:
    """Disjoint sets of units, by number."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, unit: int) -> int:
        while self._parent[unit] != unit:
            self._parent[unit] = self._parent[self._parent[unit]]
            unit = self._parent[unit]
        return unit

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low


def units_of(anomalies: Iterable[Anomaly], resolve: Resolve) -> list[Unit]:
    """The units, in an order that depends on what they are alone."""
    by_session: defaultdict[tuple[str, str], list[Anomaly]] = defaultdict(list)
    for anomaly in {each.anomaly_id: each for each in anomalies}.values():
        own = ("session", anomaly.session) if anomaly.session is not None else ("", anomaly.anomaly_id)
        by_session[own].append(anomaly)
    return [_unit(by_session[key], resolve) for key in sorted(by_session)]


def _unit(members: list[Anomaly], resolve: Resolve) -> Unit:
    members.sort(key=lambda each: each.anomaly_id)
    placed = [(places.naming_order(each, places.place_of(each, resolve)), each) for each in members]
    (_, place), naming = min(placed, key=lambda each: (each[0], each[1].anomaly_id))
    begins = [each.first_time for each in members if each.first_time is not None]
    ends = [each.last_time or each.first_time for each in members if each.first_time is not None]
    return Unit(
        tuple(members), naming, place, min(begins, default=None), max(filter(None, ends), default=None)
    )


def join_bursts(units: Sequence[Unit], joined: Joined) -> None:
    """Units of one place, each within GAP of those before it; of rates, all that overlap and point the same way."""
    groups: defaultdict[Place, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        if places.is_rate(unit.naming):
            long = unit.first is not None and unit.last is not None and unit.last - unit.first > LONG
            groups[(unit.place[0], "long" if long else "short")].append(number)
        else:
            groups[unit.place].append(number)
    for place, numbers in groups.items():
        _sweep(units, numbers, joined, timedelta() if place[0] in (places.MORE, places.FEWER) else GAP)


def _sweep(units: Sequence[Unit], numbers: list[int], joined: Joined, gap: timedelta) -> None:
    timed = [(first, number) for number in numbers if (first := units[number].first) is not None]
    without = [number for number in numbers if units[number].first is None]
    for one, other in pairwise(without):
        joined.join(one, other)
    latest: tuple[datetime, int] | None = None
    for first, number in sorted(timed):
        last = units[number].last or first
        if latest is not None and first < latest[0] + gap:
            joined.join(latest[1], number)
        if latest is None or last > latest[0]:
            latest = (last, number)


def join_rates(units: Sequence[Unit], joined: Joined, resolve: Resolve) -> None:
    """What came too often, or too rarely, with the sessions where it came, or was missed, at that time."""
    rates: defaultdict[Place, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        if places.is_rate(unit.naming):
            rates[unit.place].append(number)
    for number, unit in enumerate(units):
        if places.is_rate(unit.naming):
            continue
        came = unit.naming.template_id
        missed = places.expected_key(unit.naming, resolve)
        for place in ((places.MORE, resolve(came) if came else ""), (places.FEWER, missed)):
            for rate in rates.get(place, ()):
                if _overlap(unit, units[rate]):
                    joined.join(number, rate)


def _overlap(one: Unit, other: Unit) -> bool:
    if one.first is None or one.last is None or other.first is None or other.last is None:
        return False
    return one.first <= other.last and other.first <= one.last


def floods_of(
    units: Sequence[Unit],
    resolve: Resolve,
    deploys: Sequence[DeployMarker],
    first_seen: dict[str, datetime],
) -> list[Flood]:
    """Where many templates that the version does not know came first within a short time.

    `first_seen` says when a template came first on the day, as far as is known; else it is its first anomaly.
    """
    began: dict[str, datetime] = {}
    for unit in units:
        for anomaly in unit.members:
            if places.is_new_template(anomaly) and anomaly.first_time is not None:
                key = resolve(anomaly.template_id or "")
                moment = first_seen.get(key, anomaly.first_time)
                began[key] = min(began.get(key, moment), moment)
    runs: list[list[tuple[datetime, str]]] = []
    for moment, key in sorted((moment, key) for key, moment in began.items()):
        if not runs or moment - runs[-1][-1][0] > TOGETHER:
            runs.append([])
        runs[-1].append((moment, key))
    found = [_flood(run, sorted(deploys, key=lambda each: (each.at, each.label))) for run in runs]
    return [flood for flood in found if flood is not None]


def _flood(run: Sequence[tuple[datetime, str]], deploys: Sequence[DeployMarker]) -> Flood | None:
    begin, end = run[0][0], run[-1][0]
    near = [each for each in deploys if each.at <= end and begin - each.at <= DEPLOY_REACH]
    if len(run) < (FLOOD_AFTER_DEPLOY if near else FLOOD):
        return None
    return Flood(frozenset(key for _, key in run), begin, near[-1] if near else None)


def join_floods(
    units: Sequence[Unit], joined: Joined, floods: Sequence[Flood], resolve: Resolve
) -> dict[int, Flood]:
    """Units of a flood's templates are one, with what stopped coming then: new software no longer writes it.

    The flood of each unit, by number.
    """
    of_template = {key: number for number, flood in enumerate(floods) for key in flood.templates}
    leader: dict[int, int] = {}
    found: dict[int, Flood] = {}
    for number, unit in enumerate(units):
        new = [each for each in unit.members if places.is_new_template(each)]
        for flood in {of_template.get(resolve(each.template_id or "")) for each in new} - {None}:
            assert flood is not None
            joined.join(leader.setdefault(flood, number), number)
            found[number] = floods[flood]
    for number, unit in enumerate(units):
        if unit.place[0] != places.FEWER or unit.first is None:
            continue
        for flood, first in leader.items():
            if abs(unit.first - floods[flood].begin) <= REPLACED:
                joined.join(first, number)
                found[number] = floods[flood]
    return found
