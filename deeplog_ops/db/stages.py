"""Attempts at the stages of a run, and the pointers that make their partitions live."""

from __future__ import annotations

import socket
from typing import Literal

from sqlalchemy import Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import visible_or_none
from deeplog_ops.errors import DatabaseError, LakeError
from deeplog_ops.records import PartitionRef


def stage_started(engine: Engine, run_id: int, stage: str) -> int:
    """Note an attempt at a stage; returns its number, from 1. An attempt that never ended is noted as killed."""
    with transaction(engine) as connection:
        key = {"run_id": run_id, "stage": stage, "host": socket.gethostname()}
        # The run's row orders attempts that start at the same moment.
        if (
            connection.execute(
                text("SELECT 1 FROM deeplog.runs WHERE run_id = :run_id FOR UPDATE"), key
            ).scalar()
            is None
        ):
            raise DatabaseError(f"there is no run {run_id}")
        connection.execute(
            text(
                "UPDATE deeplog.run_stages SET state = 'killed' "
                "WHERE run_id = :run_id AND stage = :stage AND state = 'running'"
            ),
            key,
        )
        attempt = connection.execute(
            text(
                "INSERT INTO deeplog.run_stages (run_id, stage, attempt, host) SELECT :run_id, :stage, "
                "coalesce(max(attempt), 0) + 1, :host FROM deeplog.run_stages "
                "WHERE run_id = :run_id AND stage = :stage RETURNING attempt"
            ),
            key,
        ).scalar_one()
        return int(attempt)


def stage_finished(
    engine: Engine,
    run_id: int,
    stage: str,
    attempt: int,
    *,
    state: Literal["done", "failed"],
    rows: int | None = None,
    bytes: int | None = None,
    seconds: float | None = None,
    peak_memory_mb: float | None = None,
    message: str | None = None,
) -> None:
    """Note how an attempt ended: rows and bytes written, seconds, largest resident memory in MiB."""
    with transaction(engine) as connection:
        result = connection.execute(
            text(
                "UPDATE deeplog.run_stages SET state = :state, rows = :rows, bytes = :bytes, seconds = :seconds, "
                "peak_memory_mb = :peak, message = :message, finished_at = now() "
                "WHERE run_id = :run_id AND stage = :stage AND attempt = :attempt"
            ),
            {
                "run_id": run_id,
                "stage": stage,
                "attempt": attempt,
                "state": state,
                "rows": rows,
                "bytes": bytes,
                "seconds": seconds,
                "peak": peak_memory_mb,
                "message": visible_or_none(message),
            },
        )
        if not result.rowcount:
            raise DatabaseError(f"run {run_id} has no attempt {attempt} at stage {stage}")


def last_error(engine: Engine, run_id: int) -> str | None:
    """What the latest failed or killed attempt of a run had to say, with the name of its stage."""
    with transaction(engine) as connection:
        row = connection.execute(
            text(
                "SELECT stage, state, message FROM deeplog.run_stages WHERE run_id = :run_id "
                "AND state IN ('failed', 'killed', 'running') ORDER BY started_at DESC, attempt DESC LIMIT 1"
            ),
            {"run_id": run_id},
        ).one_or_none()
        if row is None:
            return None
        return f"{row.stage}: {row.message or 'it was killed, or its machine was lost'}"


def commit_partition(engine: Engine, *refs: PartitionRef) -> None:
    """Make partitions live, all or none. Those that the same stages of the run committed before become garbage."""
    with transaction(engine) as connection:
        connection.execute(
            text(
                "INSERT INTO deeplog.partitions (run_id, stage, path, rows, bytes) "
                "VALUES (:run_id, :stage, :path, :rows, :bytes) ON CONFLICT (run_id, stage) DO UPDATE SET "
                "path = excluded.path, rows = excluded.rows, bytes = excluded.bytes, committed_at = now()"
            ),
            [
                {
                    "run_id": ref.run_id,
                    "stage": ref.stage,
                    "path": ref.path,
                    "rows": ref.rows,
                    "bytes": ref.bytes,
                }
                for ref in refs
            ],
        )


def partition(engine: Engine, run_id: int, stage: str) -> PartitionRef:
    """What a stage of a run committed. Raises LakeError that names the stage to run first."""
    with transaction(engine) as connection:
        row = connection.execute(
            text(
                "SELECT run_id, stage, path, rows, bytes FROM deeplog.partitions WHERE run_id = :run_id AND stage = :stage"
            ),
            {"run_id": run_id, "stage": stage},
        ).one_or_none()
        if row is None:
            has = connection.execute(
                text(
                    "SELECT string_agg(stage, ', ' ORDER BY stage) FROM deeplog.partitions WHERE run_id = :run_id"
                ),
                {"run_id": run_id},
            ).scalar()
            raise LakeError(
                f"run {run_id} has no partition of stage {stage!r} (it has {has or 'none'}): run that stage first"
            )
        return PartitionRef(*row)


def committed_stages(engine: Engine, run_id: int) -> set[str]:
    """The stages of a run that have a partition."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text("SELECT stage FROM deeplog.partitions WHERE run_id = :run_id"), {"run_id": run_id}
        )
        return set(rows.scalars())
