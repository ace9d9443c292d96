"""Shapes: lines with every number as `0`. A column of a million lines has few.

A number is a run that begins with a digit and goes on in hexadecimal digits (masks.NUMBER). Finding the runs is
bit arithmetic over all bytes of a column at once: adding the bits "is a digit" to the bits "is a hexadecimal
digit" makes a carry run from a digit to the end of its run (the MatchStar of Cameron et al., "Bitwise data
parallelism in regular expression matching", PACT 2014).
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

NEWLINE = 10
_ZERO = 48
_OTHER, _HEXADECIMAL, _DIGIT = range(3)
_CLASSES = bytes(
    _DIGIT if byte in b"0123456789" else _HEXADECIMAL if byte in b"abcdefABCDEF" else _OTHER
    for byte in range(256)
)


def joined(lines: pl.Series) -> bytes:
    """All lines as UTF-8, with a newline before, between and after. No line has a newline in it."""
    return "\n".join(["", *([lines.str.join("\n").item()] if len(lines) else []), ""]).encode()


def shapes(text: bytes) -> pa.StringArray:
    """The shape of each of the joined lines, its newline at the end. The text is less than 2 GiB."""
    classes = np.frombuffer(text.translate(_CLASSES), dtype=np.uint8)
    digits = _bits(classes == _DIGIT)
    hexadecimal = _bits(classes)
    numbers = (((digits + hexadecimal) ^ hexadecimal) | digits) & hexadecimal
    first = numbers & ~(numbers << 1)
    shape = np.frombuffer(text, dtype=np.uint8).copy()
    shape[_mask(first, len(text))] = _ZERO
    shape = shape[~_mask(numbers & ~first, len(text))]
    ends = (np.flatnonzero(shape == NEWLINE) + 1).astype(np.int32)
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(shape))


def _bits(flags: np.ndarray) -> int:
    """One bit a byte, the first the lowest: the carry of an addition goes from left to right in the text."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def _mask(bits: int, size: int) -> np.ndarray:
    packed = np.frombuffer(bits.to_bytes((size + 7) // 8, "little"), dtype=np.uint8)
    return np.unpackbits(packed, count=size, bitorder="little").view(bool)
