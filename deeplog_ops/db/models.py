"""Model versions in the database: registered once, promoted and reverted by a pointer, every change on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import json_text, visible
from deeplog_ops.db.sources import source_of
from deeplog_ops.db.template_rows import write_templates
from deeplog_ops.db.training_doubts import delete_doubts
from deeplog_ops.db.workflows import delete_workflows
from deeplog_ops.errors import ModelError
from deeplog_ops.records import Template

_UNUSED = """m.source_id = :source_id AND m.state = 'available'
    AND NOT EXISTS (SELECT FROM deeplog.champions c WHERE (c.source_id, c.version) = (m.source_id, m.version))
    AND NOT EXISTS (SELECT FROM deeplog.days d WHERE (d.source_id, d.version) = (m.source_id, m.version))
    AND NOT EXISTS (SELECT FROM deeplog.runs r WHERE (r.source_id, r.version) = (m.source_id, m.version)
                    AND r.state = 'running')"""


@dataclass(frozen=True)
class RegisteredModel:
    """A version as the database knows it; `path` is its folder below the root of the registry."""

    version: str
    state: str
    path: str
    metrics: Mapping[str, Any]
    training_days: tuple[date, ...]
    parent: str | None
    seed: int | None
    library_versions: Mapping[str, str]
    created_at: datetime
    created_by: str
    champion: bool

    @property
    def first_day(self) -> date | None:
        return min(self.training_days, default=None)

    @property
    def last_day(self) -> date | None:
        return max(self.training_days, default=None)


@dataclass(frozen=True)
class ChampionChange:
    """One entry of the audit: `action` is promote or revert."""

    version: str
    previous: str | None
    action: str
    who: str
    why: str
    at: datetime


def register(
    engine: Engine,
    source_key: str,
    version: str,
    *,
    path: str,
    metrics: Mapping[str, Any],
    training_days: Sequence[date],
    parent: str | None,
    seed: int | None,
    library_versions: Mapping[str, str],
    created_by: str,
    templates: Iterable[Template] = (),
) -> bool:
    """Make a version that lies in the registry known, with the templates and aliases that its training made.

    The version is a hash of what it holds, so registering it again changes nothing; returns whether it was new.
    """
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key)
        write_templates(connection, source_id, templates)
        new = connection.execute(
            text(
                "INSERT INTO deeplog.models AS m (source_id, version, path, metrics, training_days, parent, seed, "
                "library_versions, created_by) VALUES (:source_id, :version, :path, CAST(:metrics AS jsonb), "
                ":training_days, :parent, :seed, CAST(:library_versions AS jsonb), :created_by) "
                "ON CONFLICT (source_id, version) DO UPDATE SET state = 'available', path = excluded.path "
                "WHERE m.state = 'deleted' RETURNING 1"
            ),
            {
                "source_id": source_id,
                "version": version,
                "path": path,
                "metrics": json_text(dict(metrics)),
                "training_days": sorted(training_days),
                "parent": parent,
                "seed": seed,
                "library_versions": json_text(dict(library_versions)),
                "created_by": visible(created_by),
            },
        ).scalar()
        return new is not None


def promote(engine: Engine, source_key: str, version: str, *, who: str, why: str) -> bool:
    """Make a version the champion. False: it is already, and nothing is recorded. Raises ModelError."""
    with transaction(engine) as connection:
        source_id = _own(connection, source_key)
        return _point(connection, source_key, source_id, version, "promote", who, why)


def revert(engine: Engine, source_key: str, *, who: str, why: str) -> str:
    """Go back to the champion before the present one; again, to the one before that. Returns the new champion.

    Raises ModelError when there is none to go back to.
    """
    with transaction(engine) as connection:
        source_id = _own(connection, source_key)
        usable = set(
            connection.execute(
                text(
                    "SELECT version FROM deeplog.models WHERE source_id = :source_id AND state = 'available'"
                ),
                {"source_id": source_id},
            ).scalars()
        )
        earlier = [version for version in _standing(_audit(connection, source_id))[:-1] if version in usable]
        if not earlier:
            raise ModelError(f"{source_key} has no earlier champion to go back to: deeplog-ops models list")
        _point(connection, source_key, source_id, earlier[-1], "revert", who, why)
        return earlier[-1]


def champion(engine: Engine, source_key: str) -> str | None:
    """The version that new runs take; None: no version was promoted yet."""
    with transaction(engine) as connection:
        return connection.execute(
            text("SELECT version FROM deeplog.champions WHERE source_id = :source_id"),
            {"source_id": source_of(connection, source_key)},
        ).scalar()


def audit(engine: Engine, source_key: str) -> list[ChampionChange]:
    """All changes of the champion, the oldest first."""
    with transaction(engine) as connection:
        return _audit(connection, source_of(connection, source_key))


def list_versions(engine: Engine, source_key: str) -> list[RegisteredModel]:
    """All versions of a source, the youngest first; deleted ones too."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                "SELECT version, state, path, metrics, training_days, parent, seed, library_versions, created_at, "
                "created_by, EXISTS (SELECT FROM deeplog.champions c WHERE c.source_id = m.source_id "
                "AND c.version = m.version) AS champion FROM deeplog.models m WHERE source_id = :source_id "
                "ORDER BY created_at DESC, version"
            ),
            {"source_id": source_of(connection, source_key)},
        )
        return [
            RegisteredModel(**{**row._mapping, "training_days": tuple(row.training_days)}) for row in rows
        ]


