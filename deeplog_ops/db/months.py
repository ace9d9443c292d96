"""Month partitions of the published tables: made before the first row, dropped when empty."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.errors import DatabaseError

PARTITIONED = ("anomalies", "anomaly_lines")
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
        if _exists(connection, month):
            return
        connection.execute(text(_OWN), {"month": month})
        if _exists(connection, month):
            return
        for table in PARTITIONED:
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
    return _exists(connection, _month(day))


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
    tables = [f"deeplog.{table}_{month}" for table in PARTITIONED]
    try:
        with transaction(engine) as connection:
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            if not connection.execute(text(_TRY), {"month": month}).scalar_one():
                return False
            if any(connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1")).scalar() for table in tables):
                return False
            for table in tables:
                connection.execute(text(f"DROP TABLE {table}"))
            return True
    except DatabaseError:
        return False


def _exists(connection: Connection, month: str) -> bool:
    found = connection.execute(
        text(
            "SELECT count(*) FROM pg_inherits WHERE inhrelid = ANY(ARRAY[to_regclass(:one), to_regclass(:two)]::oid[])"
        ),
        {"one": f"deeplog.anomalies_{month}", "two": f"deeplog.anomaly_lines_{month}"},
    ).scalar_one()
    return bool(found == len(PARTITIONED))


def _month(day: date) -> str:
    return day.strftime("%Y_%m")
