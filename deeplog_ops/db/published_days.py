"""Published days: what their live runs read, and how one is taken away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.publish import DAY_TABLES, lock_day
from deeplog_ops.db.raw_files import noted_last_by
from deeplog_ops.db.sources import source_of
from deeplog_ops.errors import DatabaseError


@dataclass(frozen=True)
class PublishedDay:
    """A published day, the configuration that its live run pinned, and the files that lines of the day came from."""

    day: date
    config: Mapping[str, Any]
    file_ids: frozenset[str]


def published_days(engine: Engine, source_key: str) -> list[PublishedDay]:
    """The days of a source that have rows, in order."""
    with transaction(engine) as connection:
        days = connection.execute(
            text(
                "SELECT d.day, d.run_id, r.config FROM deeplog.days d JOIN deeplog.runs r USING (run_id) "
                "WHERE d.source_id = :source_id ORDER BY d.day"
            ),
            {"source_id": source_of(connection, source_key, lock="")},
        ).all()
        rows = connection.execute(
            text(
                "SELECT run_id, file_id FROM deeplog.file_accounts WHERE run_id = ANY(:runs) AND events > 0"
            ),
            {"runs": [row.run_id for row in days]},
        )
        read: dict[int, set[str]] = defaultdict(set)
        for row in rows:
            read[row.run_id].add(row.file_id)
    return [PublishedDay(row.day, row.config, frozenset(read[row.run_id])) for row in days]


def forget_days(engine: Engine, source_key: str, days: Collection[date]) -> dict[date, int]:
    """Delete the rows and runs of days, all in one transaction, as if they had never been run; of each how many rows.

    What people said stays, and so do templates, and the run that noted the source's files last. What the runs left in
    the lake is garbage from here on. Raises DatabaseError, and deletes nothing, while a run of one of them is under way.
    """
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key)
        return {day: _forget_day(connection, source_id, day) for day in sorted(days)}


def _forget_day(connection: Connection, source_id: int, day: date) -> int:
    lock_day(connection, source_id, day)
    key = {"source_id": source_id, "day": day, "kept": noted_last_by(connection, source_id)}
    running = connection.execute(
        text(
            "SELECT run_id, started_at FROM deeplog.runs WHERE source_id = :source_id AND day = :day "
            "AND kind = 'daily' AND state = 'running' LIMIT 1 FOR UPDATE"
        ),
        key,
    ).one_or_none()
    if running is not None:
        raise DatabaseError(
            f"run {running.run_id} of {day} is under way since {running.started_at:%Y-%m-%d %H:%M} UTC: let it end, "
            "then try again. Nothing was deleted"
        )
    deleted = sum(
        connection.execute(
            text(f"DELETE FROM deeplog.{table} WHERE source_id = :source_id AND day = :day"), key
        ).rowcount
        for table in (*DAY_TABLES, "days")
    )
    own = "source_id = :source_id AND day = :day AND kind = 'daily'"
    for table in ("partitions", "file_accounts"):  # of the run that stays
        connection.execute(
            text(
                f"DELETE FROM deeplog.{table} WHERE run_id IN (SELECT run_id FROM deeplog.runs WHERE {own})"
            ),
            key,
        )
    connection.execute(
        text(f"DELETE FROM deeplog.runs WHERE {own} AND run_id IS DISTINCT FROM CAST(:kept AS bigint)"),
        key,
    )
    return deleted
