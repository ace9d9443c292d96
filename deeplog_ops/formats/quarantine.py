"""The rows of the quarantine: bounded in length and number, whatever a file holds."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from deeplog_ops.schemas import QUARANTINE

RAW_CHARACTERS = 2000
ROWS_PER_REASON = 1000  # of one file; the rest is one row that says how many


@dataclass
class _Rest:
    rows: int = 0
    lines: int = 0
    beyond_lines: int = 0
    first: int = 0
    last: int = 0


class Quarantine:
    """Collects what one file has in it that could not be read, reason by reason."""

    def __init__(self, file_id: str) -> None:
        self._file_id = file_id
        self._rests: dict[str, _Rest] = {}
        self._rows: list[dict[str, object]] = []

    def add_records(self, records: pl.DataFrame) -> int:
        """Takes records with a `reason`; gives how many lines they have."""
        for (reason,), group in records.group_by("reason", maintain_order=True):
            rest = self._rests.setdefault(str(reason), _Rest())
            kept = group[: max(0, ROWS_PER_REASON - rest.rows)]
            rest.rows += len(kept)
            columns = kept.select(
                "line_no",
                "byte_offset",
                "count",
                "reason",
                "detail",
                pl.col("raw").str.slice(0, RAW_CHARACTERS),
            )
            for line_no, offset, count, word, detail, raw in columns.iter_rows():
                self.add(word, detail, line_no, offset, count, raw)
            beyond = group[len(kept) :]
            if len(beyond):
                rest.first = rest.first or int(beyond["line_no"][0])
                rest.last = int(beyond["line_no"][-1])
                rest.beyond_lines += int(beyond["count"].sum())
        return int(records["count"].sum())

    def add(
        self,
        reason: str,
        detail: str | None,
        line_no: int = 0,
        byte_offset: int = 0,
        lines: int = 0,
        raw: str | None = None,
    ) -> None:
        """One row; line number 0 speaks of the whole file."""
        if raw is not None:
            raw = raw[:RAW_CHARACTERS]
        self._rows.append(
            {
                "file_id": self._file_id, "line_no": line_no, "byte_offset": byte_offset, "line_count": lines,
                "reason": reason, "detail": detail, "raw": raw,
            }
        )  # fmt: skip

    def take(self) -> pa.Table:
        """The rows since the last call."""
        rows, self._rows = self._rows, []
        return pa.Table.from_pylist(sorted(rows, key=lambda row: int(str(row["line_no"]))), QUARANTINE)

    def close(self) -> None:
        """Adds the row that counts what went beyond ROWS_PER_REASON."""
        for reason, rest in self._rests.items():
            if rest.beyond_lines:
                detail = f"and {rest.beyond_lines} more lines like it, from line {rest.first} to {rest.last}"
                self.add(reason, detail, lines=rest.beyond_lines)
