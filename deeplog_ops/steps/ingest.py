"""Raw lines to the stage "lines": every line accounted for, what cannot be read in the quarantine with its reason."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from deeplog_ops.db import ledger
from deeplog_ops.errors import AccountingError, MissingInput
from deeplog_ops.formats import catalog, compression
from deeplog_ops.formats.records import read_records
from deeplog_ops.records import DayBounds, FileAccount, LineAccount, RawFile
from deeplog_ops.steps.find_files import find_files, named_day, touches
from deeplog_ops.steps.heads import is_still
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.lake import PartitionWriter
from deeplog_ops.storage.paths import open_bytes, open_path

log = logging.getLogger(__name__)
Progress = Callable[[str, int, int], None]
_TRIES = 3
_EARLY = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Ingested:
    """What the day's files held, all files together."""

    files: int
    account: LineAccount


def ingest(place: Workplace, run_id: int, progress: Progress | None = None) -> Ingested:
    """Read the run's files. `progress` is told a file's path, its number and how many there are.

    Files that were rotated since they were found are found again. Raises AccountingError if a line cannot be
    accounted for, MissingInput if files move all the time: then nothing is committed.
    """
    opened = OpenRun.of(place, run_id)
    for _ in range(_TRIES - 1):
        try:
            return _ingest(opened, progress)
        except _Moved as moved:
            log.warning("%s: the files are looked for again", moved)
            find_files(place, run_id)
    return _ingest(opened, progress)


class _Moved(MissingInput):
    """Under the path of a file that was found there is another one now, or none."""


def _ingest(opened: OpenRun, progress: Progress | None) -> Ingested:
    engine, run_id = opened.place.engine, opened.run.run_id
    files = [file for file in ledger.run_files(engine, run_id) if file.duplicate_of is None]
    # By the time they begin with, not by name: a rotated file keeps its place, and equal times stay in order.
    files.sort(key=lambda file: (file.first_time or _EARLY, file.file_id))
    with (
        stage(opened, "ingest") as record,
        writer(opened, "lines", record.attempt) as lines,
        writer(opened, "quarantine", record.attempt) as quarantine,
    ):
        accounts: list[FileAccount] = []
        elsewhere: list[FileAccount] = []
        for number, file in enumerate(files, start=1):
            if progress:
                progress(file.path, number, len(files))
            account = _read_file(opened, file, lines, quarantine)
            read = replace(file, first_time=account.first_time, last_time=account.last_time)
            (accounts if touches(read, opened.bounds) else elsewhere).append(account)
        lines.close()
        quarantine.close()
        ledger.record_accounts(engine, run_id, accounts, elsewhere)
        commit(opened, lines, quarantine)
        total = sum((entry.account for entry in accounts), LineAccount())
        record.rows, record.bytes = lines.ref.rows, lines.ref.bytes
        record.message = (
            f"{total.lines_read} lines in {len(accounts)} files: {total.events} events, {total.joined} joined, "
            f"{total.blank} blank, {total.quarantined} quarantined, {total.other_days} of other days"
        )
        return Ingested(len(accounts), total)


@contextmanager
def _opened(file: RawFile, connection: str | None) -> Iterator[BinaryIO]:
    """The file as it was found, at its start. Raises _Moved where it is another one by now."""
    path = open_path(file.path, connection)
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(open_bytes(path))
        except FileNotFoundError as error:
            raise _Moved(f"{file.path} was there when the run's files were found, and is gone now") from error
        if not is_still(file, path, raw):
            raise _Moved(f"{file.path} is another file than when the run's files were found")
        yield raw


def _read_file(
    opened: OpenRun, file: RawFile, lines: PartitionWriter, quarantine: PartitionWriter
) -> FileAccount:
    """Read one file into the writers; its account, and the first and last time over all of its records."""
    source, bounds = opened.source, opened.bounds
    account, first, last = LineAccount(), None, None
    notes: list[str] = []
    of_another_day = file.day_hint is not None and not named_day(file, source.reading.zone, bounds)
    with _opened(file, source.connection) as raw:
        for chunk in read_records(
            compression.open_stream(raw, file.compression),
            spec=catalog.resolve(source.format),
            reading=source.reading,
            file_id=file.file_id,
            path=file.path,
            modified=file.modified,
            now=opened.run.started_at,
            read_to=file.read_to,
            compressed_size=file.size if file.compression else None,
            day_hint=file.day_hint,
            keep=(bounds.view_start, bounds.end),
        ):
            entry, kept = _outside_the_day(chunk.account, chunk.lines, bounds), chunk.lines
            if of_another_day:
                entry, kept = _without_timeless(entry, kept)
            account += entry
            first = min(filter(None, (first, chunk.first_time)), default=None)
            last = max(filter(None, (last, chunk.last_time)), default=None)
            if kept.num_rows:
                lines.write_batch(kept)
            if chunk.quarantine.num_rows:
                quarantine.write_batch(chunk.quarantine)
                whole = chunk.quarantine.filter(pc.equal(chunk.quarantine["line_no"], 0))
                notes += [f"{row['reason']}: {row['detail']}" for row in whole.to_pylist()]
    if account.unaccounted:
        raise AccountingError(
            f"{file.path}: {account.lines_read} lines were read but {account.unaccounted} of them are neither events, "
            f"joined, blank, quarantined nor of another day: {account}"
        )
    for note in notes:
        log.warning("%s: %s", file.path, note)
    return FileAccount(file.file_id, file.path, account, "; ".join(notes) or None, first, last)


def _outside_the_day(account: LineAccount, lines: pa.Table, bounds: DayBounds) -> LineAccount:
    """Lines of the lookback are read for the day's sessions, but are lines of other days in its account."""
    before = pc.fill_null(pc.less(lines["time"], pa.scalar(bounds.start, lines["time"].type)), False)
    early = lines.filter(before)
    if not early.num_rows:
        return account
    held = pc.sum(early["line_count"]).as_py()
    return replace(
        account,
        events=account.events - early.num_rows,
        joined=account.joined - (held - early.num_rows),
        other_days=account.other_days + held,
    )


def _without_timeless(account: LineAccount, lines: pa.Table) -> tuple[LineAccount, pa.Table]:
    """Lines without a time stand for the day in the file's name, and are of no use to the day after."""
    timed = pc.is_valid(lines["time"])
    timeless = lines.filter(pc.invert(timed))
    if not timeless.num_rows:
        return account, lines
    held = pc.sum(timeless["line_count"]).as_py()
    moved = replace(
        account,
        events=account.events - timeless.num_rows,
        joined=account.joined - (held - timeless.num_rows),
        other_days=account.other_days + held,
    )
    return moved, lines.filter(timed)
