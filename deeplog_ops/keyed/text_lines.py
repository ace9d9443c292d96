"""A file of text that may be compressed, line by line, with the number of the line read last."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from deeplog_ops.errors import InputError, MissingInput
from deeplog_ops.formats.compression import DamagedArchive, detect, open_stream

HEAD = 64 * 1024  # characters looked at, at most, to know a file's form; a line is never split


class TextLines:
    """Lines of UTF-8, plain or gzip, bz2, xz or zstd by content, from a file or a pipe; read once, forwards.

    `number` counts the lines given so far, so it is that of the last one. MissingInput or InputError when it
    cannot be opened, is damaged, or holds no text, with the line where one is known.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.number = 0
        self._rest = ""
        try:
            self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 - closed by the context manager
        except FileNotFoundError as error:
            raise MissingInput(f"{path}: there is no such file") from error
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror}): a file of keys is expected"
            ) from error
        magic = self._file.peek(8)[:8]  # type: ignore[attr-defined]
        self._bytes = io.BufferedReader(open_stream(self._file, detect(magic)), 2**18)  # type: ignore[type-var]
        self._head = self._peek()

    @property
    def head(self) -> list[str]:
        """The first lines, those not read yet included: what a file's form is known by."""
        return self._head

    def fault(self, message: str, line: int | None = None) -> InputError:
        """An error that points at a line of this file, by default the one read last."""
        return InputError(f"{self.path}:{self.number if line is None else line}: {message}")

    def __iter__(self) -> Iterator[str]:
        while line := self.readline():
            yield line

    def readline(self) -> str:
        """The next line with its line feed; empty at the end."""
        line = self._waiting.pop() if self._waiting else self._decoded(self.number + 1)
        self.number += bool(line)
        return line

    def read(self, size: int = -1) -> str:
        """About `size` characters, all of them for -1: for readers that want a file, as pandas does."""
        parts, length = [self._rest], len(self._rest)
        while (size < 0 or length < size) and (line := self.readline()):
            parts.append(line)
            length += len(line)
        text = "".join(parts)
        self._rest = "" if size < 0 else text[size:]
        return text if size < 0 else text[:size]

    def __enter__(self) -> TextLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _peek(self) -> list[str]:
        head: list[str] = []
        length = 0
        self._waiting: list[str] = []
        while length < HEAD and (line := self._decoded(len(head) + 1)):
            head.append(line)
            length += len(line)
        self._waiting = head[::-1]
        return head

    def _decoded(self, number: int) -> str:
        try:
            line = self._bytes.readline()
        except DamagedArchive as error:
            raise InputError(f"{self.path}: after line {number - 1}, {error}") from error
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror}") from error
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise self.fault(
                f"byte {error.start + 1} of the line is no UTF-8: text in UTF-8 is expected", number
            ) from error
        if "\0" in text:
            raise self.fault("a NUL byte: this is no text, or another encoding than UTF-8", number)
        return text
