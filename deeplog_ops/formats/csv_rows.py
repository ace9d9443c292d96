"""Kind `csv`: a first line that names the columns, and rows that may run over several lines within quotes."""

from __future__ import annotations

import csv
import io
import re

import polars as pl

from deeplog_ops.formats.engine import Headers
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
        cells = self._cells(line)
        if self._row(line) is None or cells is None or len(self.names) < 2:
            return None
        delimiter = re.escape(self._delimiter)
        cell = rf'([^"\r\n{delimiter}]*|(?:"[^"\r]*")+)'
        slots = [Slot(name, cell, Cell) for name in self.names[: len(cells)]]
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
