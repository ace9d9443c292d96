"""Anomalies of a day to incidents: what is one event to a person is one row.

All anomalies of a session are one; so are sessions that go wrong at one place in a burst, the rates of the same burst,
and the new templates of a flood after a deploy. Grouping asks for kinds, places and times, never for scores, so it
does not change where a threshold does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from deeplog_ops.detection import incident_places as places
from deeplog_ops.detection.incident_joining import (
    DeployMarker,
    Flood,
    Joined,
    Unit,
    floods_of,
    join_bursts,
    join_floods,
    join_rates,
    units_of,
)
from deeplog_ops.detection.incident_places import Resolve
from deeplog_ops.detection.incident_words import reason, title
from deeplog_ops.detection.severity import anomaly_severity, incident_severity
from deeplog_ops.records import Anomaly, Incident, LineRef, stable_id

NAMED = 20  # sessions and templates that the details name
FEW_RATES = (
    3  # odd rates of so many templates have a fingerprint of their own; of more, they are the source's
)


def group(
    anomalies: Sequence[Anomaly],
    *,
    resolve: Resolve = lambda key: key,
    texts: Mapping[str, str] | None = None,
    deploys: Sequence[DeployMarker] = (),
    first_seen: Mapping[str, datetime] | None = None,
) -> tuple[list[Incident], dict[str, str]]:
    """The incidents of one source's day, the most severe first, and which one each anomaly belongs to.

    `resolve` gives the id that a template's stands for (Catalogue.resolve), `texts` texts by id, `first_seen` when a
    template that the version does not know came first on the day. Every anomaly belongs to one incident. The order of
    the anomalies does not matter; time grows with n log n.
    """
    units = units_of(anomalies, resolve)
    joined = Joined(len(units))
    join_bursts(units, joined)
    join_rates(units, joined, resolve)
    floods = floods_of(units, resolve, deploys, dict(first_seen or {}))
    of_flood = join_floods(units, joined, floods, resolve)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for number in range(len(units)):
        groups[joined.root(number)].append(number)
    drafts = [
        _draft([units[number] for number in numbers], _flood_of(numbers, of_flood), texts or {}, resolve)
        for numbers in groups.values()
    ]
    incidents, belongs = [], {}
    for (incident, members), locator in zip(drafts, _locators(drafts), strict=True):
        located = replace(incident, locator=locator)
        incidents.append(located)
        belongs.update(dict.fromkeys(members, located.incident_id))
    incidents.sort(key=lambda each: (-each.severity, -each.sessions, each.fingerprint, each.locator))
    return incidents, belongs


def _flood_of(numbers: list[int], of_flood: Mapping[int, Flood]) -> Flood | None:
    found = [of_flood[number] for number in numbers if number in of_flood]
    return min(found, key=lambda flood: flood.begin) if found else None


def _locators(drafts: Sequence[tuple[Incident, list[str]]]) -> list[str]:
    """The fingerprint, and which one of its day it is by time: found again, an incident keeps its id."""
    places_in_day = sorted(
        range(len(drafts)),
        key=lambda at: (drafts[at][0].fingerprint, _moment(drafts[at][0].first_time), min(drafts[at][1])),
    )
    found, count = [""] * len(drafts), defaultdict[str, int](int)
    for at in places_in_day:
        fingerprint = drafts[at][0].fingerprint
        found[at] = f"{fingerprint}:{count[fingerprint]}"
        count[fingerprint] += 1
    return found


def _draft(
    units: list[Unit], flood: Flood | None, texts: Mapping[str, str], resolve: Resolve
) -> tuple[Incident, list[str]]:
    members = [each for unit in units for each in unit.members]
    severities = {each.anomaly_id: anomaly_severity(each) for each in members}
    worst = min(members, key=lambda each: (-severities[each.anomaly_id], -each.score, each.anomaly_id))
    first = min(members, key=lambda each: (_moment(each.first_time), _line(each), each.anomaly_id))
    named = min(
        units, key=lambda unit: (places.naming_order(unit.naming, unit.place), unit.naming.anomaly_id)
    )
    sessions = sorted({each.session for each in members if each.session is not None})
    keys = sorted({resolve(each.template_id) for each in members if each.template_id is not None})
    rates = sorted({unit.place[1] for unit in units if places.is_rate(unit.naming)})
    only_rates = len(rates) if all(places.is_rate(unit.naming) for unit in units) else 0
    starts = [each.first_time for each in members if each.first_time is not None]
    ends = [each.last_time for each in members if each.last_time is not None]
    naming = worst if only_rates else named.naming
    details: dict[str, Any] = {
        "sessions": sessions[:NAMED],
        "templates": keys[:NAMED],
        "detectors": sorted({each.detector for each in members}),
        "kinds": sorted({each.kind for each in members}),
    }
    if flood is not None:
        details["new_templates"] = len(flood.templates)
    if flood is not None and flood.deploy is not None:
        details["deploy"] = {"at": flood.deploy.at.isoformat(), "label": flood.deploy.label}
    place = _place(named, rates if only_rates else [], flood)
    return Incident(
        source_key=worst.source_key,
        day=worst.day,
        locator="",
        kind=places.NEW_TEMPLATES if flood else naming.kind,
        fingerprint=stable_id("fingerprint", worst.source_key, *place),
        severity=incident_severity(severities.values(), len(sessions) or only_rates),
        title=title(
            naming,
            sessions=len(sessions),
            rates=rates if only_rates else [],
            flood=flood,
            texts=texts,
            resolve=resolve,
        ),
        reason=reason(
            worst,
            naming,
            sessions=len(sessions),
            places=len({unit.place for unit in units}),
            flood=flood,
        ),
        anomalies=len(members),
        sessions=len(sessions),
        worst_anomaly_id=worst.anomaly_id,
        first_time=min(starts, default=None),
        last_time=max(ends, default=None),
        first=_first_line(first),
        worst=worst.where,
        details=details,
    ), [each.anomaly_id for each in members]


def _place(named: Unit, rates: Sequence[str], flood: Flood | None) -> places.Place:
    """What the fingerprint is of. A flood is one until training has learnt it: which templates come differs by day."""
    if flood is not None:
        return (places.NEW_TEMPLATES,)
    if rates:
        return (named.place[0], *(rates if len(rates) <= FEW_RATES else ("many",)))
    return named.place


def _first_line(anomaly: Anomaly) -> LineRef:
    """A rule's own first line, else the line that the anomaly leads to."""
    found = anomaly.details.get("first")
    if not isinstance(found, Mapping):
        return anomaly.where
    return LineRef(found["file_id"], found["line_no"], found["byte_offset"])


def _moment(moment: datetime | None) -> tuple[bool, float]:
    """Orders times; what has none comes last."""
    return (moment is None, moment.timestamp() if moment is not None else 0.0)


def _line(anomaly: Anomaly) -> tuple[str, int]:
    return (anomaly.where.file_id, anomaly.where.line_no)
