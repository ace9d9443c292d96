"""Connections to PostgreSQL, and what to say when there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from deeplog_ops.errors import DatabaseError, DatabaseTooOld, DatabaseUnavailable

OLDEST = 14
# A run of a day waits for another run of the same day, which publishes for minutes at most. A task that hangs
# inside a transaction is ended by the server, so that it cannot hold a day for ever.
SESSION_SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "10min",
    "statement_timeout": "60min",
    "idle_in_transaction_session_timeout": "15min",
}
_UNDEFINED = ("42P01", "3F000", "42703")  # table, schema, column
_CONNECTION_LOST = ("08", "57P", "25P03")  # connection errors, shutdown or termination, idle in a transaction
_LOCK_NOT_AVAILABLE = "55P03"


def connect(url: str, *, connect_timeout: int = 10) -> Engine:
    """An engine that is known to work: one connection was made and the server's version is 14 or later.

    `url` is postgresql://user:password@host:port/database. Raises DatabaseUnavailable (with the address, never
    the password) or DatabaseTooOld.
    """
    address = _parse(url)
    engine = create_engine(
        address,
        pool_size=5,
        pool_pre_ping=True,
        connect_args={"connect_timeout": connect_timeout, "application_name": "deeplog-ops"},
    )
    event.listen(engine, "connect", _prepare)
    try:
        with engine.connect() as connection:
            written = connection.execute(text("SHOW server_version")).scalar_one()
            number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    except OperationalError as error:
        engine.dispose()
        raise DatabaseUnavailable(_unavailable(address, error)) from None
    if number // 10_000 < OLDEST:
        engine.dispose()
        raise DatabaseTooOld(
            f"{shown(address)} is PostgreSQL {written}: deeplog-ops needs {OLDEST} or later. "
            "Upgrade the server, or use the embedded one (deeplog-ops doctor)"
        )
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction: committed at the end of the block, rolled back on any error.

    Errors of the database come out as DatabaseError or DatabaseUnavailable, with what to do where that is known.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, psycopg2.Error) as error:  # COPY and scripts run on the driver itself
        raise _translated(engine, error) from error


def shown(url: URL) -> str:
    """The address as people may see it: host, port and database, no user and no password."""
    return f"{url.host or url.query.get('host') or 'localhost'}:{url.port or 5432}/{url.database or ''}"


def _parse(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUnavailable(
            "the address of the database cannot be read: expected postgresql://user:password@host:port/database"
        ) from None
    if address.get_backend_name() not in ("postgresql", "postgres"):
        raise DatabaseUnavailable(
            f"the address begins with {address.drivername}://, but the platform's database is PostgreSQL: "
            "expected postgresql://user:password@host:port/database"
        )
    return address.set(drivername="postgresql+psycopg2")


def _prepare(raw: Any, _record: Any) -> None:
    # By SET, not as start options: poolers such as pgbouncer refuse those.
    with raw.cursor() as cursor:
        for name, value in SESSION_SETTINGS.items():
            cursor.execute(f"SET {name} = '{value}'")
    raw.commit()


def _unavailable(address: URL, error: OperationalError) -> str:
    said = _first_line(error)
    if "password" in said.lower() or "authentication" in said.lower():
        advice = "check user and password in the connection"
    elif "does not exist" in said:
        advice = "create it, or correct the address"
    else:
        advice = "is the server up and the address right? The embedded one starts with `make up`"
    return f"no connection to PostgreSQL at {shown(address)}: {said}; {advice}"


def _translated(engine: Engine, error: DBAPIError | psycopg2.Error) -> DatabaseError:
    said, place = _first_line(error), shown(engine.url)
    origin = error.orig if isinstance(error, DBAPIError) else error
    code: str | None = getattr(origin, "pgcode", None)
    broken = isinstance(origin, psycopg2.OperationalError | psycopg2.InterfaceError)
    if (broken and code is None) or (code or "").startswith(_CONNECTION_LOST):
        return DatabaseUnavailable(f"lost the connection to PostgreSQL at {place}: {said}; try again")
    if code in _UNDEFINED:
        return DatabaseTooOld(f"the schema at {place} is not up to date ({said}): run deeplog-ops db migrate")
    if code == _LOCK_NOT_AVAILABLE:
        return DatabaseError(f"waited too long for another run at {place}: {said}; try again")
    return DatabaseError(f"PostgreSQL at {place} refused: {said}")


def _first_line(error: DBAPIError | psycopg2.Error) -> str:
    origin = error.orig if isinstance(error, DBAPIError) else error
    lines = [line.strip() for line in str(origin).splitlines() if line.strip()]
    return lines[0] if lines else type(origin).__name__
