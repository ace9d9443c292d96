"""Days that late lines touch: what lies there now against what their live run read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import visible
from deeplog_ops.db.sources import source_of
from deeplog_ops.records import DayBounds, RawFile


@dataclass(frozen=True)
class LateDay:
    """A published day that no longer holds all of its lines, and why."""

    day: date
    reason: str


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
