"""Reads a file that is made while it is read, so that only the reading takes memory; prints events and peak memory.

python -m tests.unit.formats.read_endless KIND MEBIBYTES
"""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime

from deeplog_ops.config import Reading
from deeplog_ops.formats import catalog
from deeplog_ops.formats.records import read_records
from deeplog_ops.steps.stage import peak_memory_mb

FORMATS = {"json": "ndjson", "names": "ndjson", "csv": "csv", "logfmt": "logfmt"}
LONGEST = 400


def line(kind: str, number: int) -> str:
    """`names` has ever new names in a third of its lines."""
    stamp, message = f"2024-02-03T10:11:12.{number % 1000:03d}Z", f"order {number} took {number % 500} ms"
    if kind == "csv":
        return f'{stamp},info,"{message},\n""done""",{number}\n'
    if kind == "logfmt":
        return f'ts={stamp} level=info msg="{message}" n={number}\n'
    own = {"tags": ["a", number], "n": number / 7}
    if kind == "names" and number % 3 == 0:
        own = {f"f{number}": [number]}
    return json.dumps({"time": stamp, "level": "info", "msg": message + "\n\u00e9", **own}) + "\n"


class Endless(io.RawIOBase):
    def __init__(self, kind: str, size: int) -> None:
        self._kind, self._left, self._number = kind, size, 0

    def read(self, size: int = -1) -> bytes:
        lines, held = [], 0
        if self._kind == "csv" and not self._number:
            lines.append("time,level,message,n\n")
        while held < min(size, self._left) - LONGEST:
            lines.append(line(self._kind, self._number))
            self._number, held = self._number + 1, held + len(lines[-1])
        data = "".join(lines).encode()
        self._left -= len(data)
        return data


def main() -> None:
    kind, mebibytes = sys.argv[1], int(sys.argv[2])
    events = 0
    for chunk in read_records(
        Endless(kind, mebibytes * 2**20),  # type: ignore[arg-type]
        spec=catalog.resolve(FORMATS[kind]),
        reading=Reading(chunk_bytes=2**18),
        file_id="f",
        now=datetime(2026, 1, 1, tzinfo=UTC),
    ):
        assert not chunk.account.quarantined, chunk.quarantine.to_pylist()
        events += chunk.account.events
    print(events, peak_memory_mb())


if __name__ == "__main__":
    main()
