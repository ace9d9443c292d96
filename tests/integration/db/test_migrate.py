"""Migrations run once, whole, and in order; the schema says what it is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from deeplog_ops.db import engine as database
from deeplog_ops.db import migrate, sql_files
from deeplog_ops.db.sql_files import SqlFile
from deeplog_ops.errors import DatabaseError, DatabaseTooOld


@pytest.fixture
def bare(empty_database: str) -> Iterator[Engine]:
    """An engine on a database without any schema."""
    engine = database.connect(empty_database)
    yield engine
    engine.dispose()


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[SqlFile, ...]]:
    """The folders of sql/, to be changed by a test."""
    folders = {name: sql_files.folder(name) for name in ("migrations", "views", "roles", "reports")}
    monkeypatch.setattr(sql_files, "folder", folders.__getitem__)
    return folders


def scalar(engine: Engine, query: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar()


def test_a_second_migration_does_nothing(bare: Engine) -> None:
    assert migrate.migrate(bare)[0] == "0001_sources_and_files"
    applied_at = scalar(bare, "SELECT max(applied_at) FROM deeplog.schema_migrations")
    assert migrate.migrate(bare) == []
    assert migrate.status(bare).current
    assert scalar(bare, "SELECT max(applied_at) FROM deeplog.schema_migrations") == applied_at


def test_several_programs_may_migrate_at_once(empty_database: str) -> None:
    engines = [database.connect(empty_database) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        applied = [name for names in pool.map(migrate.migrate, engines) for name in names]
    expected = [f"{file.number:04d}_{file.name}" for file in sql_files.folder("migrations")]
    assert sorted(applied) == expected
    for engine in engines:
        engine.dispose()


def test_a_migration_that_fails_leaves_nothing_and_those_before_it(
    bare: Engine, shipped: dict[str, tuple[SqlFile, ...]]
) -> None:
    broken = SqlFile(9000, "broken", "CREATE TABLE deeplog.half (x int); SELECT 1/0;")
    shipped["migrations"] += (broken,)
    with pytest.raises(DatabaseError, match=r"9000_broken failed and was undone: division by zero"):
        migrate.migrate(bare)
    assert scalar(bare, "SELECT to_regclass('deeplog.half')") is None
    assert migrate.status(bare).pending == ("9000_broken",)
    assert scalar(bare, "SELECT to_regclass('deeplog.days')") is not None


def test_a_database_newer_than_the_program_is_refused(
    bare: Engine, shipped: dict[str, tuple[SqlFile, ...]]
) -> None:
    old = shipped["migrations"]
    shipped["migrations"] += (SqlFile(9000, "tomorrow", "CREATE TABLE deeplog.tomorrow (x int)"),)
    migrate.migrate(bare)
    shipped["migrations"] = old
    for action in (migrate.migrate, migrate.status, migrate.require_current):
        with pytest.raises(DatabaseTooOld, match=r"newer than this program.*9000_tomorrow.*Upgrade"):
            action(bare)


def test_an_applied_migration_that_was_changed_is_an_error(
    bare: Engine, shipped: dict[str, tuple[SqlFile, ...]]
) -> None:
    migrate.migrate(bare)
    first, *others = shipped["migrations"]
    shipped["migrations"] = (replace(first, text=first.text + "\n-- changed"), *others)
    with pytest.raises(DatabaseError, match="0001_sources_and_files was changed after it was applied"):
        migrate.migrate(bare)


def test_a_schema_that_lacks_a_migration_is_not_worked_with(
    bare: Engine, shipped: dict[str, tuple[SqlFile, ...]]
) -> None:
    with pytest.raises(DatabaseTooOld, match="db migrate"):
        migrate.require_current(bare)
    migrate.migrate(bare)
    migrate.require_current(bare)
    shipped["migrations"] += (SqlFile(9000, "next", "SELECT 1"),)
    with pytest.raises(DatabaseTooOld, match="lacks 9000_next"):
        migrate.require_current(bare)


def test_views_are_renewed_even_when_a_column_goes(
    bare: Engine, shipped: dict[str, tuple[SqlFile, ...]]
) -> None:
    extra = SqlFile(90, "extra", "CREATE OR REPLACE VIEW bi.extra AS SELECT source, day, state FROM bi.days")
    shipped["views"] += (extra,)
    migrate.migrate(bare)
    shipped["views"] = (
        *shipped["views"][:-1],
        replace(extra, text="CREATE OR REPLACE VIEW bi.extra AS SELECT day FROM bi.days"),
    )
    assert not migrate.status(bare).views_current
    migrate.migrate(bare)
    columns = "SELECT string_agg(column_name, ',') FROM information_schema.columns WHERE table_name = 'extra'"
    assert scalar(bare, columns) == "day"
    shipped["views"] = shipped["views"][:-1]
    first = shipped["views"][0]
    shipped["views"] = (replace(first, text=first.text.replace("t.first_day,\n", "").replace(
        "COMMENT ON COLUMN bi.templates.first_day", "-- "
    )), *shipped["views"][1:])  # fmt: skip
    migrate.migrate(bare)
    assert scalar(bare, "SELECT to_regclass('bi.extra')") is None


def test_views_that_people_made_survive_and_are_named_when_they_are_in_the_way(
    bare: Engine, shipped: dict[str, tuple[SqlFile, ...]]
) -> None:
    migrate.migrate(bare)
    with database.transaction(bare) as connection:
        connection.execute(text("CREATE VIEW bi.my_days AS SELECT day, quarantined FROM bi.days"))
    first, days, *others = shipped["views"]
    shipped["views"] = (first, replace(days, text=days.text + "\n-- as before"), *others)
    migrate.migrate(bare)
    assert scalar(bare, "SELECT count(*) FROM bi.my_days") == 0
    fewer = days.text.replace("d.quarantined,\n", "").replace("COMMENT ON COLUMN bi.days.quarantined", "-- ")
    shipped["views"] = (first, replace(days, text=fewer), *others)
    with pytest.raises(DatabaseError, match=r"could not be renewed(.|\n)*my_days"):
        migrate.migrate(bare)
    assert scalar(bare, "SELECT count(*) FROM bi.my_days") == 0


def test_every_table_view_and_column_is_documented(engine: Engine) -> None:
    with engine.connect() as connection:
        undocumented = connection.execute(
            text(
                "SELECT n.nspname || '.' || c.relname || coalesce('.' || a.attname, '') FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN LATERAL (SELECT attnum, attname "
                "FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped "
                "UNION ALL SELECT 0, NULL) a ON true WHERE n.nspname IN ('deeplog', 'bi') "
                "AND c.relkind IN ('r', 'p', 'v') AND col_description(c.oid, a.attnum) IS NULL "
                "AND (a.attnum > 0 OR obj_description(c.oid, 'pg_class') IS NULL)"
            )
        ).scalars().all()  # fmt: skip
    assert undocumented == []
