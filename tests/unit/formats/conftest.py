"""Reading bytes in tests: all rows, the quarantine and the account, which must add up."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from deeplog_ops.config import Reading
from deeplog_ops.formats import catalog, compression
from deeplog_ops.formats.records import read_records
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.records import LineAccount

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Read:
    rows: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]
    account: LineAccount
    first_time: datetime | None
    last_time: datetime | None

    @property
    def messages(self) -> list[str]:
        return [row["message"] for row in self.rows]

    @property
    def times(self) -> list[str]:
        return [row["time"].strftime("%Y-%m-%d %H:%M:%S") for row in self.rows]

    @property
    def reasons(self) -> list[str]:
        return [row["reason"] for row in self.quarantine]


def read(
    data: bytes,
    format: str | FormatSpec = "hdfs",
    *,
    modified: datetime | None = None,
    read_to: int | None = None,
    compressed_size: int | None = None,
    day_hint: Any = None,
    keep: tuple[datetime, datetime] | None = None,
    **reading: Any,
) -> Read:
    stream = compression.open_stream(io.BytesIO(data), compression.detect(data[:8], ""))
    rows: list[dict[str, Any]] = []
    quarantine: list[dict[str, Any]] = []
    account, times = LineAccount(), []
    for chunk in read_records(
        stream, spec=catalog.resolve(format), reading=Reading(**reading), file_id="f", now=NOW, modified=modified,
        read_to=read_to, compressed_size=compressed_size, day_hint=day_hint, keep=keep,
    ):  # fmt: skip
        rows += chunk.lines.to_pylist()
        quarantine += chunk.quarantine.to_pylist()
        account += chunk.account
        times += [time for time in (chunk.first_time, chunk.last_time) if time is not None]
    assert account.unaccounted == 0, account
    assert account.quarantined == sum(row["line_count"] for row in quarantine)
    assert account.events == len(rows)
    assert account.events + account.joined == sum(row["line_count"] for row in rows)
    return Read(rows, quarantine, account, min(times, default=None), max(times, default=None))


@pytest.fixture(name="read")
def _read() -> Callable[..., Read]:
    return read
