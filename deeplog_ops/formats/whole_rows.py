"""Lines of CSV to rows: within quotes a row goes on over the end of a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from deeplog_ops.formats.csv_rows import CsvEngine
from deeplog_ops.formats.joining import RECORD_BYTES
from deeplog_ops.formats.line_blocks import LineBlock


@dataclass(frozen=True)
class _Lines:
    """Consecutive lines, as in a LineBlock."""

    text: pl.Series
    line_nos: np.ndarray
    offsets: np.ndarray
    too_long: dict[int, int]

    def __len__(self) -> int:
        return len(self.text)

    def part(self, begin: int, end: int) -> _Lines:
        long = {at - begin: size for at, size in self.too_long.items() if begin <= at < end}
        return _Lines(self.text[begin:end], self.line_nos[begin:end], self.offsets[begin:end], long)

    def followed_by(self, more: _Lines) -> _Lines:
        long = self.too_long | {len(self) + at: size for at, size in more.too_long.items()}
        return _Lines(
            pl.concat([self.text, more.text]),
            np.concatenate([self.line_nos, more.line_nos]),
            np.concatenate([self.offsets, more.offsets]),
            long,
        )


def whole_rows(blocks: Iterable[LineBlock], engine: CsvEngine, record_lines: int) -> Iterator[LineBlock]:
    """Blocks whose entries are whole rows, the heading left out. A quote that never closes costs its own line alone."""
    waiting: _Lines | None = None
    for block in blocks:
        lines, headings = _Lines(block.text, block.line_nos, block.offsets, block.too_long), 0
        if not engine.names:
            lines, headings = _without_heading(lines, engine)
        if waiting is not None:
            lines = waiting.followed_by(lines)
        starts, end = _rows(lines, record_lines, last=block.cut_off)
        yield _as_block(lines, starts, end, block.bytes_read, headings, block.cut_off)
        waiting = lines.part(end, len(lines)) if end < len(lines) else None
    if waiting is not None:
        starts, end = _rows(waiting, record_lines, last=True)
        yield _as_block(waiting, starts, end, 0, 0, False)


def rows_of(lines: list[str]) -> list[str]:
    """Rows of text from lines of text, the heading not among them."""
    nowhere = np.zeros(len(lines), np.int64)
    some = _Lines(pl.Series(lines, dtype=pl.String), nowhere, nowhere, {})
    starts, end = _rows(some, 10_000, last=True)
    return _texts(some, starts, end).to_list()


def _without_heading(lines: _Lines, engine: CsvEngine) -> tuple[_Lines, int]:
    """The first line that is not blank names the columns, if they are some that can be used."""
    place = next((place for place, text in enumerate(lines.text) if text.strip()), None)
    if place is None:
        return lines, 0
    engine.set_heading(lines.text[place])
    if not engine.usable:
        return lines, 0
    return lines.part(0, place).followed_by(lines.part(place + 1, len(lines))), 1


def _rows(lines: _Lines, record_lines: int, last: bool) -> tuple[np.ndarray, int]:
    """Where rows begin, and the end of the last that is whole: what follows waits for more lines."""
    odd = (lines.text.str.count_matches('"', literal=True) % 2 == 1).to_numpy()
    if not odd.any() and not lines.too_long:
        return np.arange(len(lines)), len(lines)
    within = np.cumsum(odd) % 2  # after each line: whether a quote is open
    starts = np.flatnonzero(np.concatenate([[0], within[:-1]]) == 0)
    sizes = np.concatenate([[0], np.cumsum(lines.text.str.len_bytes().to_numpy(), dtype=np.int64)])
    ends = np.append(starts[1:], len(lines))
    if (
        lines.too_long
        or (ends - starts >= record_lines).any()
        or (sizes[ends] - sizes[starts] > RECORD_BYTES).any()
    ):
        return _rows_one_by_one(lines, record_lines, last)
    if not within[-1]:
        return starts, len(lines)
    return _rows_one_by_one(lines, record_lines, last) if last else (starts[:-1], int(starts[-1]))


def _rows_one_by_one(lines: _Lines, record_lines: int, last: bool) -> tuple[np.ndarray, int]:
    """The same where a row may be too large, or never end."""
    texts, starts, place = lines.text.to_list(), [], 0
    while place < len(texts):
        end, size, quotes = place, 0, 0
        while end < len(texts):
            too_long = end in lines.too_long
            if end - place >= record_lines or size > RECORD_BYTES or (too_long and end > place):
                break
            quotes, size, end = quotes + texts[end].count('"'), size + len(texts[end]), end + 1
            if quotes % 2 == 0 or too_long:
                break
        closed = quotes % 2 == 0 or place in lines.too_long
        if (
            not closed
            and end == len(texts)
            and not last
            and end - place < record_lines
            and size <= RECORD_BYTES
        ):
            break
        starts.append(place)
        place = end if closed else place + 1
    return np.array(starts, np.int64), place


def _texts(lines: _Lines, starts: np.ndarray, end: int) -> pl.Series:
    text = lines.text[:end]
    if len(starts) == end:
        return text
    begins = np.zeros(end, np.int64)
    begins[starts] = 1
    rows = pl.DataFrame({"row": np.cumsum(begins), "text": text})
    return rows.group_by("row", maintain_order=True).agg(pl.col("text").str.join("\n"))["text"]


def _as_block(
    lines: _Lines, starts: np.ndarray, end: int, bytes_read: int, headings: int, cut_off: bool
) -> LineBlock:
    rows = {int(line): row for row, line in enumerate(starts)} if lines.too_long else {}
    return LineBlock(
        _texts(lines, starts, end),
        lines.line_nos[starts],
        np.diff(starts, append=end),
        lines.offsets[starts],
        bytes_read,
        {rows[at]: size for at, size in lines.too_long.items() if at in rows},
        cut_off,
        headings,
    )
