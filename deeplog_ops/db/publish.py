"""Publishing: a day's rows replaced in one transaction. Readers see the old day or the new, never a mixture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db import day_rows
from deeplog_ops.db.engine import transaction
from deeplog_ops.db.months import ensure_month, hold_month
from deeplog_ops.db.rows import copy, visible_or_none
from deeplog_ops.db.runs import Run
from deeplog_ops.db.sources import source_of
from deeplog_ops.db.template_rows import write_templates
from deeplog_ops.errors import DatabaseError
from deeplog_ops.records import (
    Anomaly,
    AnomalyLine,
    DayHealth,
    DayState,
    DetectorOpinion,
    Incident,
    Template,
)

# What a run publishes for its day and the next one replaces: children before parents.
DAY_TABLES = (
    "anomaly_lines",
    "anomalies",
    "incidents",
    "template_counts",
    "day_health",
    "detector_opinions",
)


@dataclass(frozen=True)
class DayResult:
    """What a run found on its day.

    `state` is SCORED or WARMING_UP; `reason` says why, where it is not plain. `anomalies_total` counts all, of which
    `anomalies` are published. `anomalies` and `lines` are read once and may be generators. `template_counts` are the
    day's events by template id; `templates` the texts of all ids that occur in any of these. `incidents` group the
    anomalies; without `health` and `opinions` the day has none, which is not the same as a healthy day.
    """

    run: Run
    state: DayState
    reason: str | None
    events: int
    sessions_judged: int
    sessions_open: int
    quarantined: int
    anomalies_total: int
    anomalies: Iterable[Anomaly] = field(repr=False)
    lines: Iterable[AnomalyLine] = field(repr=False)
    template_counts: Sequence[tuple[str, int]] = field(repr=False)
    templates: Sequence[Template] = field(repr=False)
    incidents: Iterable[Incident] = field(default=(), repr=False)
    health: DayHealth | None = None
    opinions: Sequence[DetectorOpinion] = ()


@dataclass(frozen=True)
class PublishCounts:
    """Rows published, and how many anomalies of an earlier run they replace."""

    anomalies: int
    lines: int
    template_counts: int
    replaced_anomalies: int
    incidents: int = 0


def publish_day(engine: Engine, result: DayResult) -> PublishCounts:
    """Replace the published rows of the run's day in one transaction; the run becomes the live one.

    Runs of the same day wait for each other. The rows depend on the result alone, but for the columns run_id and
    scored_at. Raises DatabaseError when the source was removed meanwhile.
    """
    run = result.run
    if run.kind != "daily":
        raise DatabaseError(f"run {run.run_id} is a training: it has no day to publish")
    if result.state not in (DayState.SCORED, DayState.WARMING_UP):
        raise ValueError(f"a day is published as scored or warming_up, not as {result.state}")
    for _ in range(3):
        ensure_month(engine, run.day)
        with transaction(engine) as connection:
            _own_day(connection, run)
            if hold_month(connection, run.day):
                return _replace(connection, result)
    raise DatabaseError(
        f"the partitions of {run.day:%Y-%m} vanish as soon as they are made: is maintenance in a loop?"
    )


def lock_day(connection: Connection, source_id: int, day: date) -> None:
    """Let whoever else replaces or deletes the rows of the day wait until the transaction ends."""
    connection.execute(
        text(
            "SELECT pg_advisory_xact_lock(hashtextextended('deeplog:day:' || :source_id || ':' || :day, 0))"
        ),
        {"source_id": str(source_id), "day": day.isoformat()},
    )


def _own_day(connection: Connection, run: Run) -> None:
    if source_of(connection, run.source_key) != run.source_id:
        raise DatabaseError(f"source {run.source_key!r} is not the one that run {run.run_id} began with")
    lock_day(connection, run.source_id, run.day)


def _replace(connection: Connection, result: DayResult) -> PublishCounts:
    run = result.run
    key = {"source_id": run.source_id, "day": run.day}
    deleted = {
        table: connection.execute(
            text(f"DELETE FROM deeplog.{table} WHERE source_id = :source_id AND day = :day"), key
        ).rowcount
        for table in DAY_TABLES
    }
    anomalies = copy(
        connection,
        "deeplog.anomalies",
        day_rows.ANOMALIES,
        (day_rows.anomaly_row(run, anomaly) for anomaly in result.anomalies),
    )
    lines = copy(
        connection,
        "deeplog.anomaly_lines",
        day_rows.LINES,
        (day_rows.line_row(run, line) for line in result.lines),
    )
    incidents = copy(
        connection,
        "deeplog.incidents",
        day_rows.INCIDENTS,
        (day_rows.incident_row(run, incident) for incident in result.incidents),
    )
    health = () if result.health is None else (day_rows.health_row(run, result.health),)
    copy(connection, "deeplog.day_health", day_rows.HEALTH, health)
    opinions = (day_rows.opinion_row(run, opinion) for opinion in result.opinions)
    copy(connection, "deeplog.detector_opinions", day_rows.OPINIONS, opinions)
    counts = copy(
        connection,
        "deeplog.template_counts",
        ("source_id", "day", "template_id", "events"),
        (
            (run.source_id, run.day, template_id, events)
            for template_id, events in sorted(result.template_counts)
            if events
        ),
    )
    _check_lines(connection, key)
    _check_incidents(connection, key, all_published=anomalies == result.anomalies_total)
    write_templates(connection, run.source_id, result.templates, seen=run)
    _point(connection, result, anomalies)
    return PublishCounts(anomalies, lines, counts, deleted["anomalies"], incidents)


def _check_lines(connection: Connection, key: dict[str, Any]) -> None:
    """Partitioned tables carry no foreign keys, so this one is checked here."""
    lost = connection.execute(
        text(
            "SELECT anomaly_id FROM deeplog.anomaly_lines l WHERE source_id = :source_id AND day = :day AND NOT EXISTS "
            "(SELECT FROM deeplog.anomalies a WHERE (a.source_id, a.day, a.anomaly_id) = (l.source_id, l.day, "
            "l.anomaly_id)) LIMIT 1"
        ),
        key,
    ).scalar()
    if lost is not None:
        raise DatabaseError(
            f"lines were given for anomaly {lost} of {key['day']}, which is not among those published"
        )


def _check_incidents(connection: Connection, key: dict[str, Any], all_published: bool) -> None:
    """An anomaly's incident is there, and the worst anomaly of an incident, unless it is one too many to publish."""
    stray = connection.execute(
        text(
            "SELECT anomaly_id, incident_id FROM deeplog.anomalies a WHERE source_id = :source_id AND day = :day "
            "AND incident_id IS NOT NULL AND NOT EXISTS (SELECT FROM deeplog.incidents i WHERE (i.source_id, i.day, "
            "i.incident_id) = (a.source_id, a.day, a.incident_id)) LIMIT 1"
        ),
        key,
    ).one_or_none()
    if stray is not None:
        raise DatabaseError(
            f"anomaly {stray.anomaly_id} of {key['day']} belongs to incident {stray.incident_id}, "
            "which is not among those published"
        )
    hollow = (
        all_published
        and connection.execute(
            text(
                "SELECT incident_id, worst_anomaly_id FROM deeplog.incidents i WHERE source_id = :source_id AND day = :day "
                "AND NOT EXISTS (SELECT FROM deeplog.anomalies a WHERE (a.source_id, a.day, a.anomaly_id, a.incident_id) = "
                "(i.source_id, i.day, i.worst_anomaly_id, i.incident_id)) LIMIT 1"
            ),
            key,
        ).one_or_none()
    )
    if hollow:
        raise DatabaseError(
            f"incident {hollow.incident_id} of {key['day']} has {hollow.worst_anomaly_id} as its worst anomaly, "
            "which is not among those published as its own"
        )


