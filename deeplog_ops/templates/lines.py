"""The first lines of messages, as one text: what masks and parameters both begin with, so that positions agree.

Later lines (a stack trace joined to its record) do not say which template printed a message.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from deeplog_ops.templates.shapes import NEWLINE, bits, joined, one_earlier, one_later, only

_SPACE = 32
_WHITE = " \t\n\r\v\f"
_TO_SPACE = bytes.maketrans(b"\t\v\f", b"   ")


def first_lines(messages: pl.Series) -> bytes:
    """The first line of each message that is not blank, its runs of white space (of ASCII) one space, joined.

    White space at its ends is gone. Null becomes empty.
    """
    messages = messages.cast(pl.String)
    messages = messages.fill_null("") if messages.null_count() else messages
    text = joined(messages)
    if b"\r" in text or np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == NEWLINE) > len(messages) + 1:
        rows = messages.str.contains("[\n\r]").arg_true()
        first = messages.gather(rows).str.strip_chars(_WHITE).str.extract(r"^([^\n\r]*)", 1)
        text = joined(messages.scatter(rows, first))
    if any(white in text for white in (b"\t", b"\v", b"\f")):
        text = text.translate(_TO_SPACE)
    return _without_spare_spaces(text)


def column(text: bytes) -> pl.Series:
    """Joined lines as a column."""
    edges = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == NEWLINE).astype(np.int32)
    lines = pa.StringArray.from_buffers(len(edges) - 1, pa.py_buffer(edges + 1), pa.py_buffer(text))
    return pl.Series("line", lines, dtype=pl.String).str.strip_suffix("\n")


def _without_spare_spaces(text: bytes) -> bytes:
    """Without spaces that follow a space, begin a line or end one."""
    while True:
        data = np.frombuffer(text, dtype=np.uint8)
        space, newline = bits(data == _SPACE), bits(data == NEWLINE)
        last = space & one_earlier(newline)
        spare = last | (space & one_later(space | newline))
        if not spare.any():
            return text
        text = only(text, ~spare).tobytes()
        if not (last & one_later(space)).any():  # else the first of many may end a line now
            return text
