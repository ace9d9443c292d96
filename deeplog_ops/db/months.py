"""Month partitions of the published tables: made before the first row, dropped when empty."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.errors import DatabaseError

PARTITIONED = ("anomalies", "anomaly_lines", "incidents")
# Publishing holds a month shared until it commits, so that maintenance cannot drop the month under it.
_HOLD = "SELECT pg_advisory_xact_lock_shared(hashtextextended('deeplog:month:' || :month, 0))"
_OWN = "SELECT pg_advisory_xact_lock(hashtextextended('deeplog:month:' || :month, 0))"
_TRY = "SELECT pg_try_advisory_xact_lock(hashtextextended('deeplog:month:' || :month, 0))"


def ensure_month(engine: Engine, day: date) -> None:
    """Create the partitions for the month of `day`. Readers, and writers of other months, are not blocked.

    In a transaction of its own: attaching would else hold its lock for as long as a day is copied.
    """
    month, first = _month(day), day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    with transaction(engine) as connection:
        if not _missing(connection, month):
            return
        connection.execute(text(_OWN), {"month": month})
        # A month from before a table was partitioned lacks that one alone.
        for table in _missing(connection, month):
            child = f"deeplog.{table}_{month}"
            connection.execute(text(f"CREATE TABLE {child} (LIKE deeplog.{table} INCLUDING ALL)"))
            connection.execute(
                text(
                    f"ALTER TABLE deeplog.{table} ATTACH PARTITION {child} FOR VALUES FROM ('{first}') TO ('{following}')"
                )
            )


def hold_month(connection: Connection, day: date) -> bool:
    """Keep the month of `day` from being dropped until the transaction ends. False: it is gone, make it again."""
    connection.execute(text(_HOLD), {"month": _month(day)})
    return not _missing(connection, _month(day))


def drop_empty_months(engine: Engine, before: date) -> list[str]:
    """Drop partitions of months that end before `before` and hold no row; returns the months, as YYYY_MM.

    A month that somebody is using is left for the next time.
    """
    with transaction(engine) as connection:
        months = (
            connection.execute(
                text(
                    "SELECT right(c.relname, 7) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                    "WHERE i.inhparent = 'deeplog.anomalies'::regclass ORDER BY 1"
                )
            )
            .scalars()
            .all()
        )
    return [month for month in months if month < _month(before) and _drop_if_empty(engine, month)]


def _drop_if_empty(engine: Engine, month: str) -> bool:
    try:
        with transaction(engine) as connection:
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            if not connection.execute(text(_TRY), {"month": month}).scalar_one():
                return False
            missing = _missing(connection, month)
            tables = [f"deeplog.{table}_{month}" for table in PARTITIONED if table not in missing]
            if any(connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1")).scalar() for table in tables):
                return False
            for table in tables:
                connection.execute(text(f"DROP TABLE {table}"))
            return True
    except DatabaseError:
        return False


def _missing(connection: Connection, month: str) -> list[str]:
    """The tables that have no partition for the month."""
    there = set(
        connection.execute(
            text(
                "SELECT p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent "
                "JOIN pg_namespace n ON n.oid = p.relnamespace JOIN pg_class c ON c.oid = i.inhrelid "
                "WHERE n.nspname = 'deeplog' AND p.relname = ANY(:tables) AND c.relname = p.relname || '_' || :month"
            ),
            {"tables": list(PARTITIONED), "month": month},
        ).scalars()
    )
    return [table for table in PARTITIONED if table not in there]


def _month(day: date) -> str:
    return day.strftime("%Y_%m")
