"""What the database no longer keeps, and what of the lake it still refers to."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.months import drop_empty_months
from deeplog_ops.db.publish import DAY_TABLES
from deeplog_ops.db.raw_files import noted_last_by
from deeplog_ops.db.sources import source_of

# Days go last: the ledger of a day that still has a row must be there. What people said stays, and so do the sessions
# kept for training.
_RESULTS = (*DAY_TABLES, "days")


def expire_results(engine: Engine, source_key: str, before: date) -> int:
    """Delete a source's results and runs of days before `before`, in one transaction; returns how many rows.

    Partitions of months that hold nothing any more, of any source, are dropped. Templates stay: ids are for ever.
    """
    with transaction(engine) as connection:
        key: dict[str, Any] = {"source_id": source_of(connection, source_key), "before": before}
        deleted = 0
        for table in _RESULTS:
            deleted += connection.execute(
                text(f"DELETE FROM deeplog.{table} WHERE source_id = :source_id AND day < :before"), key
            ).rowcount
        # Trainings stay as long as their versions do, and with the files in the ledger the run that noted them last.
        key["kept"] = noted_last_by(connection, key["source_id"])
        deleted += connection.execute(
            text(
                "DELETE FROM deeplog.runs WHERE source_id = :source_id AND kind = 'daily' AND day < :before "
                "AND state <> 'running' AND run_id IS DISTINCT FROM CAST(:kept AS bigint)"
            ),
            key,
        ).rowcount
        # A file that no run knows any more, and that was not seen for as long as results are kept.
        deleted += connection.execute(
            text(
                "DELETE FROM deeplog.raw_files f WHERE source_id = :source_id AND last_seen_at < :before "
                "AND NOT EXISTS (SELECT FROM deeplog.run_files g JOIN deeplog.runs r USING (run_id) "
                "WHERE r.source_id = f.source_id AND g.file_id = f.file_id)"
            ),
            key,
        ).rowcount
    drop_empty_months(engine, before)
    return deleted


def expire_partitions(engine: Engine, source_key: str, before: date) -> list[str]:
    """Take partitions of the lake out of the ledger; returns their paths, whose files can then be deleted.

    These are all of days before `before`, and those of runs that a later run of the day replaced. Killed between the
    two, the files are garbage.
    """
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                "DELETE FROM deeplog.partitions p USING deeplog.runs r WHERE r.run_id = p.run_id "
                "AND r.source_id = :source_id AND (r.day < :before AND r.state <> 'running' OR r.state = 'superseded') "
                "RETURNING p.path"
            ),
            {"source_id": source_of(connection, source_key), "before": before},
        )
        return sorted(rows.scalars())


def live_partition_paths(engine: Engine, source_key: str) -> set[str]:
    """All paths in the lake that the ledger refers to. What else lies there, and is old enough, is garbage."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                "SELECT path FROM deeplog.partitions JOIN deeplog.runs USING (run_id) WHERE source_id = :source_id"
            ),
            {"source_id": source_of(connection, source_key)},
        )
        return set(rows.scalars())
