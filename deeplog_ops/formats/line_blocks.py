"""A byte stream to blocks of lines: cut at newlines, decoded, with line numbers and raw byte offsets.

The memory held is one read, one line of at most `line_bytes`, and no more: a longer line keeps its beginning only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa

from deeplog_ops.config import Reading
from deeplog_ops.formats import encodings
from deeplog_ops.formats.compression import DamagedArchive

BEGINNING = 4096  # bytes kept of a line that is too long
BOMB_FROM = 2**30  # below this an archive may expand by any ratio
_HEAD = 64 * 1024
_LARGEST_READ = 256 * 2**20  # offsets within a block are 32 bits wide


@dataclass(frozen=True)
class Fault:
    """Why a whole file, or the rest of it, could not be read."""

    reason: str
    detail: str


@dataclass(frozen=True)
class LineBlock:
    """Consecutive lines of a file.

    `text` has one entry a line, without its line end, or one a row of several lines (`counts`, CSV alone);
    `offsets` are bytes into the uncompressed raw file. `headings` lines name columns and are in no row.
    `too_long` maps the place of a line in the block to its length in bytes; its text is only its beginning.
    `cut_off` says that the last line is not whole, since the file's reading ended in it.
    """

    text: pl.Series
    line_nos: np.ndarray
    counts: np.ndarray
    offsets: np.ndarray
    bytes_read: int
    too_long: dict[int, int]
    cut_off: bool = False
    headings: int = 0

    def __len__(self) -> int:
        return len(self.text)


class BlockReader:
    """Iterates over the blocks of a stream. Afterwards `fault` says what stopped it early, if anything did.

    `read_to` bounds a file that grows: a line that goes on beyond it is not seen at all.
    """

    def __init__(
        self,
        stream: BinaryIO,
        reading: Reading,
        read_to: int | None = None,
        compressed_size: int | None = None,
    ) -> None:
        self._stream = stream
        self._reading = reading
        self._read_to = read_to
        self._limit = reading.file_bytes if read_to is None else min(read_to, reading.file_bytes)
        self._ratio_limit = None if not compressed_size else max(BOMB_FROM, compressed_size * reading.ratio)
        # every read but the last is a multiple of the widest code unit, so that no newline is cut in two
        self._size = max(4, min(reading.chunk_bytes, _LARGEST_READ) // 4 * 4)
        self._taken = 0  # bytes taken from the stream
        self.fault: Fault | None = None
        head = self._read_full(min(_HEAD, self._limit))
        self.encoding, self._mark = encodings.of_head(head, reading.encoding)
        self.binary = encodings.is_binary(head, self.encoding)
        self._head = head
        self._unit = encodings.unit_of(self.encoding)
        self._newline = "\n".encode(self.encoding)

    def __iter__(self) -> Iterator[LineBlock]:
        pending, at, line_no = b"", 0, 1  # `at`: raw offset of `pending`'s first byte
        skipped = 0  # bytes of a line whose beginning is in `pending`; 0: no line is being skipped
        while data := self._take():
            if skipped:
                end = self._find(data, skipped % self._unit)
                pending += data[: end if end >= 0 else None][: BEGINNING - len(pending)]
                if end < 0:
                    skipped += len(data)
                    continue
                length = skipped + end
                yield self._block(pending, at, line_no, length)
                at, line_no, skipped = at + length + len(self._newline), line_no + 1, 0
                pending = data[end + len(self._newline) :]
            else:
                pending += data
            end = self._last(pending)
            if end >= 0:
                whole = pending[: end + len(self._newline)]
                block = self._block(whole, at, line_no)
                yield block
                at, line_no, pending = at + len(whole), line_no + len(block), pending[len(whole) :]
            if len(pending) > self._reading.line_bytes + len(self._newline):
                pending, skipped = pending[:BEGINNING], len(pending)
        if (pending or skipped) and not self._goes_on():
            yield self._block(pending, at, line_no, skipped or len(pending), cut_off=self.fault is not None)

    def count_lines(self) -> int:
        """Reads on to the end and counts lines, for a file that is not worth more."""
        lines, last = 0, b"\n"
        while data := self._take():
            lines, last = lines + data.count(b"\n"), data[-1:]
        return lines + (last != b"\n")

    def _take(self) -> bytes:
        """The next bytes of the file, one read's worth but at its end; empty at its end or at a fault."""
        if self._head:
            data, self._head = self._head[: self._size], self._head[self._size :]
            return data
        return self._read_full(self._size)

    def _read_full(self, size: int) -> bytes:
        pieces, missing = [], size
        while missing > 0 and self.fault is None and (piece := self._read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def _read(self, size: int) -> bytes:
        if self._taken >= self._limit:
            if self._limit != self._read_to and self._probe():
                self.fault = Fault(
                    "file_too_large", f"more than file_bytes = {self._limit}: the rest is not read"
                )
            return b""
        try:
            data = self._stream.read(min(size, self._limit - self._taken)) or b""
        except DamagedArchive as error:
            self.fault = Fault(
                error.reason, f"{error}; read until byte {self._taken} of the uncompressed file"
            )
            return b""
        self._taken += len(data)
        if self._ratio_limit is not None and self._taken > self._ratio_limit:
            detail = f"expands by more than ratio = {self._reading.ratio}: the rest is not read"
            self.fault = Fault("bomb", detail)
        return data

    def _probe(self) -> bool:
        """Whether the file goes on; takes a byte, so only for a file that is read no further."""
        try:
            return bool(self._stream.read(1))
        except DamagedArchive:
            return True

    def _goes_on(self) -> bool:
        """Whether the last line goes on beyond `read_to`: then a later reading sees it, whole."""
        return self._read_to is not None and self._taken >= self._read_to and self._probe()

    def _find(self, data: bytes, phase: int = 0) -> int:
        """Place of the first newline in `data`, whose first byte is `phase` bytes into a code unit; or -1."""
        place = data.find(self._newline)
        while place >= 0 and (place + phase) % self._unit:
            place = data.find(self._newline, place + 1)
        return place

    def _last(self, data: bytes) -> int:
        place = data.rfind(self._newline)
        while place > 0 and place % self._unit:
            place = data.rfind(self._newline, 0, place + len(self._newline) - 1)
        return place if place % self._unit == 0 else -1

    def _block(
        self, raw: bytes, at: int, line_no: int, length: int | None = None, cut_off: bool = False
    ) -> LineBlock:
        """`raw` as lines: whole ones that each end in a newline, or the beginning of one that is `length` long."""
        if length is None:
            starts, ends = self._lines(raw)
            sizes, bytes_read = ends - starts, len(raw)
        else:
            starts, ends = np.zeros(1, np.int64), np.array([len(raw)], np.int64)
            sizes, bytes_read = np.array([length], np.int64), length
        long = np.flatnonzero(sizes > self._reading.line_bytes)
        if len(long):
            raw, starts_here, ends_here = self._shortened(raw, starts, ends, long)
        else:
            starts_here, ends_here = starts, ends
        mark = self._mark if at == 0 else 0
        text = encodings.to_utf8(raw[mark:], self.encoding)
        if text is raw and length is None:
            text_ends = ends_here
        else:
            text += b"" if length is None else b"\n"
            text_ends = _newlines(text)
            if len(text_ends) != len(starts):  # a broken multi-byte character took a newline with it
                spans = zip(starts_here, ends_here, strict=True)
                lines = [encodings.to_utf8(raw[a:b], self.encoding).replace(b"\n", b"\\n") for a, b in spans]
                text = b"\n".join([*lines, b""])
                text_ends = _newlines(text)
        too_long = {int(place): int(sizes[place]) for place in long}
        count = len(starts)
        numbers = np.arange(line_no, line_no + count, dtype=np.int64)
        ones = np.ones(count, np.int64)
        series = _series(text, text_ends)
        return LineBlock(series, numbers, ones, starts + at, bytes_read, too_long, cut_off)

    def _lines(self, raw: bytes) -> tuple[np.ndarray, np.ndarray]:
        kind = np.dtype(f"{'>' if self.encoding.endswith('-be') else '<'}u{self._unit}")
        ends = np.flatnonzero(np.frombuffer(raw, kind) == 10) * self._unit
        starts = np.empty_like(ends)
        starts[0] = 0
        starts[1:] = ends[:-1] + self._unit
        return starts, ends

    def _shortened(
        self, raw: bytes, starts: np.ndarray, ends: np.ndarray, long: np.ndarray
    ) -> tuple[bytes, np.ndarray, np.ndarray]:
        """Only the beginnings of the lines at `long`, and where all lines are now."""
        kept = ends - starts
        kept[long] = np.minimum(kept[long], BEGINNING)
        gap = (starts[1:] - ends[:-1])[0] if len(starts) > 1 else 0
        pieces, done = [], 0
        for place in long:
            pieces.append(raw[done : starts[place] + kept[place]])
            done = int(ends[place])
        ends_here = np.cumsum(kept + gap) - gap
        return b"".join([*pieces, raw[done:]]), ends_here - kept, ends_here


def _newlines(text: bytes) -> np.ndarray:
    return np.flatnonzero(np.frombuffer(text, np.uint8) == 10)


def _series(text: bytes, ends: np.ndarray) -> pl.Series:
    """Lines of valid UTF-8 with newlines at `ends`, as strings that view into a copy of `text`."""
    padded = text + b"\0" * 16
    buffer = np.frombuffer(padded, np.uint8)
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    sizes = ends - starts
    sizes -= (sizes > 0) & (buffer[ends - 1] == 13)
    views = np.zeros((len(ends), 4), np.uint32)
    views[:, 0] = sizes
    at_every_byte = np.ndarray((len(text) + 8,), "<u4", padded, strides=(1,))
    views[:, 1] = at_every_byte[starts]
    views[:, 3] = starts
    short = np.flatnonzero(sizes <= 12)
    if len(short):  # an Arrow view holds up to 12 bytes in itself
        inline = buffer[starts[short][:, None] + np.arange(12)]
        inline[np.arange(12) >= sizes[short][:, None]] = 0
        views[short, 1:] = np.ascontiguousarray(inline).view("<u4")
    array = pa.Array.from_buffers(
        pa.string_view(), len(ends), [None, pa.py_buffer(views), pa.py_buffer(padded)]
    )
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series
