"""Deploys as people mark them: when the software that writes a source changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import visible
from deeplog_ops.db.sources import source_of
from deeplog_ops.errors import DatabaseError


@dataclass(frozen=True)
class Deploy:
    """`at`: when it went live, aware. A withdrawn one counts no longer."""

    deploy_id: int
    source: str
    at: datetime
    label: str
    who: str
    created_at: datetime
    withdrawn_at: datetime | None


def mark_deploy(engine: Engine, source_key: str, at: datetime, label: str, who: str) -> int:
    """Mark a deploy; returns its number. `at` is aware. Said twice with the same time and label, it is one."""
    if at.tzinfo is None:
        raise ValueError(f"{at} names no zone")
    if not label.strip():
        raise DatabaseError("a deploy needs a label: what went live, such as a version")
    with transaction(engine) as connection:
        key = {
            "source_id": source_of(connection, source_key, lock=""),
            "at": at,
            "label": visible(label.strip()),
            "who": visible(who),
        }
        known = connection.execute(
            text(
                "SELECT deploy_id FROM deeplog.deploys WHERE source_id = :source_id AND at = :at AND label = :label "
                "AND withdrawn_at IS NULL"
            ),
            key,
        ).scalar()
        if known is None:
            known = connection.execute(
                text(
                    "INSERT INTO deeplog.deploys (source_id, at, label, who) VALUES (:source_id, :at, :label, :who) "
                    "RETURNING deploy_id"
                ),
                key,
            ).scalar_one()
            source_of(connection, source_key, lock="")  # removed meanwhile: nothing is marked
        return int(known)


def deploys(engine: Engine, source_key: str) -> list[Deploy]:
    """All deploys of a source, the latest first, withdrawn ones too."""
    with transaction(engine) as connection:
        source_of(connection, source_key, lock="")
        rows = connection.execute(
            text(
                "SELECT deploy_id, source, at, label, who, created_at, withdrawn_at FROM bi.deploys "
                "WHERE source_key = :source_key ORDER BY at DESC, deploy_id DESC"
            ),
            {"source_key": source_key},
        )
        return [Deploy(*row) for row in rows]


def withdraw_deploy(engine: Engine, source_key: str, deploy_id: int, who: str) -> Deploy:
    """Take a deploy back; returns it. Raises DatabaseError for one that is not there, or was taken back already."""
    found = {deploy.deploy_id: deploy for deploy in deploys(engine, source_key)}
    standing = [str(number) for number, deploy in found.items() if deploy.withdrawn_at is None]
    with transaction(engine) as connection:
        done = connection.execute(
            text(
                "UPDATE deeplog.deploys SET withdrawn_at = now(), withdrawn_by = :who "
                "WHERE deploy_id = :deploy_id AND deploy_id = ANY(:known) AND withdrawn_at IS NULL"
            ),
            {"deploy_id": deploy_id, "known": list(found), "who": visible(who)},
        ).rowcount
    if not done:
        problem = "was withdrawn already" if deploy_id in found else "does not exist"
        raise DatabaseError(
            f"deploy {deploy_id} of {source_key} {problem}; there are {', '.join(standing) or 'none'}"
        )
    return found[deploy_id]
