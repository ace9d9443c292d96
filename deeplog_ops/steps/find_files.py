"""The manifest: which raw files exist, which are the same under two names, and which touch the run's days."""

from __future__ import annotations

import io
import logging
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO

from upath import UPath

from deeplog_ops.config import SourceConfig
from deeplog_ops.db import ledger
from deeplog_ops.errors import MissingInput
from deeplog_ops.formats import catalog, compression, fingerprint
from deeplog_ops.formats.records import read_records
from deeplog_ops.records import DayBounds, RawFile, stable_id
from deeplog_ops.steps.stage import OpenRun, stage
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage import manifest
from deeplog_ops.storage.paths import open_bytes, open_path

log = logging.getLogger(__name__)

PEEK_BYTES = 64 * 1024
_SLACK = timedelta(days=1)
_COMPARE_BYTES = 2**20
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
        seen = mark_duplicates(
            survey(place, opened.source),
            opened.source.connection,
            ledger.raw_files(place.engine, opened.source.key),
        )
        touching = [file for file in seen if file.duplicate_of or touches(file, opened.bounds)]
        ledger.record_files(place.engine, run_id, seen, touching)
        # The run's own day may be among them: publishing it clears the mark, a failure rightly leaves it.
        late = ledger.late_days(place.engine, opened.source.key, seen, touches)
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
    known = ledger.raw_files(place.engine, source.key)
    for _ in range(_TRIES - 1):
        with suppress(FileNotFoundError):
            return _survey(place, source, known)
    try:
        return _survey(place, source, known)
    except FileNotFoundError as error:
        raise MissingInput(
            f"files go while they are looked at, the last of them {error.filename}: run again"
        ) from error


def _survey(place: Workplace, source: SourceConfig, ledgered: list[RawFile]) -> list[RawFile]:
    known = {(file.path, file.size, file.modified): file for file in ledgered}
    seen = []
    for path in _expand(source):
        status = path.stat()
        modified = _modified(status)
        before = known.get((str(path), status.st_size, modified))
        if before is not None:
            seen.append(replace(before, day_hint=day_hint(str(path), source.reading.day_from_path)))
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


def peek(path: UPath, source: SourceConfig, size: int, modified: datetime, now: datetime) -> RawFile:
    """Read a file's head: its fingerprint, its compression, and the time it begins with."""
    plain, packed = _head(path)
    hint = day_hint(str(path), source.reading.day_from_path)
    first = None
    for chunk in read_records(
        io.BytesIO(plain),
        spec=catalog.resolve(source.format),
        reading=source.reading,
        file_id="",
        path=str(path),
        modified=modified,
        now=now,
        read_to=None,
        compressed_size=None,
        day_hint=hint,
    ):
        first = first or chunk.first_time
    return RawFile(
        file_id=fingerprint.of_head(plain),
        path=str(path),
        size=size,
        modified=modified,
        compression=packed,
        read_to=None if packed else size,
        first_time=first,
        day_hint=hint,
    )


def plain_head(path: UPath) -> bytes:
    """The first PEEK_BYTES of a file, uncompressed, or what can be had of them."""
    return _head(path)[0]


def _head(path: UPath) -> tuple[bytes, str | None]:
    with open_bytes(path) as raw:
        packed = compression.detect(raw.read(8), str(path))
        raw.seek(0)
        return compression.head_of(raw, PEEK_BYTES), packed


def is_still(file: RawFile, path: UPath, raw: BinaryIO) -> bool:
    """Whether `raw`, opened at the file's path and at its start, is the file that was found; it may have grown."""
    head = compression.head_of(raw, fingerprint.HEAD_BYTES)
    if fingerprint.of_head(head if file.read_to is None else head[: file.read_to]) == file.file_id:
        return True
    # One of several that begin alike has a fingerprint of its own.
    status = path.stat()
    return (status.st_size, _modified(status)) == (file.size, file.modified)


def _modified(status: Any) -> datetime:
    return datetime.fromtimestamp(getattr(status, "st_mtime", 0) or 0, UTC)


def day_hint(path: str, pattern: str | None) -> date | None:
    """The day that a path names, by the group `day` of the source's pattern."""
    found = re.search(pattern, path) if pattern else None
    if not found:
        return None
    digits = re.sub(r"\D", "", found["day"])
    try:
        return datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        return None


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


def mark_duplicates(files: list[RawFile], connection: str | None, known: list[RawFile]) -> list[RawFile]:
    """Let files with one fingerprint count once: the most complete one; plain before compressed.

    Two different files may begin alike. They are told apart by their bytes, and the later ones get a fingerprint
    that takes in the place where they part.
    """
    settled = {
        (file.path, file.size, file.modified): file for file in known if file.duplicate_of or file.last_time
    }
    groups: dict[str, list[RawFile]] = {}
    for file in files:
        groups.setdefault(file.file_id, []).append(file)
    result: list[RawFile] = []
    for file_id, group in groups.items():
        if len(group) == 1:
            result.append(replace(group[0], duplicate_of=None))
            continue
        ranked = sorted(group, key=lambda file: (file.compression is not None, -file.size, file.path))
        kept: list[RawFile] = []
        for file in ranked:
            before = settled.get((file.path, file.size, file.modified))
            if before is not None and before.duplicate_of in {other.path for other in kept}:
                result.append(replace(file, duplicate_of=before.duplicate_of))
                continue
            twin, parted = _twin(file, kept, connection)
            if twin is not None:
                result.append(replace(file, duplicate_of=twin.path))
            else:
                own = replace(
                    file, file_id=stable_id(file_id, parted) if parted else file_id, duplicate_of=None
                )
                kept.append(own)
                result.append(own)
    return sorted(result, key=lambda file: file.path)


def _twin(file: RawFile, kept: list[RawFile], connection: str | None) -> tuple[RawFile | None, str]:
    """The kept file that this one repeats (wholly, or as its beginning), or what its bytes are where they part."""
    parted = ""
    for other in kept:
        difference = _first_difference(file, other, connection)
        if difference is None:
            return other, ""
        parted = difference
    return None, parted


def _first_difference(file: RawFile, other: RawFile, connection: str | None) -> str | None:
    """What `file` holds up to the byte where the two part, hashed; None where one begins with all of the other."""
    with (
        open_bytes(open_path(file.path, connection)) as raw_a,
        open_bytes(open_path(other.path, connection)) as raw_b,
    ):
        a = compression.open_stream(raw_a, file.compression)
        b = compression.open_stream(raw_b, other.compression)
        at = 0
        while True:
            left, right = _piece(a), _piece(b)
            shorter = min(len(left), len(right))
            if left[:shorter] != right[:shorter]:
                parts = next(place for place in range(shorter) if left[place] != right[place])
                # Not all of the piece: the last one of a file that grows would change.
                return f"{at}:{stable_id(left[: parts + 1].hex())}"
            if shorter < _COMPARE_BYTES:
                return None
            at += shorter


def _piece(stream: BinaryIO) -> bytes:
    """The next _COMPARE_BYTES, fewer only at the end: an archive gives what it has, however little was asked for. As far
    as a damaged one can be read."""
    found = b""
    with suppress(compression.DamagedArchive):
        while len(found) < _COMPARE_BYTES and (piece := stream.read(_COMPARE_BYTES - len(found))):
            found += piece
    return found
