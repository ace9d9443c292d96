"""Stack traces whose lines each have a header of their own, such as containers give to every line that is written.

A trace is one record with all its lines, as in formats that give a header to the first alone. Its lines follow one
another, and have a field in common (the stream). What an application's own line says before a trace belongs to it if it
speaks of something that failed; else the trace is a record of its own, and does not hide behind what came before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from deeplog_ops.formats.engine import COLUMNS
from deeplog_ops.formats.spec import FormatSpec

_INDENTED = r"^\s+\S"
_BLANK = r"^\s*$"
_PYTHON_CODE = r"^ +(?:[^\sa]|a(?:[^t]|t[^ ]|$)|at$)"  # indented by spaces, and no `at` of another language
_FAILED = r"(?i:error|exception|fail|fatal|critical|severe|panic|warn|abort|unhandled)"
_THROWN = (
    r"^(?:[A-Za-z_$][\w$]*[./])*[A-Za-z_$][\w$]*"
    r"(?:Error|Exception|Throwable|Warning|Exit|Interrupt|Timeout|Failure)(?::|$)"
)


@dataclass(frozen=True)
class _Rule:
    """A line goes on that fits `line`, where the one before fits `after` and not `unless`."""

    line: str
    after: str | None = None
    unless: str | None = None


_RULES = (
    _Rule(_INDENTED),
    _Rule(_BLANK),
    _Rule(r"^(?:Caused by: |[)}\]]+[,;]?\s*$)"),
    # Two failures of one line each, one after the other, are two events.
    _Rule(_THROWN, after=_FAILED, unless=_THROWN),
    _Rule(_THROWN, after=_PYTHON_CODE),
    _Rule(r"^(?:[A-Za-z_]\w*\.)+[A-Z]\w*(?:: |$)", after=_PYTHON_CODE),  # whatever the name of what is thrown
    _Rule(r"^Traceback \(most recent call last\):", after=_FAILED, unless=_THROWN),
    _Rule(r"^Traceback \(most recent call last\):", after=_BLANK),
    _Rule(r"^(?:During handling of the|The) above exception", after=_BLANK),
    _Rule(r"^\[signal SIG", after=r"^panic: "),
    _Rule(r"^goroutine [0-9]+ .*\[.*\]:$", after=rf"^panic: |^fatal error: |{_BLANK}"),
    _Rule(r"^[\w.\-/*()\[\]{},]+\(.*\)$|^created by ", after=rf"^goroutine [0-9]+ |{_INDENTED}"),
    _Rule(r"^exit status [0-9]+$", after=rf"{_INDENTED}|{_BLANK}"),
)
_ANY = "|".join(f"(?:{line})" for line in sorted({rule.line for rule in _RULES}))


class Traces:
    """Takes away the headers of lines that go on in a trace, so that they are joined to the record before.

    Remembers the last line, so that a file read in many blocks gets the records it would get in one.
    """

    def __init__(self, spec: FormatSpec) -> None:
        self._field = spec.traces or ""
        self._column = self._field if self._field in COLUMNS else "fields"
        schema = {"message": pl.String, self._column: pl.String}
        self._last = pl.DataFrame({name: [None] for name in schema}, schema)  # no line is before the first

    def continued(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Lines in their order (columns of joining.LINE_COLUMNS), `start` false where one goes on in a trace."""
        if not len(lines):
            return lines
        said = lines.select(pl.col("message").str.strip_suffix("\n"), self._column)
        places = said["message"].str.contains(_ANY).fill_null(False).arg_true()
        if len(places):
            some, before = said[places], pl.concat([self._last, said])[places]
            goes_on = _goes_on(some["message"], before["message"]) & lines["reason"].gather(places).is_null()
            goes_on &= (self._of(some) == self._of(before)).fill_null(False)
            start = lines["start"].to_numpy().copy()
            start[places.filter(goes_on).to_numpy()] = False
            lines = lines.with_columns(start=pl.Series(start))
        self._last = said[-1:]
        return lines

    def _of(self, lines: pl.DataFrame) -> pl.Series:
        """The field that lines of one trace have alike."""
        values = lines[self._column]
        return values if self._column == self._field else values.str.json_path_match(f"$['{self._field}']")


def _goes_on(lines: pl.Series, before: pl.Series) -> pl.Series:
    found = pl.Series(np.zeros(len(lines), bool))
    for rule in _RULES:
        fits = lines.str.contains(rule.line)
        if rule.after is not None:
            fits &= before.str.contains(rule.after).fill_null(False)
        if rule.unless is not None:
            fits &= ~before.str.contains(rule.unless).fill_null(False)
        found |= fits
    return found
