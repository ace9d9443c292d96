"""The manifest: which raw files exist, which are the same under two names, and which touch the run's days."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from upath import UPath

from deeplog_ops.config import SourceConfig
from deeplog_ops.db import ledger
from deeplog_ops.errors import MissingInput
from deeplog_ops.formats.day_in_path import day_in_path
from deeplog_ops.records import DayBounds, RawFile
from deeplog_ops.steps.appended import Appended
from deeplog_ops.steps.duplicates import mark_duplicates
from deeplog_ops.steps.heads import modified_at, peek
from deeplog_ops.steps.stage import OpenRun, stage
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage import manifest

log = logging.getLogger(__name__)

_SLACK = timedelta(days=1)
_TRIES = 3


@dataclass(frozen=True)
class FoundFiles:
    """Counts for the log: all files, those that touch the days, those that are another one again."""

    found: int
    touching: int
    duplicates: int


def find_files(place: Workplace, run_id: int) -> FoundFiles:
    """Record the run's files in the ledger. A day without files is no error: its row says so at the end."""
    opened = OpenRun.of(place, run_id)
    with stage(opened, "find_files") as record:
        hold = times_hold(place, opened.source)
        seen = mark_duplicates(
            survey(place, opened.source),
            opened.source.connection,
            ledger.raw_files(place.engine, opened.source.key),
        )
        touching = [file for file in seen if file.duplicate_of or touches(file, opened.bounds)]
        ledger.record_files(place.engine, run_id, seen, touching, anew=not hold)
        # The run's own day may be among them: publishing it clears the mark, a failure rightly leaves it.
        late = ledger.late_days(
            place.engine,
            opened.source.key,
            seen,
            lambda file, bounds: holds_lines_of(file, bounds, opened.source.reading.zone),
            Appended(opened.source, place.now()),
        )
        for found in late:
            ledger.mark_stale(place.engine, opened.source.key, found.day, found.reason)
        counts = FoundFiles(len(seen), len(touching), sum(1 for file in seen if file.duplicate_of))
        record.rows = counts.found
        record.message = (
            f"{counts.found} files found, {counts.touching} touch the run, {counts.duplicates} are others again"
            + (f"; marked stale: {', '.join(str(found.day) for found in late)}" if late else "")
        )
        return counts


def survey(place: Workplace, source: SourceConfig) -> list[RawFile]:
    """Every raw file of the source as it stands now. What an earlier run learnt of the same file is kept.

    Where files are rotated between listing and looking at them, all are listed again.
    """
    known = ledger.raw_files(place.engine, source.key) if times_hold(place, source) else []
    for _ in range(_TRIES - 1):
        with suppress(FileNotFoundError):
            return _survey(place, source, known)
    try:
        return _survey(place, source, known)
    except FileNotFoundError as error:
        raise MissingInput(
            f"files go while they are looked at, the last of them {error.filename}: run again"
        ) from error


def times_hold(place: Workplace, source: SourceConfig) -> bool:
    """Whether the times that the ledger knows of files were read as the source reads them now.

    Once its year, zone or format is set right, they are not: files would be looked for in days where they are no more.
    """
    before = ledger.files_found_with(place.engine, source.key)
    if before is None:
        return True
    try:
        return reading_of_times(SourceConfig.model_validate(before)) == reading_of_times(source)
    except ValidationError:  # of an earlier release
        return False


def reading_of_times(source: SourceConfig) -> tuple[object, ...]:
    """What of a source's configuration decides on which day a line is."""
    reading = source.reading
    return (
        source.format, reading.zone, reading.year, reading.year_from_path, reading.day_from_path, reading.encoding,
    )  # fmt: skip


def _survey(place: Workplace, source: SourceConfig, ledgered: list[RawFile]) -> list[RawFile]:
    known = {(file.path, file.size, file.modified): file for file in ledgered}
    seen = []
    for path in _expand(source):
        status = path.stat()
        modified = modified_at(status)
        before = known.get((str(path), status.st_size, modified))
        if before is not None:
            seen.append(replace(before, day_hint=day_in_path(str(path), source.reading.day_from_path)))
        else:
            seen.append(peek(path, source, status.st_size, modified, place.now()))
    learnt = {(file.file_id, file.read_to or file.size): file for file in ledgered if file.last_time}
    return [_with_times(file, learnt.get((file.file_id, file.read_to or file.size))) for file in seen]


def _expand(source: SourceConfig) -> list[UPath]:
    found: dict[str, UPath] = {}
    for path in source.paths:
        try:
            found |= {str(file): file for file in manifest.find([path], source.exclude, source.connection)}
        except MissingInput as missing:
            # No failure: the wait decides how long a day waits, and a day without files is a state of its own.
            log.warning("%s", missing)
    return [found[name] for name in sorted(found)]


def _with_times(file: RawFile, learnt: RawFile | None) -> RawFile:
    if learnt is None or file.last_time is not None:
        return file
    return replace(file, first_time=learnt.first_time, last_time=learnt.last_time)


def touches(file: RawFile, bounds: DayBounds) -> bool:
    """Whether a file may hold lines of [view_start, end).

    A day in the path is trusted to within a day. A last time is only known once the whole file was read, and then
    both times are exact; before that the first time is a peek, and lines may go back by up to a day.
    """
    if file.day_hint is not None:
        noon = datetime(file.day_hint.year, file.day_hint.month, file.day_hint.day, 12, tzinfo=UTC)
        return bounds.view_start - 2 * _SLACK <= noon < bounds.end + 2 * _SLACK
    if file.first_time is not None and file.last_time is not None:
        return file.last_time >= bounds.view_start and file.first_time < bounds.end
    if file.first_time is not None:
        return file.first_time < bounds.end + _SLACK
    return True


def named_day(file: RawFile, zone: str, bounds: DayBounds) -> bool:
    """Whether a file's path names the run's day, or one of its days."""
    return file.day_hint is not None and (
        bounds.start <= DayBounds.of(file.day_hint, zone, timedelta(0)).start < bounds.end
    )


def holds_lines_of(file: RawFile, bounds: DayBounds, zone: str) -> bool:
    """Whether a file holds lines of [view_start, end), going by what is known of it, not by what may turn out.

    A file that begins later does not, though a run of the day would read it to be sure; nor does one without any time,
    unless its path names the day.
    """
    if file.first_time is None:
        return named_day(file, zone, bounds)
    return file.first_time < bounds.end and (file.last_time or file.modified) >= bounds.view_start
