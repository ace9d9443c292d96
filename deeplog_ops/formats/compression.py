"""Compressed files as plain byte streams: known by their magic bytes, never by their name.

Every stream gives all that can be had before it complains: a truncated archive raises `DamagedArchive` only
on the read after its last good byte. Memory is bounded whatever the archive expands to.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Literal, cast

from deeplog_ops.errors import InputError

Compression = Literal["gzip", "bz2", "xz", "zstd"]

MAGIC: dict[Compression, bytes] = {
    "gzip": b"\x1f\x8b\x08",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zstd": b"\x28\xb5\x2f\xfd",
}
_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)
_PIECE = 128 * 1024
# zstd's decompressor takes no output limit; one block makes at most 128 KiB of 4 bytes, so that a small piece bounds it
_ZSTD_PIECE = 2 * 1024


class DamagedArchive(InputError):
    """An archive that ends early or holds something else than its format; `reason` is the quarantine's word."""

    def __init__(self, reason: Literal["truncated", "damaged"], detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


def detect(head: bytes, path: str = "") -> Compression | None:
    """The compression of a file that begins with `head`; the path is not looked at, names lie."""
    for name, magic in MAGIC.items():
        if head.startswith(magic) and (name != "bz2" or head[3:4] in b"123456789"):
            return name
    return None


def open_stream(raw: BinaryIO, compression: Compression | str | None) -> BinaryIO:
    """The uncompressed bytes of `raw`, as a stream that is read forwards; None gives `raw` itself."""
    if compression is None:
        return raw
    if compression not in MAGIC:
        raise InputError(f"no such compression: {compression!r}; known are {', '.join(MAGIC)}")
    return cast(BinaryIO, _Archive(raw, compression))


def head_of(raw: BinaryIO, size: int) -> bytes:
    """The first `size` uncompressed bytes of a raw stream that stands at its start and can seek; it is set back."""
    magic = raw.read(8)
    raw.seek(0)
    stream, head = open_stream(raw, detect(magic)), b""
    try:
        while len(head) < size and (piece := stream.read(size - len(head))):
            head += piece
    except DamagedArchive:
        pass  # what can be had of the head is enough
    raw.seek(0)
    return head


class _Archive(io.RawIOBase):
    """One or several archives written one after the other (as gzip, xz, bz2 and zstd all allow)."""

    def __init__(self, raw: BinaryIO, compression: str) -> None:
        self._raw = raw
        self._compression = compression
        self._piece = _ZSTD_PIECE if compression == "zstd" else _PIECE
        self._input = b""
        self._inner: Any = None
        self._ready = memoryview(b"")
        self._ended = False
        self._fault: DamagedArchive | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, often fewer; empty at the end. Of -1, all."""
        if size < 0:
            return self.readall()
        while not self._ready and not self._ended:
            if self._fault is not None:
                raise self._fault
            self._ready = memoryview(self._next(size))
        piece = bytes(self._ready[:size])
        self._ready = self._ready[size:]
        return piece

    def readinto(self, target: Any) -> int:
        piece = self.read(len(target))
        target[: len(piece)] = piece
        return len(piece)

    def _next(self, size: int) -> bytes:
        """Some more output; empty where the archive gave none yet, or ended (`_ended`), or broke (`_fault`)."""
        needs_input = self._inner is None or getattr(self._inner, "needs_input", True)
        if not self._input and needs_input:
            self._input = self._raw.read(self._piece)
            if not self._input:
                if self._inner is None:
                    self._ended = True
                else:
                    self._fault = DamagedArchive("truncated", f"the {self._compression} archive ends early")
                return b""
        if self._inner is None:
            if self._follows_padding():
                return b""
            self._inner = _DECOMPRESSORS[self._compression]()
        try:
            output = self._decompress(max(size, 4096))
        except _ERRORS as error:
            self._fault = DamagedArchive("damaged", f"the {self._compression} archive is damaged: {error}")
            return b""
        if self._inner.eof:
            self._input = self._inner.unused_data or self._input
            self._inner = None
        return output

    def _follows_padding(self) -> bool:
        """Between archives stand NULs at most; anything else is no archive and ends the reading with a fault."""
        self._input = self._input.lstrip(b"\0")
        magic = MAGIC[self._compression]  # type: ignore[index]
        while self._input and len(self._input) < len(magic) and (more := self._raw.read(self._piece)):
            self._input += more
        if self._input and not self._input.startswith(magic):
            self._fault = DamagedArchive("damaged", f"something else follows the {self._compression} archive")
        return not self._input or self._fault is not None

    def _decompress(self, size: int) -> bytes:
        data, self._input = self._input, b""
        if self._compression == "zstd":
            import zstandard

            try:
                return self._inner.decompress(data)
            except zstandard.ZstdError as error:
                raise ValueError(str(error)) from error
        output = self._inner.decompress(data, size)
        if self._compression == "gzip":
            self._input = self._inner.unconsumed_tail
        return output


def _gzip() -> Any:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _zstd() -> Any:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj()


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "gzip": _gzip,
    "bz2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
    "zstd": _zstd,
}
