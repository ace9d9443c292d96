"""Lines to records: a line without a header belongs to the record before it, at a file's head to the next.

A record takes at most `record_lines` lines and RECORD_BYTES of text. Lines that go on beyond that are
quarantined one by one until the next header; so is a file's whole head, where no header comes for so long.
A record whose header is at fault (impossible time, line too long) stands aside with all its lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from deeplog_ops.formats.engine import COLUMNS

RECORD_BYTES = 4 * 2**20

# One row a line that is not blank. `start`: begins a record; `reason`: why that record is at fault, or null.
LINE_COLUMNS: dict[str, type[pl.DataType]] = {
    "line_no": pl.Int64, "byte_offset": pl.Int64, "count": pl.Int64, "raw": pl.String,
    **dict.fromkeys(COLUMNS, pl.String), "fields": pl.String, "message": pl.String,
    "time": pl.Int64, "start": pl.Boolean, "reason": pl.String, "detail": pl.String,
}  # fmt: skip


@dataclass
class Head:
    """Lines at a file's head that belong to no record: counted, and the first of them kept."""

    lines: int = 0
    line_no: int = 0
    byte_offset: int = 0
    raw: str = ""


class Joiner:
    """Takes lines in order and gives whole records, of the same columns, with `count` lines each.

    The last record is held back, since it may go on. A record has the line number of its header; lines of the
    file's head stand before it in `raw` alone.
    """

    def __init__(self, record_lines: int) -> None:
        self._record_lines = record_lines
        self._held = pl.DataFrame(schema=LINE_COLUMNS)
        self._overflowing = False  # the held record is full
        self.begun = False  # a header was seen
        self.head = Head()

    @property
    def held_lines(self) -> int:
        """Lines that were taken and not yet given."""
        return int(self._held["count"].sum()) + self.head.lines

    def add(self, lines: pl.DataFrame) -> pl.DataFrame:
        """The records that are whole now."""
        held = len(self._held)
        lines = pl.concat([self._held, lines]) if held else lines
        firsts = np.flatnonzero(lines["start"].to_numpy())
        if not len(firsts):
            self._held = self._waiting(lines)
            return lines[:0]
        if firsts[0] > 0:
            lines, firsts = self._with_head(lines, firsts)
        self.begun = True
        if len(firsts) == len(lines):
            self._overflowing = False
            self._held = lines[-1:]
            return lines[:-1]
        over = self._beyond_bounds(lines, firsts, held)
        last = np.arange(len(lines)) >= firsts[-1]
        self._overflowing = bool(over[last].any())
        self._held = lines.filter(pl.Series(last & ~over))
        lines = lines.filter(pl.Series(~last | over))
        return _joined(self._set_aside(lines, over[~last | over]))

    def finish(self) -> pl.DataFrame:
        """The last record."""
        held, self._held = self._held, self._held[:0]
        if not self.begun:
            self._count_head(held)
            return held[:0]
        return _joined(held)

    def _waiting(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Lines of the head wait for a header, unless they are too many."""
        if not self._fits(lines):
            self._count_head(lines)
            return lines[:0]
        return lines

    def _fits(self, lines: pl.DataFrame) -> bool:
        size = lines["raw"].str.len_bytes().sum()
        return not self.head.lines and len(lines) <= self._record_lines and size <= RECORD_BYTES

    def _count_head(self, lines: pl.DataFrame) -> None:
        if len(lines) and not self.head.lines:
            first = lines.row(0, named=True)
            self.head = Head(0, first["line_no"], first["byte_offset"], first["raw"])
        self.head.lines += int(lines["count"].sum())

    def _with_head(self, lines: pl.DataFrame, firsts: np.ndarray) -> tuple[pl.DataFrame, np.ndarray]:
        """Gives the lines before a file's first header to its first record."""
        head, lines = lines[: int(firsts[0])], lines[int(firsts[0]) :]
        if self._fits(head):
            text = "\n".join([*head["raw"], ""])
            first = lines[:1].with_columns(
                raw=pl.lit(text) + pl.col("raw"), count=pl.col("count") + head["count"].sum()
            )
            lines = pl.concat([first, lines[1:]])
        else:
            self._count_head(head)
        return lines, firsts - firsts[0]

    def _beyond_bounds(self, lines: pl.DataFrame, firsts: np.ndarray, held: int) -> np.ndarray:
        begins = np.repeat(firsts, np.diff(firsts, append=len(lines)))
        size = np.cumsum(lines["raw"].str.len_bytes().to_numpy().astype(np.int64))
        before = np.concatenate([[0], size])[begins]
        place = np.arange(len(lines))
        over = (place - begins >= self._record_lines) | (size - before > RECORD_BYTES)
        over[begins == place] = False
        if self._overflowing:
            over |= (begins == 0) & (place >= held)
        return over

    def _set_aside(self, lines: pl.DataFrame, over: np.ndarray) -> pl.DataFrame:
        if not over.any():
            return lines
        mask = pl.Series(over)
        detail = f"its record has more than record_lines = {self._record_lines} lines or {RECORD_BYTES} bytes"
        return lines.with_columns(
            start=pl.col("start") | mask,
            reason=pl.when(mask).then(pl.lit("record_too_long")).otherwise("reason"),
            detail=pl.when(mask).then(pl.lit(detail)).otherwise("detail"),
        )


def _joined(lines: pl.DataFrame) -> pl.DataFrame:
    """One row a record, from the rows of its lines. A line that has a header gives what it says, and not its header."""
    start = lines["start"]
    if start.all():
        return lines
    lines = lines.with_columns(record=start.cast(pl.Int64).cum_sum())
    said = pl.col("message").str.strip_suffix("\n")  # Docker writes the end of a line as well
    going_on = lines.filter(~start).group_by("record", maintain_order=True)
    later = going_on.agg(
        more=pl.coalesce(said, "raw").str.join("\n"),
        more_raw=pl.col("raw").str.join("\n"),
        more_lines=pl.col("count").sum(),
    )
    records = lines.filter(start).join(later, on="record", how="left", maintain_order="left")
    goes_on = pl.col("more").is_not_null()
    whole = {
        "message": pl.when(goes_on).then(pl.concat_str(said, "more", separator="\n")).otherwise("message"),
        "raw": pl.when(goes_on).then(pl.concat_str("raw", "more_raw", separator="\n")).otherwise("raw"),
        "count": pl.col("count") + pl.col("more_lines").fill_null(0),
    }
    return records.select(whole[name].alias(name) if name in whole else pl.col(name) for name in LINE_COLUMNS)
