"""What people ask the database: a day's report, the days there are, the runs. Queries are files of sql/reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db import sql_files
from deeplog_ops.db.engine import transaction
from deeplog_ops.db.sources import source_of
from deeplog_ops.records import DayState, FileAccount, LineAccount


@dataclass(frozen=True)
class DayStatus:
    """A day's state and counts. A count is None, not 0, where the day was never looked at."""

    day: date
    state: DayState
    reason: str | None = None
    model_version: str | None = None
    events: int | None = None
    sessions_judged: int | None = None
    sessions_open: int | None = None
    anomalies: int | None = None
    anomalies_published: int | None = None
    quarantined: int | None = None
    scored_at: datetime | None = None
    stale_since: datetime | None = None
    run_id: int | None = None


@dataclass(frozen=True)
class PublishedLine:
    """A line shown with an anomaly; `path` is where its file was seen last."""

    ordinal: int
    time: datetime | None
    text: str
    is_worst: bool
    of_session: bool
    template_id: str | None
    path: str | None
    file_id: str
    line_no: int
    byte_offset: int


@dataclass(frozen=True)
class ExpectedTemplate:
    """What the model expected instead. `template` is None for the end of the session."""

    key: str
    template: str | None
    probability: float


@dataclass(frozen=True)
class PublishedAnomaly:
    """An anomaly as it was published; `file_id`, `line_no` and `byte_offset` are those of its worst line.

    `verdict` is what people said that counts for it; not `shown`: that hides it.
    """

    anomaly_id: str
    detector: str
    kind: str
    session: str | None
    reason: str
    score: float
    threshold: float
    p_value: float | None
    rank: int | None
    probability: float | None
    event_count: int
    first_time: datetime | None
    last_time: datetime | None
    template_id: str | None
    template: str | None
    file_id: str
    line_no: int
    byte_offset: int
    model_version: str
    details: Mapping[str, Any]
    incident_id: str | None
    verdict: str | None
    shown: bool
    expected: tuple[ExpectedTemplate, ...]
    lines: tuple[PublishedLine, ...]


@dataclass(frozen=True)
class Hiding:
    """A verdict that hides anomalies of a day, and how many."""

    verdict_id: int
    verdict: str
    scope: str
    who: str
    note: str
    until: date | None
    anomalies: int


@dataclass(frozen=True)
class DayReport:
    """A day with its anomalies, the worst first, and where the lines of each file went.

    `hidden` is why anomalies of the day are not shown.
    """

    source_key: str
    status: DayStatus
    anomalies: tuple[PublishedAnomaly, ...]
    accounts: tuple[FileAccount, ...]
    hidden: tuple[Hiding, ...] = ()


@dataclass(frozen=True)
class RunStatus:
    """A run and what it took; `live`: its rows are the published ones of the day."""

    run_id: int
    kind: str
    day: date
    state: str
    trigger: str
    model_version: str | None
    live: bool
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    peak_memory_mb: float | None
    retries: int
    error: str | None


def day_report(
    engine: Engine, source_key: str, day: date, limit: int = 1000, *, hidden: bool = False
) -> DayReport:
    """A day's state and its worst `limit` anomalies with their lines, as of one moment.

    What verdicts hide is counted, and among the anomalies only where `hidden` asks for it.
    A day that no run has touched is reported too, as not scored. Raises DatabaseError for an unknown source.
    """
    with transaction(engine) as connection:
        # One snapshot for all queries: a publish in between cannot mix two results.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        source_of(connection, source_key, lock="")
        statuses = _coverage(connection, source_key, day, day)
        status = (
            statuses[0] if statuses else DayStatus(day, DayState.NOT_SCORED, "no run has touched this day")
        )
        return DayReport(
            source_key,
            status,
            tuple(published_anomalies(connection, source_key, day, limit, incident_id=None, hidden=hidden)),
            tuple(_accounts(connection, source_key, day)),
            tuple(Hiding(**row) for row in _rows(connection, "day_hidden", source_key=source_key, day=day)),
        )


def coverage(
    engine: Engine, source_key: str, first: date | None = None, last: date | None = None
) -> list[DayStatus]:
    """Every day from the first to the last known of a source, within `first` and `last`, those never run too."""
    with transaction(engine) as connection:
        source_of(connection, source_key, lock="")
        return _coverage(connection, source_key, first, last)


def runs(engine: Engine, source_key: str, limit: int = 50) -> list[RunStatus]:
    """The latest runs of a source, the newest first."""
    with transaction(engine) as connection:
        source_of(connection, source_key, lock="")
        return [RunStatus(**row) for row in _rows(connection, "runs", source_key=source_key, limit=limit)]


def _coverage(
    connection: Connection, source_key: str, first: date | None, last: date | None
) -> list[DayStatus]:
    rows = _rows(connection, "coverage", source_key=source_key, first=first, last=last)
    return [DayStatus(**{**row, "state": DayState(row["state"])}) for row in rows]


def published_anomalies(
    connection: Connection,
    source_key: str,
    day: date,
    limit: int,
    *,
    incident_id: str | None,
    hidden: bool,
) -> list[PublishedAnomaly]:
    """The worst anomalies of a day, or of one of its incidents, with their lines."""
    rows = _rows(
        connection,
        "day_anomalies",
        source_key=source_key,
        day=day,
        limit=limit,
        incident_id=incident_id,
        hidden=hidden,
    )
    lines: dict[str, list[PublishedLine]] = defaultdict(list)
    ids = [row["anomaly_id"] for row in rows]
    for line in _rows(connection, "day_anomaly_lines", source_key=source_key, day=day, anomaly_ids=ids):
        lines[line.pop("anomaly_id")].append(PublishedLine(**line))
    keys = {entry["key"] for row in rows for entry in row["expected"]}
    texts = _texts(connection, source_key, sorted(keys))
    return [
        PublishedAnomaly(
            **{
                **row,
                "expected": tuple(
                    ExpectedTemplate(entry["key"], texts.get(entry["key"]), entry["probability"])
                    for entry in row["expected"]
                ),
                "lines": tuple(lines[row["anomaly_id"]]),
            }
        )
        for row in rows
    ]


def _accounts(connection: Connection, source_key: str, day: date) -> list[FileAccount]:
    rows = _rows(connection, "line_accounts", source_key=source_key, day=day)
    return [
        FileAccount(row.pop("file_id"), row.pop("path"), note=row.pop("note"), account=LineAccount(**row))
        for row in rows
    ]


def _texts(connection: Connection, source_key: str, template_ids: list[str]) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT template_id, text FROM deeplog.templates JOIN deeplog.sources USING (source_id) "
            "WHERE key = :source_key AND template_id = ANY(:ids)"
        ),
        {"source_key": source_key, "ids": template_ids},
    )
    return {row.template_id: row.text for row in rows}


def _rows(connection: Connection, report: str, **parameters: Any) -> list[dict[str, Any]]:
    found = connection.execute(text(sql_files.report(report)), parameters)
    return [dict(row._mapping) for row in found]
