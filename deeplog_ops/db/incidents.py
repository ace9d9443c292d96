"""Incidents as people ask for them: those of a day with what days before and after say, and one with its anomalies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db import sql_files
from deeplog_ops.db.engine import transaction
from deeplog_ops.db.readers import PublishedAnomaly, published_anomalies
from deeplog_ops.db.sources import source_of
from deeplog_ops.errors import DatabaseError

_SHORTEST = 4


@dataclass(frozen=True)
class PublishedIncident:
    """A row of bi.incidents: `severity` as its day gave it, `severity_now` against other days, both 0 to 100."""

    source: str
    day: date
    incident_id: str
    status: str
    severity: int
    severity_now: int
    kind: str
    title: str
    reason: str
    anomalies: int
    sessions: int
    first_time: datetime | None
    last_time: datetime | None
    first_day: date
    last_day: date
    days_seen: int
    status_then: str
    verdict: str | None
    shown: bool
    anomalies_hidden: int
    deploy: str | None
    deploy_at: datetime | None
    fingerprint: str
    worst_anomaly_id: str
    details: Mapping[str, Any]
    day_state: str
    model_version: str | None


@dataclass(frozen=True)
class IncidentReport:
    """An incident with its worst anomalies and their lines, those too that a verdict hides."""

    incident: PublishedIncident
    anomalies: tuple[PublishedAnomaly, ...]


def incidents(
    engine: Engine, source_key: str, day: date | None = None, *, hidden: bool = False, limit: int = 200
) -> list[PublishedIncident]:
    """The incidents of a day, or of all, the latest day and the severest first; those that verdicts hide on request."""
    with transaction(engine) as connection:
        source_of(connection, source_key, lock="")
        return _incidents(connection, source_key, day, None, hidden, limit)


def latest_scored_day(engine: Engine, source_key: str) -> date | None:
    """The day that decides what is still going on; None: no day was scored yet."""
    with transaction(engine) as connection:
        return connection.execute(
            text(
                "SELECT max(day) FROM deeplog.days WHERE source_id = :source_id AND state IN ('scored', 'stale')"
            ),
            {"source_id": source_of(connection, source_key, lock="")},
        ).scalar()


def incident(engine: Engine, given: str, limit: int = 5) -> IncidentReport:
    """The incident, of any source, whose id is or begins with `given`, with its worst `limit` anomalies.

    Raises DatabaseError that names the nearest, or what to look for.
    """
    clean = given.strip().lower()
    with transaction(engine) as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        rows = connection.execute(
            text(
                "SELECT s.key, s.name, i.day, i.incident_id, i.title FROM deeplog.incidents i "
                "JOIN deeplog.sources s USING (source_id) WHERE starts_with(i.incident_id, :given) "
                "OR starts_with(i.fingerprint, :given) ORDER BY i.incident_id = :given DESC, i.day DESC LIMIT 6"
            ),
            {"given": clean},
        ).all()
        whole = [row for row in rows if row.incident_id == clean]
        of_one = len({row.incident_id for row in rows}) == 1
        if len(clean) < _SHORTEST or not (whole or of_one):
            listed = "".join(f"\n  {row.incident_id}  {row.day}  {row.name}: {row.title}" for row in rows)
            if rows:
                raise DatabaseError(f"{given!r} begins more than one incident:{listed}\nGive more of the id")
            raise DatabaseError(
                f"there is no incident with id {given!r}: `deeplog-ops incidents SOURCE` lists those of the latest "
                "scored day, with --all those of every day"
            )
        (found,) = whole or rows[:1]
        shown = _incidents(connection, found.key, found.day, found.incident_id, True, 1)
        worst = published_anomalies(
            connection, found.key, found.day, limit, incident_id=found.incident_id, hidden=True
        )
        return IncidentReport(shown[0], tuple(worst))


def _incidents(
    connection: Connection,
    source_key: str,
    day: date | None,
    incident_id: str | None,
    hidden: bool,
    limit: int,
) -> list[PublishedIncident]:
    rows = connection.execute(
        text(sql_files.report("incidents")),
        {
            "source_key": source_key,
            "day": day,
            "incident_id": incident_id,
            "hidden": hidden,
            "limit": limit,
        },
    )
    return [PublishedIncident(**row._mapping) for row in rows]
