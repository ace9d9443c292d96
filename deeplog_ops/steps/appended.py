"""Where a file that a run has read goes on: are the lines that came since of the run's day, or of later ones?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from deeplog_ops.config import SourceConfig
from deeplog_ops.db.late_days import ReadFile
from deeplog_ops.formats import compression, fingerprint
from deeplog_ops.records import RawFile
from deeplog_ops.steps.heads import PEEK_BYTES, first_time
from deeplog_ops.storage.paths import open_bytes, open_path

_SKIPPED = 64 * 2**20  # of a compressed file; to look behind more than that takes too long


@dataclass(frozen=True)
class Appended:
    """Looks at the raw files of a source; `now` is the time against which stamps are of the future."""

    source: SourceConfig
    now: datetime

    def continues(self, file: RawFile, before: ReadFile) -> bool:
        """Whether `file` begins with all of a file that was shorter than a fingerprint takes in."""
        if before.read_to is None or before.read_to >= fingerprint.HEAD_BYTES:
            return False
        try:
            with open_bytes(open_path(file.path, self.source.connection)) as raw:
                head = compression.head_of(raw, fingerprint.HEAD_BYTES)
        except FileNotFoundError:
            return False
        return len(head) > before.read_to and fingerprint.of_head(head[: before.read_to]) == before.file_id

    def first_time(self, file: RawFile, before: ReadFile) -> datetime | None:
        """The earliest time in the first PEEK_BYTES after what was read, from the line in which the reading ended."""
        if before.read_to is None or (file.compression and before.read_to > _SKIPPED):
            return None
        try:
            with open_bytes(open_path(file.path, self.source.connection)) as raw:
                lines = _lines_from(raw, file.compression, before.read_to)
        except (FileNotFoundError, compression.DamagedArchive):
            return None
        return first_time(lines, self.source, file.path, file.modified, self.now)


def _lines_from(raw: BinaryIO, packed: str | None, place: int) -> bytes:
    begin = max(0, place - PEEK_BYTES)
    stream = compression.open_stream(raw, packed)
    if packed is None:
        raw.seek(begin)
    else:
        _read(stream, begin)
    before = _read(stream, place - begin)
    return before[before.rfind(b"\n") + 1 :] + _read(stream, PEEK_BYTES)


def _read(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer only at the end."""
    pieces = []
    while size > 0 and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
