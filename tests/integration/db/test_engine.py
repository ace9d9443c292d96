"""A database that is down, too old or not migrated is said so, with what to do, and never with the password."""

from __future__ import annotations

import socket

import pytest
from sqlalchemy import make_url, text

from deeplog_ops.db import engine as database
from deeplog_ops.db import ledger
from deeplog_ops.errors import DatabaseError, DatabaseTooOld, DatabaseUnavailable


def altered(url: str, **changes: object) -> str:
    return make_url(url).set(**changes).render_as_string(hide_password=False)  # type: ignore[arg-type]


def test_a_server_that_is_down_is_named_with_host_and_port() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(DatabaseUnavailable, match=rf"127\.0\.0\.1:{port}/logs.*make up") as caught:
        database.connect(f"postgresql://someone:s3cret@127.0.0.1:{port}/logs")
    assert "s3cret" not in str(caught.value)


def test_a_wrong_password_is_said_and_not_shown(database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="user and password") as caught:
        database.connect(altered(database_url, password="not-the-one"))
    assert "not-the-one" not in str(caught.value)


def test_a_database_that_does_not_exist_is_said(database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="create it"):
        database.connect(altered(database_url, database="nowhere"))


@pytest.mark.parametrize("url", ["mysql://u:p@h/d", "sqlite:///x.db", "not an address", ""])
def test_an_address_of_something_else_is_refused_with_the_accepted_form(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="postgresql://user:password@host:port/database"):
        database.connect(url)


def test_an_old_server_is_refused_with_both_versions(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "OLDEST", 99)
    with pytest.raises(DatabaseTooOld, match=r"is PostgreSQL \d+.*needs 99 or later"):
        database.connect(database_url)


def test_tables_that_are_missing_are_a_schema_to_be_migrated(empty_database: str) -> None:
    engine = database.connect(empty_database)
    with pytest.raises(DatabaseTooOld, match="deeplog-ops db migrate"):
        ledger.get_run(engine, 1)
    engine.dispose()


def test_a_connection_that_is_lost_is_said_and_the_next_one_works(empty_database: str) -> None:
    engine = database.connect(empty_database)
    other = database.connect(empty_database)

    def lose_it() -> None:
        with database.transaction(engine) as connection:
            own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.transaction(other) as killer:
                killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable, match="try again"):
        lose_it()
    with database.transaction(engine) as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()
    other.dispose()


def test_waiting_for_a_lock_ends_with_a_clear_error(empty_database: str) -> None:
    engine, other = database.connect(empty_database), database.connect(empty_database)

    def wait() -> None:
        with database.transaction(other) as waiter:
            waiter.execute(text("SET LOCAL lock_timeout = '50ms'"))
            waiter.execute(text("SELECT pg_advisory_xact_lock(1)"))

    with database.transaction(engine) as holder:
        holder.execute(text("SELECT pg_advisory_xact_lock(1)"))
        with pytest.raises(DatabaseError, match="waited too long"):
            wait()
    engine.dispose()
    other.dispose()
