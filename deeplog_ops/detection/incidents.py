"""Anomalies of a day to incidents: what is one event to a person is one row.

All anomalies of a session are one; so are sessions that go wrong at one place in a burst, the rates of the same burst,
and new templates that come first together, as after a deploy; which deploy that was, a view says from what people
marked. Grouping asks for kinds, places and times, never for scores, so it does not change where a threshold does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from deeplog_ops.detection import incident_places as places
from deeplog_ops.detection.incident_groups import Groups, grouped
from deeplog_ops.detection.incident_joining import Flood
from deeplog_ops.detection.incident_places import Resolve
from deeplog_ops.detection.incident_records import Recorder, time_of
from deeplog_ops.detection.incident_words import reason, title
from deeplog_ops.records import Anomaly, Incident, LineRef


def group(
    anomalies: Sequence[Anomaly],
    *,
    resolve: Resolve = lambda key: key,
    texts: Mapping[str, str] | None = None,
    first_seen: Mapping[str, datetime] | None = None,
) -> tuple[list[Incident], dict[str, str]]:
    """The incidents of one source's day, the most severe first, and which one each anomaly belongs to.

    `resolve` gives the id that a template's stands for (Catalogue.resolve), `texts` texts by id, `first_seen` when a
    template that the version does not know came first on the day. Every anomaly belongs to one incident. The order of
    the anomalies does not matter; time grows with n log n.
    """
    by_id = {each.anomaly_id: each for each in anomalies}
    if not by_id:
        return [], {}
    recorder = Recorder(resolve)
    recorder.add(by_id.values())
    first = next(iter(by_id.values()))
    found = grouped(recorder.records(), first.source_key, first.day, first_seen=first_seen or {})
    belongs = dict(zip(by_id, found.incident_of(), strict=True))
    return told(found, set(belongs.values()), by_id, resolve=resolve, texts=texts or {}), belongs


def told(
    groups: Groups,
    shown: Collection[str],
    anomaly_of: Mapping[str, Anomaly],
    *,
    resolve: Resolve,
    texts: Mapping[str, str],
) -> list[Incident]:
    """The incidents of these ids, the most severe first. `anomaly_of` has those that `groups.needed(shown)` names."""
    members = groups.members(shown)
    found = []
    for row in groups.rows(shown):
        worst, first, named = (anomaly_of[row[name]] for name in ("worst_id", "first_id", "named_id"))
        flood = None if row["flood"] is None else groups.floods[row["flood"]]
        rates = groups.rates.get(row["incident"], []) if row["only_rates"] else []
        naming = worst if rates else named
        found.append(
            Incident(
                source_key=worst.source_key,
                day=worst.day,
                locator=row["locator"],
                kind=places.NEW_TEMPLATES if flood else naming.kind,
                fingerprint=row["fingerprint"],
                severity=row["severity"],
                title=title(
                    naming,
                    sessions=row["sessions"],
                    rates=rates,
                    flood=flood,
                    texts=texts,
                    resolve=resolve,
                ),
                reason=reason(
                    worst,
                    naming,
                    sessions=row["sessions"],
                    places=row["places"],
                    flood=flood,
                ),
                anomalies=row["anomalies"],
                sessions=row["sessions"],
                worst_anomaly_id=worst.anomaly_id,
                first_time=time_of(row["first_time"]),
                last_time=time_of(row["last_time"]),
                first=_first_line(first),
                worst=worst.where,
                details={**members[row["incident"]], **_flood(flood)},
            )
        )
    return sorted(found, key=lambda each: (-each.severity, -each.sessions, each.fingerprint, each.locator))


def _flood(flood: Flood | None) -> dict[str, Any]:
    return {} if flood is None else {"new_templates": len(flood.templates)}


def _first_line(anomaly: Anomaly) -> LineRef:
    """A rule's own first line, else the line that the anomaly leads to."""
    found = anomaly.details.get("first")
    if not isinstance(found, Mapping):
        return anomaly.where
    return LineRef(found["file_id"], found["line_no"], found["byte_offset"])
