"""Events for tests, written short: (session, minutes since the epoch of the tests, key)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

ORIGIN = datetime(2026, 3, 27, tzinfo=UTC)
Row = tuple[str | None, float | None, str]

SCHEMA = {
    "file_id": pl.String,
    "line_no": pl.Int64,
    "byte_offset": pl.Int64,
    "time": pl.Datetime("us", "UTC"),
    "key": pl.String,
    "session": pl.String,
}


def at(minutes: float) -> datetime:
    return ORIGIN + timedelta(minutes=minutes)


def events(rows: Sequence[Row], file_id: str = "f") -> pl.DataFrame:
    """Row i stands on line i + 1 of one file."""
    columns = {
        "file_id": [file_id] * len(rows),
        "line_no": list(range(1, len(rows) + 1)),
        "byte_offset": [100 * place for place in range(len(rows))],
        "time": [None if minutes is None else at(minutes) for _, minutes, _ in rows],
        "key": [key for _, _, key in rows],
        "session": [session for session, _, _ in rows],
    }
    return pl.DataFrame(columns, schema=SCHEMA)
