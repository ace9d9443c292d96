"""Publishing: a day's rows replaced in one transaction. Readers see the old day or the new, never a mixture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.months import ensure_month, hold_month
from deeplog_ops.db.rows import copy, visible_or_none
from deeplog_ops.db.runs import Run
from deeplog_ops.db.sources import source_of
from deeplog_ops.errors import DatabaseError
from deeplog_ops.records import Anomaly, AnomalyLine, DayState, Template

_ANOMALIES = [
    "source_id",
    "day",
    "anomaly_id",
    "run_id",
    "detector",
    "kind",
    "locator",
    "session",
    "score",
    "threshold",
    "first_time",
    "last_time",
    "file_id",
    "line_no",
    "byte_offset",
    "event_count",
    "template_id",
    "rank",
    "probability",
    "p_value",
    "expected",
    "reason",
    "version",
]
_LINES = [
    "source_id",
    "day",
    "anomaly_id",
    "ordinal",
    "file_id",
    "line_no",
    "byte_offset",
    "time",
    "text",
    "template_id",
    "is_worst",
    "of_session",
]


@dataclass(frozen=True)
class DayResult:
    """What a run found on its day.

    `state` is SCORED or WARMING_UP; `reason` says why, where it is not plain. `anomalies_total` counts all, of which
    `anomalies` are published. `anomalies` and `lines` are read once and may be generators. `template_counts` are the
    day's events by template id; `templates` the texts of all ids that occur in any of these.
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


@dataclass(frozen=True)
class PublishCounts:
    """Rows published, and how many anomalies of an earlier run they replace."""

    anomalies: int
    lines: int
    template_counts: int
    replaced_anomalies: int


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
            _lock_day(connection, run)
            if hold_month(connection, run.day):
                return _replace(connection, result)
    raise DatabaseError(
        f"the partitions of {run.day:%Y-%m} vanish as soon as they are made: is maintenance in a loop?"
    )


def _lock_day(connection: Connection, run: Run) -> None:
    if source_of(connection, run.source_key) != run.source_id:
        raise DatabaseError(f"source {run.source_key!r} is not the one that run {run.run_id} began with")
    connection.execute(
        text(
            "SELECT pg_advisory_xact_lock(hashtextextended('deeplog:day:' || :source_id || ':' || :day, 0))"
        ),
        {"source_id": str(run.source_id), "day": run.day.isoformat()},
    )


def _replace(connection: Connection, result: DayResult) -> PublishCounts:
    run = result.run
    key = {"source_id": run.source_id, "day": run.day}
    deleted = {
        table: connection.execute(
            text(f"DELETE FROM deeplog.{table} WHERE source_id = :source_id AND day = :day"), key
        ).rowcount
        for table in ("anomaly_lines", "anomalies", "template_counts")
    }
    anomalies = copy(
        connection, "deeplog.anomalies", _ANOMALIES, (_anomaly(run, anomaly) for anomaly in result.anomalies)
    )
    lines = copy(connection, "deeplog.anomaly_lines", _LINES, (_line(run, line) for line in result.lines))
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
    write_templates(connection, run.source_id, result.templates, seen=run)
    _point(connection, result, anomalies)
    return PublishCounts(anomalies, lines, counts, deleted["anomalies"])


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


def write_templates(
    connection: Connection, source_id: int, templates: Iterable[Template], seen: Run | None = None
) -> None:
    """Add templates. Texts never change; the first day only moves back; an alias once given is kept.

    Of a run that has `seen` them they are known from its day on at the latest. Sorted by id, so that two runs cannot
    deadlock, and whichever order days run in, the rows end the same.
    """
    connection.execute(
        text(
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_templates "
            "(template_id text, text text, first_day date, alias_of text) ON COMMIT DROP"
        )
    )
    copy(
        connection,
        "incoming_templates",
        ("template_id", "text", "first_day", "alias_of"),
        (
            (
                template.template_id,
                template.text,
                template.first_seen or (seen.day if seen else None),
                template.alias_of,
            )
            for template in sorted(templates, key=lambda template: template.template_id)
        ),
    )
    connection.execute(
        text(
            "INSERT INTO deeplog.templates AS t (source_id, template_id, text, first_day, alias_of) "
            "SELECT :source_id, template_id, text, first_day, alias_of FROM incoming_templates ORDER BY template_id "
            "ON CONFLICT (source_id, template_id) DO UPDATE SET first_day = least(t.first_day, excluded.first_day), "
            "alias_of = coalesce(t.alias_of, excluded.alias_of) "
            "WHERE t.first_day IS DISTINCT FROM least(t.first_day, excluded.first_day) "
            "OR (t.alias_of IS NULL AND excluded.alias_of IS NOT NULL)"
        ),
        {"source_id": source_id},
    )
    connection.execute(text("DROP TABLE incoming_templates"))


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


def _anomaly(run: Run, anomaly: Anomaly) -> tuple[Any, ...]:
    if (anomaly.source_key, anomaly.day) != (run.source_key, run.day):
        raise DatabaseError(
            f"anomaly {anomaly.anomaly_id} is of {anomaly.source_key} on {anomaly.day}, "
            f"but run {run.run_id} publishes {run.source_key} on {run.day}"
        )
    expected = [{"key": expected.key, "probability": expected.probability} for expected in anomaly.expected]
    return (
        run.source_id,
        run.day,
        anomaly.anomaly_id,
        run.run_id,
        anomaly.detector,
        anomaly.kind,
        anomaly.locator,
        anomaly.session,
        float(anomaly.score),
        float(anomaly.threshold),
        anomaly.first_time,
        anomaly.last_time,
        anomaly.where.file_id,
        anomaly.where.line_no,
        anomaly.where.byte_offset,
        anomaly.event_count,
        anomaly.template_id,
        anomaly.rank,
        anomaly.probability,
        anomaly.p_value,
        expected,
        anomaly.reason,
        anomaly.model_version,
    )


def _line(run: Run, line: AnomalyLine) -> tuple[Any, ...]:
    return (
        run.source_id,
        run.day,
        line.anomaly_id,
        line.ordinal,
        line.where.file_id,
        line.where.line_no,
        line.where.byte_offset,
        line.time,
        line.text,
        line.template_id,
        line.is_worst,
        line.of_session,
    )
