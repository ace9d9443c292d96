"""Raw files in the ledger: the manifest of a run, its line accounts, and the days that late lines touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import visible, visible_or_none
from deeplog_ops.db.sources import source_of
from deeplog_ops.errors import AccountingError
from deeplog_ops.records import DayBounds, FileAccount, LineAccount, RawFile

_RAW_FILE = (
    "file_id, path, size, modified, compression, read_to, first_time, last_time, duplicate_of, day_hint"
)

# A file that has grown was not read to its end: its last time is not known any more, and its first one is a peek.
_SEE = f"""
INSERT INTO deeplog.raw_files AS f (source_id, {_RAW_FILE})
SELECT source_id, :file_id, :path, :size, :modified, :compression, CAST(:read_to AS bigint),
    CAST(:first_time AS timestamptz), CAST(:last_time AS timestamptz), :duplicate_of, CAST(:day_hint AS date)
FROM deeplog.runs WHERE run_id = :run_id
ON CONFLICT (source_id, file_id, path) DO UPDATE SET
    size = excluded.size,
    modified = excluded.modified,
    compression = excluded.compression,
    read_to = excluded.read_to,
    first_time = CASE WHEN f.size = excluded.size AND f.last_time IS NOT NULL THEN f.first_time
                      ELSE excluded.first_time END,
    last_time = coalesce(excluded.last_time, CASE WHEN f.size = excluded.size THEN f.last_time END),
    duplicate_of = excluded.duplicate_of,
    day_hint = excluded.day_hint,
    last_seen_at = now()
"""


@dataclass(frozen=True)
class LateDay:
    """A published day that no longer holds all of its lines, and why."""

    day: date
    reason: str


def record_files(
    engine: Engine, run_id: int, seen: Sequence[RawFile], touching: Sequence[RawFile] | None = None
) -> None:
    """Note all files of the source as `seen`, and keep those `touching` the run (default: all) as its manifest.

    The manifest keeps its order and replaces one recorded before.
    """
    manifest = [
        {"ordinal": n, **_row(run_id, file)} for n, file in enumerate(seen if touching is None else touching)
    ]
    with transaction(engine) as connection:
        connection.execute(
            text("SELECT 1 FROM deeplog.runs WHERE run_id = :run_id FOR UPDATE"), {"run_id": run_id}
        )
        connection.execute(text("DELETE FROM deeplog.run_files WHERE run_id = :run_id"), {"run_id": run_id})
        if manifest:
            connection.execute(
                text(
                    f"INSERT INTO deeplog.run_files (run_id, ordinal, {_RAW_FILE}) VALUES (:run_id, :ordinal, :file_id, "
                    ":path, :size, :modified, :compression, :read_to, :first_time, :last_time, :duplicate_of, :day_hint)"
                ),
                manifest,
            )
        if seen:
            # Sorted, so that two runs that see the same files cannot deadlock.
            rows = sorted(
                (_row(run_id, file) for file in seen), key=lambda row: (row["file_id"], row["path"])
            )
            connection.execute(text(_SEE), rows)


def raw_files(engine: Engine, source_key: str) -> list[RawFile]:
    """Every file of a source as it was last seen, by path. `last_time` is set once a file was read to its end."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                f"SELECT {_RAW_FILE} FROM deeplog.raw_files "
                "WHERE source_id = :source_id ORDER BY path, file_id"
            ),
            {"source_id": source_of(connection, source_key)},
        )
        return [RawFile(**row._mapping) for row in rows]


