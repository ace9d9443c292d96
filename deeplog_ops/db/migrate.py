"""Schema migrations: forward only, each in one transaction with its ledger row, then views and roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db import sql_files
from deeplog_ops.db.engine import shown, transaction
from deeplog_ops.errors import DatabaseError, DatabaseTooOld

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('deeplog:migrate', 0))"
_LEDGER = """
CREATE SCHEMA IF NOT EXISTS deeplog;
COMMENT ON SCHEMA deeplog IS 'Tables of deeplog-ops. Read them through the views of schema bi.';
CREATE TABLE IF NOT EXISTS deeplog.schema_migrations (
    number     integer     PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  deeplog.schema_migrations            IS 'Migrations that were applied; number 0 stands for the views.';
COMMENT ON COLUMN deeplog.schema_migrations.number     IS 'Number of the migration file, or 0.';
COMMENT ON COLUMN deeplog.schema_migrations.name       IS 'Name of the migration file; of number 0 the names of the views, in order.';
COMMENT ON COLUMN deeplog.schema_migrations.checksum   IS 'SHA-256 of its text: an applied migration never changes.';
COMMENT ON COLUMN deeplog.schema_migrations.applied_at IS 'When it was applied.';
"""
_VIEWS = 0  # the ledger row of all views together; its name lists them


@dataclass(frozen=True)
class MigrationStatus:
    """`applied` and `pending` migrations as NNNN_name; `views_current`: the views are those of this program."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    views_current: bool

    @property
    def current(self) -> bool:
        return not self.pending and self.views_current


def migrate(engine: Engine) -> list[str]:
    """Bring the schema up to date; returns the migrations applied now, as NNNN_name.

    Any number of programs may call it at once: each migration runs once. Raises DatabaseTooOld when the database
    was migrated by a newer program, DatabaseError when an applied migration was changed or one fails.
    """
    applied: list[str] = []
    while True:
        # One transaction a migration. The lock ends with it, so the ledger is read anew each time.
        with transaction(engine) as connection:
            connection.execute(text(_LOCK))
            _run(connection, _LEDGER)
            pending = _check(engine, _ledger(connection))
            if not pending:
                _views(connection)
                for role in sql_files.folder("roles"):
                    _run(connection, role.text)
                return applied
            step = pending[0]
            try:
                _run(connection, step.text)
            except Exception as error:
                raise DatabaseError(f"migration {_title(step)} failed and was undone: {error}") from error
            _record(connection, step.number, step.name, step.checksum)
        applied.append(_title(step))


def status(engine: Engine) -> MigrationStatus:
    """What is applied and what is pending. Changes nothing; the errors are those of `migrate`."""
    with transaction(engine) as connection:
        exists = connection.execute(text("SELECT to_regclass('deeplog.schema_migrations')")).scalar()
        ledger = _ledger(connection) if exists else {}
    pending = _check(engine, ledger)
    known = {file.number: _title(file) for file in sql_files.folder("migrations")}
    return MigrationStatus(
        applied=tuple(known[number] for number in sorted(ledger) if number != _VIEWS),
        pending=tuple(_title(file) for file in pending),
        views_current=ledger.get(_VIEWS, ("", ""))[1] == _views_checksum(),
    )


def require_current(engine: Engine) -> None:
    """Raise DatabaseTooOld unless the schema is the one that this program knows."""
    found = status(engine)
    if not found.current:
        what = ", ".join(found.pending) or "the views of schema bi"
        raise DatabaseTooOld(f"the schema at {shown(engine.url)} lacks {what}: run deeplog-ops db migrate")


def _ledger(connection: Connection) -> dict[int, tuple[str, str]]:
    rows = connection.execute(text("SELECT number, name, checksum FROM deeplog.schema_migrations"))
    return {row.number: (row.name, row.checksum) for row in rows}


def _check(engine: Engine, ledger: dict[int, tuple[str, str]]) -> list[sql_files.SqlFile]:
    """The migrations still to be applied, in order."""
    shipped = sql_files.folder("migrations")
    known = {file.number for file in shipped}
    unknown = sorted(number for number in ledger if number not in known and number != _VIEWS)
    if unknown:
        names = ", ".join(f"{number:04d}_{ledger[number][0]}" for number in unknown)
        raise DatabaseTooOld(
            f"the schema at {shown(engine.url)} is newer than this program: it has {names}, which this program "
            "does not know. Upgrade deeplog-ops"
        )
    for file in shipped:
        if file.number in ledger and ledger[file.number][1] != file.checksum:
            raise DatabaseError(
                f"migration {_title(file)} was changed after it was applied to {shown(engine.url)}: "
                "put its text back, and write the change as a new migration"
            )
    return [file for file in shipped if file.number not in ledger]


def _views(connection: Connection) -> None:
    """Make the views those of this program, if they are not. Objects of others that use them stay."""
    checksum = _views_checksum()
    old, old_checksum = _ledger(connection).get(_VIEWS, ("", ""))
    if old_checksum == checksum:
        return
    files = sql_files.folder("views")
    savepoint = connection.begin_nested()
    try:
        for file in files:
            _run(connection, file.text)
        savepoint.commit()
    except Exception:
        # A column was removed or moved, which CREATE OR REPLACE cannot do.
        savepoint.rollback()
        _replace_views(connection, old, files)
    _record(connection, _VIEWS, " ".join(file.name for file in files), checksum)


def _replace_views(connection: Connection, old: str, files: tuple[sql_files.SqlFile, ...]) -> None:
    try:
        for name in reversed(old.split()):  # last first: a view reads those before it
            _run(connection, f"DROP VIEW IF EXISTS bi.{name}")
        for file in files:
            _run(connection, file.text)
    except Exception as error:
        raise DatabaseError(
            f"the views of schema bi could not be renewed: {error}. If other objects depend on them, drop those, "
            "run deeplog-ops db migrate, and make them again"
        ) from error


def _views_checksum() -> str:
    files = sql_files.folder("views")
    return sql_files.SqlFile(_VIEWS, "views", "\n".join(file.name + file.text for file in files)).checksum


def _record(connection: Connection, number: int, name: str, checksum: str) -> None:
    connection.execute(
        text(
            "INSERT INTO deeplog.schema_migrations (number, name, checksum) VALUES (:number, :name, :checksum) "
            "ON CONFLICT (number) DO UPDATE SET name = excluded.name, checksum = excluded.checksum, applied_at = now()"
        ),
        {"number": number, "name": name, "checksum": checksum},
    )


def _run(connection: Connection, script: str) -> None:
    """Run a script as it is: no parameters, so `%` and `:` mean nothing special."""
    raw: Any = connection.connection
    with raw.cursor() as cursor:
        cursor.execute(script)


def _title(file: sql_files.SqlFile) -> str:
    return f"{file.number:04d}_{file.name}"
