"""Shapes: lines with every number as `0`. A column of a million lines has few.

A number is a run that begins with a digit and goes on in hexadecimal digits (masks.NUMBER). Finding the runs is
bit arithmetic over all bytes of a column at once: adding the bits "is a digit" to the bits "is a hexadecimal
digit" makes a carry run from a digit to the end of its run (the MatchStar of Cameron et al., "Bitwise data
parallelism in regular expression matching", PACT 2014). A shape is then the bytes that are kept: all but those of
a number after its first, which is a digit.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

NEWLINE = 10
_ZERO, _A = np.uint8(ord("0")), np.uint8(ord("a"))
_CASE = np.uint8(ord("a") - ord("A"))  # the bit that tells them apart


def joined(lines: pl.Series) -> bytes:
    """All lines as UTF-8, with a newline before, between and after. No line has a newline in it."""
    if not len(lines):
        return b"\n"
    return b"".join((b"\n", lines.str.join("\n").to_arrow().buffers()[2], b"\n"))


def kept(text: bytes) -> np.ndarray:
    """Which bytes of joined lines their shapes keep, as bits (`bits`)."""
    data = np.frombuffer(text, dtype=np.uint8)
    value = data - _ZERO  # unsigned: what comes before wraps round to more than 9
    is_digit = value < 10
    np.bitwise_or(data, _CASE, out=value)
    value -= _A
    digits, hexadecimal = bits(is_digit), bits((value < 6) | is_digit)
    carried = _number(digits) + _number(hexadecimal)  # no carry leaves the text: it ends in a newline
    numbers = np.frombuffer(carried.to_bytes(len(digits) + 1, "little"), dtype=np.uint8)[:-1] ^ hexadecimal
    numbers |= digits
    numbers &= hexadecimal
    return ~(numbers & one_later(numbers))


def places(keep: np.ndarray, size: int) -> np.ndarray:
    """Where in the text of `size` bytes each byte stands that is kept."""
    return np.flatnonzero(np.unpackbits(keep, count=size, bitorder="little").view(bool))


def shapes(text: bytes, keep: np.ndarray | None = None) -> pa.StringArray:
    """The shape of each of the joined lines, its newline at the end. The text is less than 2 GiB.

    `keep` is kept(text). The array's bytes are those kept, from the newline before the first line on.
    """
    shape = only(text, kept(text) if keep is None else keep)
    digit = shape - _ZERO
    digit *= (digit < 10).view(np.uint8)
    shape = shape - digit
    ends = np.flatnonzero(shape == NEWLINE).astype(np.int32) + np.int32(1)
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(shape))


def starts(shape: pa.StringArray) -> np.ndarray:
    """Where each of the shapes begins among the bytes that are kept."""
    return np.frombuffer(shape.buffers()[1], dtype=np.int32)[: len(shape)]


def only(text: bytes, keep: np.ndarray) -> np.ndarray:
    """The bytes of the text whose bits are set."""
    every = pa.Array.from_buffers(pa.uint8(), len(text), [None, pa.py_buffer(text)])
    flags = pa.Array.from_buffers(pa.bool_(), len(text), [None, pa.py_buffer(keep)])
    return every.filter(flags).to_numpy()


def bits(flags: np.ndarray) -> np.ndarray:
    """A bit a flag, eight a byte, the first the lowest."""
    return np.packbits(flags, bitorder="little")


def one_later(flags: np.ndarray) -> np.ndarray:
    """Bits, each moved to the next place."""
    moved = flags << 1
    moved[1:] |= flags[:-1] >> 7
    return moved


def one_earlier(flags: np.ndarray) -> np.ndarray:
    """Bits, each moved to the place before."""
    moved = flags >> 1
    moved[:-1] |= flags[1:] << 7
    return moved


def _number(flags: np.ndarray) -> int:
    """Bits as one number: the carry of an addition goes from left to right in the text."""
    return int.from_bytes(flags.tobytes(), "little")