def run_files(engine: Engine, run_id: int) -> list[RawFile]:
    """The manifest of a run, as it was recorded."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(f"SELECT {_RAW_FILE} FROM deeplog.run_files WHERE run_id = :run_id ORDER BY ordinal"),
            {"run_id": run_id},
        )
        return [RawFile(**row._mapping) for row in rows]


_INSERT_ACCOUNT = text(
    "INSERT INTO deeplog.file_accounts (run_id, file_id, path, lines_read, events, joined, blank, quarantined, other_days, "
    "first_time, last_time, note) VALUES (:run_id, :file_id, :path, :lines_read, :events, :joined, :blank, :quarantined, "
    ":other_days, :first_time, :last_time, :note)"
)


def record_accounts(
    engine: Engine, run_id: int, accounts: Sequence[FileAccount], elsewhere: Sequence[FileAccount] = ()
) -> None:
    """Keep the line accounts of a run, in place of those recorded before. AccountingError when a line is missing.

    Of the files that were read `elsewhere` (wholly outside of the run's days, as it turned out) only what was learnt of
    them is kept, so that a run's accounts do not depend on which run came to read a file first.
    """
    for account in (*accounts, *elsewhere):
        if account.account.unaccounted:
            raise AccountingError(
                f"{account.path}: {account.account.unaccounted} lines are not accounted for ({account.account})"
            )
    rows = [_account(run_id, account) for account in accounts]
    learnt = rows + [_account(run_id, account) for account in elsewhere]
    with transaction(engine) as connection:
        connection.execute(
            text("SELECT 1 FROM deeplog.runs WHERE run_id = :run_id FOR UPDATE"), {"run_id": run_id}
        )
        connection.execute(
            text("DELETE FROM deeplog.file_accounts WHERE run_id = :run_id"), {"run_id": run_id}
        )
        if rows:
            connection.execute(_INSERT_ACCOUNT, rows)
        if not learnt:
            return
        connection.execute(
            text(
                "UPDATE deeplog.raw_files f SET lines = :lines_read, "
                "first_time = coalesce(:first_time, f.first_time), last_time = coalesce(:last_time, f.last_time) "
                "FROM deeplog.runs r JOIN deeplog.run_files g USING (run_id) WHERE r.run_id = :run_id "
                "AND f.source_id = r.source_id AND f.file_id = :file_id AND f.path = :path "
                "AND g.file_id = f.file_id AND g.path = f.path AND g.size = f.size"
            ),
            sorted(learnt, key=lambda row: (row["file_id"], row["path"])),
        )


def run_accounts(engine: Engine, run_id: int) -> list[FileAccount]:
    """The line accounts of a run, by path."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                "SELECT file_id, path, lines_read, events, joined, blank, quarantined, other_days, note, first_time, "
                "last_time FROM deeplog.file_accounts WHERE run_id = :run_id ORDER BY path, file_id"
            ),
            {"run_id": run_id},
        )
        return [
            FileAccount(row[0], row[1], LineAccount(*row[2:8]), row.note, row.first_time, row.last_time)
            for row in rows
        ]


def late_days(
    engine: Engine, source_key: str, files: Sequence[RawFile], touches: Callable[[RawFile, DayBounds], bool]
) -> list[LateDay]:
    """The published days, not stale yet, whose lines differ from those that their live run read.

    A day is late when a file that its run did not read touches it, as `touches` says, or when a file that it read has
    grown since and had not yet passed the end of the day then. Second copies count for nothing.
    """
    seen = [file for file in files if file.duplicate_of is None]
    with transaction(engine) as connection:
        days = connection.execute(
            text(
                "SELECT day, run_id, view_start, starts_at, ends_at FROM deeplog.days WHERE source_id = :source_id "
                "AND state IN ('scored', 'warming_up') ORDER BY day"
            ),
            {"source_id": source_of(connection, source_key)},
        ).all()
        read = connection.execute(
            text(
                "SELECT f.run_id, f.file_id, f.size, f.compression, coalesce(a.last_time, f.last_time) AS last_time "
                "FROM deeplog.run_files f LEFT JOIN deeplog.file_accounts a USING (run_id, file_id, path) "
                "WHERE f.duplicate_of IS NULL AND f.run_id = ANY(:runs)"
            ),
            {"runs": [row.run_id for row in days]},
        )
        known = {(row.run_id, row.file_id): row for row in read}
    late = []
    for row in days:
        bounds = DayBounds(row.day, row.view_start, row.starts_at, row.ends_at)
        for file in seen:
            before = known.get((row.run_id, file.file_id))
            if before is None and touches(file, bounds):
                late.append(LateDay(row.day, f"{visible(file.path)} came after scoring"))
                break
            if before is not None and _grew(
                file, before.size, before.compression, before.last_time, row.ends_at
            ):
                late.append(LateDay(row.day, f"{visible(file.path)} has grown since scoring"))
                break
    return late


def _grew(
    file: RawFile, size: int, compression: str | None, last_time: datetime | None, end: datetime
) -> bool:
    if last_time is not None and last_time >= end:
        return False  # what was appended belongs to later days
    if file.compression == compression:
        return file.size > size
    # Compressed since: sizes cannot be compared, times can.
    return file.last_time is not None and last_time is not None and file.last_time > last_time


def _row(run_id: int, file: RawFile) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "file_id": file.file_id,
        "path": visible(file.path),
        "size": file.size,
        "modified": file.modified,
        "compression": file.compression,
        "read_to": file.read_to,
        "first_time": file.first_time,
        "last_time": file.last_time,
        "duplicate_of": visible_or_none(file.duplicate_of),
        "day_hint": file.day_hint,
    }


def _account(run_id: int, account: FileAccount) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "file_id": account.file_id,
        "path": visible(account.path),
        **vars(account.account),
        "first_time": account.first_time,
        "last_time": account.last_time,
        "note": visible_or_none(account.note),
    }