def version(engine: Engine, source_key: str, name: str) -> RegisteredModel:
    """One version. Raises ModelError when the source has none of that name."""
    for found in list_versions(engine, source_key):
        if found.version == name:
            return found
    raise ModelError(f"{source_key} has no version {name!r}: deeplog-ops models list shows what there is")


def delete_expendable(engine: Engine, source_key: str, keep: int) -> list[str]:
    """Mark versions as deleted that nothing needs, and return them: their folders can then be removed.

    Needed are the champion and the one before it, the versions of days and of unfinished runs, and the youngest
    `keep` besides.
    """
    with transaction(engine) as connection:
        source_id = _own(connection, source_key)
        unused = connection.execute(
            text(f"SELECT version FROM deeplog.models m WHERE {_UNUSED} ORDER BY created_at DESC, version"),
            {"source_id": source_id},
        ).scalars()
        standing = _standing(_audit(connection, source_id))[-2:]
        gone = [version for version in unused if version not in standing][keep:]
        connection.execute(
            text(
                "UPDATE deeplog.models SET state = 'deleted' WHERE source_id = :source_id AND version = ANY(:gone)"
            ),
            {"source_id": source_id, "gone": gone},
        )
        delete_workflows(connection, source_id, gone)
        delete_doubts(connection, source_id, gone)
        return gone


def _own(connection: Connection, source_key: str) -> int:
    """The source, locked: changes of its champion happen one at a time."""
    return source_of(connection, source_key, lock="FOR NO KEY UPDATE")


def _point(
    connection: Connection, source_key: str, source_id: int, version: str, action: str, who: str, why: str
) -> bool:
    key = {"source_id": source_id, "version": version}
    state = connection.execute(
        text("SELECT state FROM deeplog.models WHERE source_id = :source_id AND version = :version"), key
    ).scalar()
    if state != "available":
        problem = "was deleted" if state else "does not exist"
        raise ModelError(
            f"version {version!r} of {source_key} {problem}: deeplog-ops models list shows what there is"
        )
    previous = connection.execute(
        text("SELECT version FROM deeplog.champions WHERE source_id = :source_id"), key
    ).scalar()
    if previous == version:
        return False
    connection.execute(
        text(
            "INSERT INTO deeplog.champions (source_id, version) VALUES (:source_id, :version) "
            "ON CONFLICT (source_id) DO UPDATE SET version = excluded.version"
        ),
        key,
    )
    connection.execute(
        text(
            "INSERT INTO deeplog.champion_audit (source_id, version, previous, action, who, why) "
            "VALUES (:source_id, :version, :previous, :action, :who, :why)"
        ),
        {**key, "previous": previous, "action": action, "who": visible(who), "why": visible(why)},
    )
    return True


def _audit(connection: Connection, source_id: int) -> list[ChampionChange]:
    rows = connection.execute(
        text(
            "SELECT version, previous, action, who, why, at FROM deeplog.champion_audit "
            "WHERE source_id = :source_id ORDER BY audit_id"
        ),
        {"source_id": source_id},
    )
    return [ChampionChange(*row) for row in rows]


def _standing(changes: Iterable[ChampionChange]) -> list[str]:
    """The champions that stand, oldest first: a promotion puts one on top, a revert takes off what is above it."""
    stack: list[str] = []
    for change in changes:
        if change.action == "revert" and change.version in stack:
            while stack[-1] != change.version:
                stack.pop()
        else:
            stack.append(change.version)
    return stack
