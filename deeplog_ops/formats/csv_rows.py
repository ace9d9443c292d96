"""Kind `csv`: a first line that names the columns, and rows that may run over several lines within quotes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from deeplog_ops.formats.engine import Headers
from deeplog_ops.formats.joining import RECORD_BYTES
from deeplog_ops.formats.line_blocks import LineBlock
from deeplog_ops.formats.mapped import FieldMapping
from deeplog_ops.formats.shapes import Shape, Shapes, Slot
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.formats.values import Cell

_DELIMITERS = ",;\t|"


class CsvEngine:
    """Reads rows once the heading is known (`whole_rows` tells it)."""

    def __init__(self, spec: FormatSpec) -> None:
        self._mapping = FieldMapping(spec)
        self.has_time = self._mapping.has_time
        self.names: list[str] = list(spec.heading)
        self.has_heading = not spec.heading  # in the file itself
        self._delimiter = ","
        self._least = self._cells_needed() if spec.heading else 0
        self._shapes = Shapes(None, self._shape, csv.field_size_limit())

    def set_heading(self, line: str) -> None:
        self._delimiter = max(_DELIMITERS, key=line.count)
        self.names = [name.strip() for name in self._cells(line) or []]
        self._least = len(self.names)

    def _cells_needed(self) -> int:
        """How many cells of a row without a heading reach its time and its message."""
        wanted = [name for ours in ("time", "message") for name in self._mapping.names.get(ours, ())]
        return 1 + max((self.names.index(name) for name in wanted if name in self.names), default=0)

    @property
    def usable(self) -> bool:
        """Whether the heading names a message, and a time where the format asks for one."""
        wanted = [self._mapping.names[ours] for ours in ("time", "message") if ours in self._mapping.names]
        return all(any(name in self.names for name in names) for names in wanted)

    def read(self, lines: pl.Series) -> Headers:
        return self._mapping.headers(lines, self._shapes, self._row)

    def _shape(self, line: str) -> Shape | None:
        """The shape of rows of as many cells; None for a line that is no row."""
        row = self._row(line)
        if row is None or len(self.names) < 2:
            return None
        delimiter = re.escape(self._delimiter)
        cell = rf'([^"\r\n{delimiter}]*|"(?:[^"\r]|"")*")'
        slots = [Slot(name, cell, Cell) for name in self.names[: len(row)]]
        return Shape.of([slots[0], *(part for slot in slots[1:] for part in (delimiter, slot))])

    def _row(self, line: str) -> dict[str, str] | None:
        cells = self._cells(line)
        if not self.usable or cells is None or not self._least <= len(cells) <= len(self.names):
            return None
        return dict(zip(self.names, cells, strict=False))

    def _cells(self, line: str) -> list[str] | None:
        try:
            return next(csv.reader(io.StringIO(line, newline=""), delimiter=self._delimiter), None)
        except csv.Error:
            return None


@dataclass(frozen=True)
class _Line:
    text: str
    line_no: int
    offset: int
    too_long: int | None


@dataclass(frozen=True)
class _Row:
    lines: tuple[_Line, ...]


def whole_rows(blocks: Iterable[LineBlock], engine: CsvEngine, record_lines: int) -> Iterator[LineBlock]:
    """Blocks whose entries are whole rows, the heading left out. A quote that never closes costs its own line alone."""
    waiting: list[_Line] = []
    for block in blocks:
        texts, headings = block.text.to_list(), 0
        lines = [
            _Line(text, int(block.line_nos[place]), int(block.offsets[place]), block.too_long.get(place))
            for place, text in enumerate(texts)
        ]
        if not engine.names:
            first = next((place for place, line in enumerate(lines) if line.text.strip()), None)
            if first is not None:
                engine.set_heading(lines[first].text)
                if engine.usable:
                    del lines[first]
                    headings = 1
        rows, waiting = _rows(waiting + lines, record_lines, last=block.cut_off)
        yield _as_block(rows, block.bytes_read, headings, block.cut_off)
    rows, _ = _rows(waiting, record_lines, last=True)
    if rows:
        yield _as_block(rows, 0, 0, False)


def rows_of(lines: list[str]) -> list[str]:
    """Rows of text from lines of text, the heading not among them."""
    rows, _ = _rows([_Line(line, 0, 0, None) for line in lines], 10_000, last=True)
    return ["\n".join(line.text for line in row.lines) for row in rows]


def _rows(lines: list[_Line], record_lines: int, last: bool) -> tuple[list[_Row], list[_Line]]:
    """Rows that are whole, and the lines of one that is not."""
    rows: list[_Row] = []
    place = 0
    while place < len(lines):
        end, size, quotes = place, 0, 0
        while end < len(lines):
            line = lines[end]
            if end - place >= record_lines or size > RECORD_BYTES or (line.too_long and end > place):
                break
            quotes, size, end = quotes + line.text.count('"'), size + len(line.text), end + 1
            if quotes % 2 == 0 or line.too_long:
                break
        closed = quotes % 2 == 0 or lines[place].too_long is not None
        if (
            not closed
            and end == len(lines)
            and not last
            and end - place < record_lines
            and size <= RECORD_BYTES
        ):
            return rows, lines[place:]
        end = end if closed else place + 1
        rows.append(_Row(tuple(lines[place:end])))
        place = end
    return rows, []


def _as_block(rows: list[_Row], bytes_read: int, headings: int, cut_off: bool) -> LineBlock:
    return LineBlock(
        pl.Series(["\n".join(line.text for line in row.lines) for row in rows], dtype=pl.String),
        np.array([row.lines[0].line_no for row in rows], np.int64),
        np.array([len(row.lines) for row in rows], np.int64),
        np.array([row.lines[0].offset for row in rows], np.int64),
        bytes_read,
        {place: row.lines[0].too_long for place, row in enumerate(rows) if row.lines[0].too_long},
        cut_off,
        headings,
    )
