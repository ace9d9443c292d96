"""Days that late lines touch: what lies there now against what their live run read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import visible
from deeplog_ops.db.sources import source_of
from deeplog_ops.records import DayBounds, RawFile

_SLACK = timedelta(days=4)


@dataclass(frozen=True)
class ReadFile:
    """A file as a run read it: `size` on disk, `read_to` uncompressed where it was plain, the last time in it."""

    file_id: str
    size: int
    compression: str | None
    read_to: int | None
    last_time: datetime | None


class Growth(Protocol):
    """What can be said of a file that goes on where a run stopped reading it."""

    def continues(self, file: RawFile, before: ReadFile) -> bool:
        """Whether a file of another fingerprint is the one read before, which was too short for a lasting one."""

    def first_time(self, file: RawFile, before: ReadFile) -> datetime | None:
        """The earliest time in what was appended; None where it cannot be known."""


@dataclass(frozen=True)
class LateDay:
    """A published day that no longer holds all of its lines, and why."""

    day: date
    reason: str


def late_days(
    engine: Engine,
    source_key: str,
    files: Sequence[RawFile],
    touches: Callable[[RawFile, DayBounds], bool],
    growth: Growth,
) -> list[LateDay]:
    """The published days, not stale yet, whose lines differ from those that their live run read.

    A day is late when a file that its run did not read touches it, as `touches` says, or when a file that it read has
    grown since, had not yet passed the end of the day then, and what was appended does not begin after it, as `growth`
    says. Second copies count for nothing.
    """
    seen = [file for file in files if file.duplicate_of is None]
    earliest, latest = _spans(seen)
    numbers = {file.file_id: number for number, file in enumerate(seen)}
    with transaction(engine) as connection:
        days = connection.execute(
            text(
                "SELECT day, run_id, view_start, starts_at, ends_at FROM deeplog.days WHERE source_id = :source_id "
                "AND state IN ('scored', 'warming_up') ORDER BY day"
            ),
            {"source_id": source_of(connection, source_key)},
        ).all()
        rows = connection.execute(
            text(
                "SELECT f.run_id, f.file_id, f.size, f.compression, f.read_to, "
                "coalesce(a.last_time, f.last_time) AS last_time "
                "FROM deeplog.run_files f LEFT JOIN deeplog.file_accounts a USING (run_id, file_id, path) "
                "WHERE f.duplicate_of IS NULL AND f.run_id = ANY(:runs)"
            ),
            {"runs": [row.run_id for row in days]},
        )
        read: dict[int, dict[str, ReadFile]] = defaultdict(dict)
        for row in rows:
            read[row.run_id][row.file_id] = ReadFile(*row[1:])
    late = []
    for row in days:
        bounds = DayBounds(row.day, row.view_start, row.starts_at, row.ends_at)
        near = (earliest < row.ends_at.timestamp()) & (latest >= row.view_start.timestamp())
        known = read[row.run_id]
        places = {int(place) for place in np.flatnonzero(near)} | {
            numbers[name] for name in known if name in numbers
        }
        reason = _reason((seen[place] for place in sorted(places)), bounds, known, touches, growth)
        if reason is not None:
            late.append(LateDay(row.day, reason))
    return late


def _reason(
    files: Iterable[RawFile],
    bounds: DayBounds,
    known: Mapping[str, ReadFile],
    touches: Callable[[RawFile, DayBounds], bool],
    growth: Growth,
) -> str | None:
    """Why a day is late, None where it is not."""
    for file in files:
        before = known.get(file.file_id)
        if before is None and touches(file, bounds):
            before = next((one for one in known.values() if growth.continues(file, one)), None)
            if before is None:
                return f"{visible(file.path)} came after scoring"
        if before is None or not _grew(file, before, bounds.end):
            continue
        first = growth.first_time(file, before)
        # What has no time is of the day that its file names, and else of no day that is over.
        unknown = before.last_time is not None or touches(file, bounds)
        if unknown if first is None else first < bounds.end:
            return f"{visible(file.path)} has grown since scoring"
    return None


def _spans(files: Sequence[RawFile]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When the lines of each file may be, in seconds since the epoch, generously: thousands of files need not be asked
    about each of hundreds of days."""
    earliest, latest = np.full(len(files), -np.inf), np.full(len(files), np.inf)
    for number, file in enumerate(files):
        first, last = file.first_time, file.last_time
        if file.day_hint is not None:
            first = last = datetime.combine(file.day_hint, time(12), UTC)
        if first is not None:
            earliest[number] = (first - _SLACK).timestamp()
        if first is not None and last is not None:
            latest[number] = (last + _SLACK).timestamp()
    return earliest, latest


def _grew(file: RawFile, before: ReadFile, end: datetime) -> bool:
    last_time = before.last_time
    if last_time is not None and last_time >= end:
        return False  # what was appended belongs to later days
    if file.compression == before.compression:
        return file.size > before.size
    # Compressed since: sizes cannot be compared, times can.
    return file.last_time is not None and last_time is not None and file.last_time > last_time
