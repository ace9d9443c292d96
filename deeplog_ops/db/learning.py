"""One learns at a time: the lock between the trainings and the updates of a source, and what else an update asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.sources import source_of


@dataclass(frozen=True)
class UnderWay:
    """A training that has begun and not ended, and when it last began a stage."""

    run_id: int
    heard_at: datetime


@dataclass(frozen=True)
class Spoken:
    """A published anomaly's session, the fingerprint of its incident, and what people said of it, if anything."""

    day: date
    session: str
    fingerprint: str | None
    verdict: str | None
    shown: bool


@contextmanager
def learning(engine: Engine, source_key: str) -> Iterator[None]:
    """Hold the source's lock of those that learn: a training takes it while it pins its version, an update throughout.

    So a training pins the champion before an update began, and the update sees it under way, or the one after it.
    Waits for ten minutes at most, then DatabaseError.
    """
    with transaction(engine) as connection:
        # The lock is the transaction's, which does nothing else meanwhile.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('deeplog:learn:' || :source_id, 0))"),
            {"source_id": str(source_of(connection, source_key, lock=""))},
        )
        yield


def training_under_way(engine: Engine, source_key: str, longest: timedelta) -> UnderWay | None:
    """The latest training that runs. One that began no stage for `longest` is taken for dead: when it first began tells
    nothing of one that was cleared and is run again."""
    with transaction(engine) as connection:
        row = connection.execute(
            text(
                "SELECT run_id, greatest(started_at, heard.at) AS heard_at FROM deeplog.runs r CROSS JOIN LATERAL "
                "(SELECT max(started_at) AS at FROM deeplog.run_stages s WHERE s.run_id = r.run_id) heard "
                "WHERE source_id = :source_id AND kind = 'train' AND state = 'running' "
                "AND greatest(started_at, heard.at) > now() - :longest ORDER BY run_id DESC LIMIT 1"
            ),
            {"source_id": source_of(connection, source_key, lock=""), "longest": longest},
        ).one_or_none()
        return None if row is None else UnderWay(*row)


def close_dead_updates(engine: Engine, source_key: str) -> int:
    """Mark updates as failed that did not end: who holds the lock knows that none is under way. Returns how many."""
    with transaction(engine) as connection:
        return connection.execute(
            text(
                "UPDATE deeplog.runs SET state = 'failed', finished_at = now(), error = 'the process ended before it' "
                "WHERE source_id = :source_id AND kind = 'feedback' AND state = 'running'"
            ),
            {"source_id": source_of(connection, source_key, lock="")},
        ).rowcount


def spoken_of(engine: Engine, source_key: str, days: Sequence[date]) -> list[Spoken]:
    """The published anomalies of some days that have a session."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT a.day, a.session, i.fingerprint, a.verdict, a.shown FROM bi.anomalies a "
                "JOIN deeplog.sources s ON s.key = a.source_key LEFT JOIN deeplog.incidents i "
                "ON (i.source_id, i.day, i.incident_id) = (s.source_id, a.day, a.incident_id) "
                "WHERE a.source_key = :source_key AND a.day = ANY(:days) AND a.session IS NOT NULL"
            ),
            {"source_key": source_key, "days": list(days)},
        )
        return [Spoken(*row) for row in rows]


def template_texts(engine: Engine, source_key: str, ids: Sequence[str]) -> dict[str, tuple[str, date | None]]:
    """Text and first day of templates that any run or training made known, by id."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                "SELECT template_id, text, first_day FROM deeplog.templates "
                "WHERE source_id = :source_id AND template_id = ANY(:ids)"
            ),
            {"source_id": source_of(connection, source_key, lock=""), "ids": list(ids)},
        )
        return {row.template_id: (row.text, row.first_day) for row in rows}
