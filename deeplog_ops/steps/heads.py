"""The head of a raw file: its fingerprint, its compression, the time it begins with."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any, BinaryIO

from upath import UPath

from deeplog_ops.config import SourceConfig
from deeplog_ops.formats import catalog, compression, fingerprint
from deeplog_ops.formats.day_in_path import day_in_path
from deeplog_ops.formats.records import read_records
from deeplog_ops.records import RawFile
from deeplog_ops.storage.paths import open_bytes

PEEK_BYTES = 64 * 1024


def peek(path: UPath, source: SourceConfig, size: int, modified: datetime, now: datetime) -> RawFile:
    """Read a file's head: its fingerprint, its compression, and the time it begins with."""
    plain, packed = _head(path)
    hint = day_in_path(str(path), source.reading.day_from_path)
    first = first_time(plain, source, str(path), modified, now)
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


def first_time(
    plain: bytes, source: SourceConfig, path: str, modified: datetime, now: datetime
) -> datetime | None:
    """The earliest time in some uncompressed bytes of a file; None where they hold none."""
    chunks = read_records(
        io.BytesIO(plain),
        spec=catalog.resolve(source.format),
        reading=source.reading,
        file_id="",
        path=path,
        modified=modified,
        now=now,
        day_hint=day_in_path(path, source.reading.day_from_path),
    )
    return min((chunk.first_time for chunk in chunks if chunk.first_time is not None), default=None)


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
    return (status.st_size, modified_at(status)) == (file.size, file.modified)


def modified_at(status: Any) -> datetime:
    """When a file was changed last, by its `stat`."""
    return datetime.fromtimestamp(getattr(status, "st_mtime", 0) or 0, UTC)
