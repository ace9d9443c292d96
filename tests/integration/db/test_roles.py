"""Who may do what: a reader reads the views, an operator says verdicts, and neither changes a result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, make_url, text

from deeplog_ops.db import deploys, verdicts
from deeplog_ops.db import engine as database
from deeplog_ops.db.publish import publish_day
from deeplog_ops.db.verdict_subjects import Subject
from deeplog_ops.db.verdicts import VerdictKind
from deeplog_ops.errors import DatabaseError
from tests.integration.db.day_results import DAY, MakeRun, result_of


@contextmanager
def login(engine: Engine, url: str, role: str) -> Iterator[Engine]:
    """An engine of somebody who is a member of a role and nothing else."""
    name = f"{role}_somebody"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP ROLE IF EXISTS {name}"))
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD 'x' IN ROLE {role}"))
    theirs = database.connect(make_url(url).set(username=name, password="x").render_as_string(False))
    try:
        yield theirs
    finally:
        theirs.dispose()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP ROLE {name}"))


def refused(engine: Engine, statement: str) -> bool:
    try:
        with database.transaction(engine) as connection:
            connection.execute(text(statement))
    except DatabaseError as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False


def relations(engine: Engine, schema: str) -> list[str]:
    with engine.connect() as connection:
        return list(
            connection.execute(
                text(
                    "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                    "WHERE nspname = :schema AND relkind IN ('r', 'p', 'v')"
                ),
                {"schema": schema},
            ).scalars()
        )


WRITES = (
    "INSERT INTO deeplog.sources (key, name) VALUES ('x', 'x')",
    "UPDATE deeplog.days SET state = 'scored'",
    "UPDATE deeplog.anomalies SET score = 0",
    "UPDATE deeplog.verdicts SET note = 'changed'",
    "DELETE FROM deeplog.anomalies",
    "DELETE FROM deeplog.verdicts",
    "TRUNCATE deeplog.runs",
    "DROP VIEW bi.days",
    "CREATE TABLE bi.mine (x int)",
    "CREATE TABLE deeplog.mine (x int)",
)


def test_the_reader_reads_the_views_and_nothing_else(
    engine: Engine, fresh_database: str, begin: MakeRun
) -> None:
    publish_day(engine, result_of(begin()))
    with login(engine, fresh_database, "deeplog_reader") as reader:
        views = relations(engine, "bi")
        assert len(views) >= 20
        with reader.connect() as connection:
            for view in views:
                connection.execute(text(f"SELECT * FROM bi.{view} LIMIT 1"))
        tables = relations(engine, "deeplog")
        assert {"feedback_sessions", "anomalies_2024_03"} <= set(tables)
        assert [table for table in tables if not refused(reader, f"SELECT * FROM deeplog.{table}")] == []
        assert [statement for statement in WRITES if not refused(reader, statement)] == []


def test_an_operator_says_verdicts_and_marks_deploys_and_changes_no_result(
    engine: Engine, fresh_database: str, begin: MakeRun, source: str
) -> None:
    result = result_of(begin())
    publish_day(engine, result)
    first = next(iter(result.anomalies))
    with login(engine, fresh_database, "deeplog_operator") as theirs:
        subject = Subject.anomaly(DAY, first.anomaly_id)
        number = verdicts.record_verdict(theirs, source, VerdictKind.FALSE_POSITIVE, subject, who="ann")
        assert verdicts.withdraw(theirs, number, who="ann").kind == VerdictKind.FALSE_POSITIVE
        deploys.mark_deploy(theirs, source, datetime(2024, 3, 1, tzinfo=UTC), "1.2", who="ann")
        with theirs.connect() as connection:
            for table in relations(engine, "deeplog"):
                connection.execute(text(f"SELECT * FROM deeplog.{table} LIMIT 1"))
        assert [statement for statement in WRITES if not refused(theirs, statement)] == []


def test_what_was_said_is_not_changed_by_the_owner_either(
    engine: Engine, begin: MakeRun, source: str
) -> None:
    result = result_of(begin())
    publish_day(engine, result)
    subject = Subject.anomaly(DAY, next(iter(result.anomalies)).anomaly_id)
    number = verdicts.record_verdict(engine, source, VerdictKind.FALSE_POSITIVE, subject, who="ann")
    for change in ("kind = 'mute'", "note = 'x'", "created_at = now() + interval '1 day'"):
        with (
            pytest.raises(DatabaseError, match="withdrawn once, and said anew"),
            database.transaction(engine) as connection,
        ):
            connection.execute(text(f"UPDATE deeplog.verdicts SET {change}"))
    verdicts.withdraw(engine, number, who="bob")
    with (
        pytest.raises(DatabaseError, match="withdrawn once"),
        database.transaction(engine) as connection,
    ):
        connection.execute(text("UPDATE deeplog.verdicts SET withdrawn_at = NULL, withdrawn_by = NULL"))
    assert date.today() >= verdicts.verdicts(engine, source)[0].created_at.date()
