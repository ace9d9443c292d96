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
        self._before: tuple[str | None, str | None] = (None, None)  # message and field of the line before

    def continued(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Lines in their order (columns of joining.LINE_COLUMNS), `start` false where one goes on in a trace."""
        if not len(lines):
            return lines
        likely = lines["message"].str.contains(_ANY).fill_null(False).to_numpy()
        last = lines[-1:]
        if likely.any():
            places = np.flatnonzero(likely)
            some, before = lines[places], lines[np.maximum(places - 1, 0)]
            message, common = before["message"], self._of(before)
            if places[0] == 0:
                message, common = _first(message, self._before[0]), _first(common, self._before[1])
            goes_on = _goes_on(some["message"], message) & (self._of(some) == common).fill_null(False)
            goes_on &= some["reason"].is_null()
            start = lines["start"].to_numpy().copy()
            start[places[goes_on.to_numpy()]] = False
            lines = lines.with_columns(start=pl.Series(start))
        self._before = (last["message"].item(), self._of(last).item())
        return lines

    def _of(self, lines: pl.DataFrame) -> pl.Series:
        if self._field in COLUMNS:
            return lines[self._field]
        return lines["fields"].str.json_path_match(f"$['{self._field}']")


def _goes_on(line: pl.Series, before: pl.Series) -> pl.Series:
    found = pl.Series(np.zeros(len(line), bool))
    for rule in _RULES:
        fits = line.str.contains(rule.line)
        if rule.after is not None:
            fits &= before.str.contains(rule.after).fill_null(False)
        if rule.unless is not None:
            fits &= ~before.str.contains(rule.unless).fill_null(False)
        found |= fits
    return found


def _first(column: pl.Series, value: str | None) -> pl.Series:
    return pl.concat([pl.Series([value], dtype=pl.String), column[1:]])