def _point(connection: Connection, result: DayResult, published: int) -> None:
    """Make the run the live one of its day."""
    run = result.run
    connection.execute(
        text(
            "UPDATE deeplog.runs SET state = 'superseded' WHERE run_id = (SELECT run_id FROM deeplog.days "
            "WHERE source_id = :source_id AND day = :day) AND run_id <> :run_id"
        ),
        {"source_id": run.source_id, "day": run.day, "run_id": run.run_id},
    )
    values = {
        "source_id": run.source_id,
        "day": run.day,
        "run_id": run.run_id,
        "state": str(result.state),
        "reason": visible_or_none(result.reason),
        "version": run.version,
        "events": result.events,
        "sessions_judged": result.sessions_judged,
        "sessions_open": result.sessions_open,
        "anomalies": result.anomalies_total,
        "anomalies_published": published,
        "quarantined": result.quarantined,
        "view_start": run.bounds.view_start,
        "starts_at": run.bounds.start,
        "ends_at": run.bounds.end,
    }
    names = list(values)
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
    connection.execute(
        text(
            f"INSERT INTO deeplog.days ({', '.join(names)}, scored_at, last_run_id) "
            f"VALUES ({', '.join(':' + name for name in names)}, now(), :run_id) "
            f"ON CONFLICT (source_id, day) DO UPDATE SET {updates}, scored_at = now(), stale_since = NULL"
        ),
        values,
    )
    connection.execute(
        text("UPDATE deeplog.runs SET state = 'running' WHERE run_id = :run_id AND state = 'superseded'"),
        {"run_id": run.run_id},
    )
