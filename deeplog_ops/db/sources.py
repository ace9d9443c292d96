"""Sources: register, rename, remove. The key of a source stays for ever; its name is for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import json_text
from deeplog_ops.errors import DatabaseError

# Children before parents. Rows of tables that name a run go with it.
_TABLES = (
    "anomaly_lines",
    "anomalies",
    "incidents",
    "template_counts",
    "day_health",
    "detector_opinions",
    "feedback_sessions",
    "feedback_findings",
    "verdicts",
    "deploys",
    "workflow_edges",
    "workflow_nodes",
    "training_doubts",
    "templates",
    "days",
    "champion_audit",
    "champions",
    "models",
    "raw_files",
    "runs",
)


@dataclass(frozen=True)
class RegisteredSource:
    """A source that is in use."""

    source_id: int
    key: str
    name: str
    created_at: datetime


def register(
    engine: Engine, key: str, name: str, config: Mapping[str, Any] | None = None
) -> RegisteredSource:
    """Make the source known, or renew its name and configuration. Calling it again changes nothing.

    Raises DatabaseError when another source has the name.
    """
    with transaction(engine) as connection:
        owner = connection.execute(
            text("SELECT key FROM deeplog.sources WHERE name = :name AND key <> :key AND removed_at IS NULL"),
            {"name": name, "key": key},
        ).scalar()
        if owner is not None:
            raise DatabaseError(f"the name {name!r} belongs to the source with key {owner!r}: choose another")
        row = connection.execute(
            text(
                "INSERT INTO deeplog.sources (key, name, config) VALUES (:key, :name, CAST(:config AS jsonb)) "
                "ON CONFLICT (key) DO UPDATE SET name = excluded.name, config = excluded.config, removed_at = NULL "
                "RETURNING source_id, key, name, created_at"
            ),
            {"key": key, "name": name, "config": json_text(dict(config or {}))},
        ).one()
        return RegisteredSource(*row)


def registered(engine: Engine) -> list[RegisteredSource]:
    """The sources in use, by name."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                "SELECT source_id, key, name, created_at FROM deeplog.sources WHERE removed_at IS NULL ORDER BY name"
            )
        )
        return [RegisteredSource(*row) for row in rows]


def rename(engine: Engine, name: str, new_name: str) -> RegisteredSource:
    """Give a source another name; its key, and so its tables and lake, stay. Raises DatabaseError."""
    with transaction(engine) as connection:
        key = connection.execute(
            text("SELECT key FROM deeplog.sources WHERE name = :name AND removed_at IS NULL"), {"name": name}
        ).scalar()
        if key is None:
            raise DatabaseError(f"no source is named {name!r}; there are {_names(connection)}")
        taken = connection.execute(
            text("SELECT 1 FROM deeplog.sources WHERE name = :name AND key <> :key AND removed_at IS NULL"),
            {"name": new_name, "key": key},
        ).scalar()
        if taken:
            raise DatabaseError(f"a source named {new_name!r} exists already: choose another name")
        row = connection.execute(
            text(
                "UPDATE deeplog.sources SET name = :name WHERE key = :key RETURNING source_id, key, name, created_at"
            ),
            {"name": new_name, "key": key},
        ).one()
        return RegisteredSource(*row)


def remove(engine: Engine, key: str) -> dict[str, int]:
    """Delete all rows of a source in one transaction; returns how many, by table.

    Waits for a publishing run. The source itself stays as a row that says when it was removed.
    """
    with transaction(engine) as connection:
        source_id = source_of(connection, key, lock="FOR UPDATE")
        deleted = {}
        for table in _TABLES:
            result = connection.execute(
                text(f"DELETE FROM deeplog.{table} WHERE source_id = :source_id"), {"source_id": source_id}
            )
            deleted[table] = result.rowcount
        connection.execute(
            text("UPDATE deeplog.sources SET removed_at = now(), config = '{}' WHERE source_id = :source_id"),
            {"source_id": source_id},
        )
        return deleted


def source_of(connection: Connection, key: str, lock: str = "FOR KEY SHARE") -> int:
    """The number of a source in use, held against removal until the transaction ends. Raises DatabaseError."""
    source_id = connection.execute(
        text(f"SELECT source_id FROM deeplog.sources WHERE key = :key AND removed_at IS NULL {lock}"),
        {"key": key},
    ).scalar()
    if source_id is None:
        raise DatabaseError(
            f"no source with key {key!r} is registered; there are {_keys(connection)}. "
            "Register it with deeplog-ops source add"
        )
    return int(source_id)


def _names(connection: Connection) -> str:
    rows = connection.execute(text("SELECT name FROM deeplog.sources WHERE removed_at IS NULL ORDER BY name"))
    return ", ".join(rows.scalars()) or "none"


def _keys(connection: Connection) -> str:
    rows = connection.execute(text("SELECT key FROM deeplog.sources WHERE removed_at IS NULL ORDER BY key"))
    return ", ".join(rows.scalars()) or "none"
