"""Lines that have a header and still go on from the one before: parts of a long line, lines of a stack trace."""

from __future__ import annotations

import polars as pl

from deeplog_ops.formats.redaction import Redactor
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.formats.traces import Traces
from deeplog_ops.formats.unfinished import Unfinished


class GoingOn:
    """What a format says of such lines. Blocks must come in their order."""

    def __init__(self, spec: FormatSpec, redactor: Redactor) -> None:
        self._unfinished = Unfinished(spec) if spec.unfinished else None
        self._traces = Traces(spec) if spec.traces else None
        self._redactor = redactor

    def continued(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Lines (columns of joining.LINE_COLUMNS), `start` false where one goes on, so that it is joined to its record."""
        if self._unfinished is not None:
            lines = self._unfinished.continued(lines)
        if self._traces is not None:
            lines = self._traces.continued(lines)
        return self._redacted(lines) if self._redactor.by_field else lines

    def _redacted(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Such lines have fields of their own, which their record does not keep: they are blotted out here."""
        goes_on = lines.select(~pl.col("start") & pl.col("message").is_not_null()).to_series()
        if not goes_on.any():
            return lines
        lines = lines.with_row_index("place")
        parts = [lines.filter(~goes_on), self._redactor.records(lines.filter(goes_on))]
        return pl.concat(parts).sort("place").drop("place")
