"""A database of the version before, with its data, becomes one of this version."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from deeplog_ops.db import engine as database
from deeplog_ops.db import ledger, migrate, months, readers, sources, sql_files
from deeplog_ops.db.publish import publish_day
from deeplog_ops.records import DayBounds
from tests.integration.db.day_results import DAY, grouped, result_of

OLD = 6
MONTH = (DAY.replace(day=1), (DAY.replace(day=1) + timedelta(days=31)).replace(day=1))


@pytest.fixture
def old(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A database at the old migration, with one published anomaly and its month's partitions."""
    engine = database.connect(empty_database)
    folders = {name: sql_files.folder(name) for name in ("migrations", "views", "roles", "reports")}
    with monkeypatch.context() as patch:
        before = {
            "migrations": tuple(file for file in folders["migrations"] if file.number <= OLD),
            "views": folders["views"][:3],
            "roles": (),
        }
        patch.setattr(sql_files, "folder", lambda name: before.get(name, folders[name]))
        assert len(migrate.migrate(engine)) == OLD
    sources.register(engine, "web", "web")
    bounds = DayBounds.of(DAY, "UTC", timedelta(hours=25))
    with database.transaction(engine) as connection:
        run_id = connection.execute(
            text(
                "INSERT INTO deeplog.runs (source_id, day, run_key, view_start, starts_at, ends_at, trigger, model_choice, "
                "config, config_hash) VALUES (1, :day, 'old', :view_start, :start, :end, 'cli', 'champion', '{}', '0') "
                "RETURNING run_id"
            ),
            vars(bounds),
        ).scalar_one()
        connection.execute(
            text(
                "INSERT INTO deeplog.days (source_id, day, last_run_id, reason, view_start, starts_at, ends_at) "
                "VALUES (1, :day, :run_id, 'a run has begun', :view_start, :start, :end)"
            ),
            {**vars(bounds), "run_id": run_id},
        )
        for table in ("anomalies", "anomaly_lines"):
            child = f"deeplog.{table}_{DAY:%Y_%m}"
            connection.execute(text(f"CREATE TABLE {child} (LIKE deeplog.{table} INCLUDING ALL)"))
            connection.execute(
                text(
                    f"ALTER TABLE deeplog.{table} ATTACH PARTITION {child} "
                    f"FOR VALUES FROM ('{MONTH[0]}') TO ('{MONTH[1]}')"
                )
            )
        connection.execute(
            text(
                "INSERT INTO deeplog.anomalies (source_id, day, anomaly_id, run_id, detector, kind, locator, session, "
                "score, threshold, file_id, line_no, byte_offset, event_count, reason, version) VALUES (1, :day, "
                "'0123456789', :run, 'order', 'unlikely_event', 's', 's', 9, 1, 'f', 1, 0, 3, 'old words', 'v1')"
            ),
            {"day": DAY, "run": run_id},
        )
        connection.execute(
            text("UPDATE deeplog.days SET state = 'scored', run_id = :run, anomalies = 1"),
            {"run": run_id},
        )
    yield engine
    engine.dispose()


def test_old_rows_are_read_and_their_day_is_replaced_in_its_old_month(old: Engine) -> None:
    newer = [f"{file.number:04d}" for file in sql_files.folder("migrations") if file.number > OLD]
    assert [name.split("_")[0] for name in migrate.migrate(old)] == newer
    migrate.require_current(old)
    (found,) = readers.day_report(old, "web", DAY).anomalies
    assert (found.reason, found.details, found.incident_id, found.shown) == ("old words", {}, None, True)
    bounds = DayBounds.of(DAY, "UTC", timedelta(hours=25))
    run = ledger.begin_run(old, "web", DAY, "new", trigger="cli", choice="champion", config={}, bounds=bounds)
    done = publish_day(old, grouped(result_of(run)))
    assert (done.replaced_anomalies, done.anomalies, done.incidents) == (1, 5, 1)
    with old.connect() as connection:
        columns = connection.execute(
            text(
                "SELECT table_name, string_agg(column_name, ' ' ORDER BY ordinal_position) FROM "
                "information_schema.columns WHERE table_name LIKE 'anomalies_2%' OR table_name = 'anomalies' "
                "AND table_schema = 'deeplog' GROUP BY 1"
            )
        ).all()
        assert len({row[1] for row in columns}) == 1
        assert "incident_id" in columns[0][1]


def test_an_old_month_that_is_empty_is_dropped_though_it_lacks_what_is_new(old: Engine) -> None:
    migrate.migrate(old)
    with database.transaction(old) as connection:
        connection.execute(text("DELETE FROM deeplog.anomalies"))
    assert months.drop_empty_months(old, DAY + timedelta(days=60)) == [f"{DAY:%Y_%m}"]
    months.ensure_month(old, DAY)
    with database.transaction(old) as connection:
        assert months.hold_month(connection, DAY)


def test_the_rights_that_the_reader_had_on_the_tables_are_taken_back(old: Engine) -> None:
    with database.transaction(old) as connection:
        connection.execute(
            text(
                "DO $$ BEGIN CREATE ROLE deeplog_reader NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )
        )
        connection.execute(text("GRANT USAGE ON SCHEMA deeplog TO deeplog_reader"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA deeplog TO deeplog_reader"))
        connection.execute(
            text("ALTER DEFAULT PRIVILEGES IN SCHEMA deeplog GRANT SELECT ON TABLES TO deeplog_reader")
        )
    migrate.migrate(old)
    months.ensure_month(old, DAY + timedelta(days=40))
    with old.connect() as connection:
        may = connection.execute(
            text(
                "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'deeplog' "
                "AND relkind IN ('r', 'p') AND has_table_privilege('deeplog_reader', c.oid, 'SELECT')"
            )
        ).scalars()
        assert may.all() == []
