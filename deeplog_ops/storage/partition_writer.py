"""Tables into the Parquet files of one attempt, streaming, with memory bounded by a row group."""

from __future__ import annotations

import os
from contextlib import suppress
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from deeplog_ops.errors import LakeError
from deeplog_ops.records import PartitionRef
from deeplog_ops.schemas import STAGES
from deeplog_ops.storage.paths import is_local

GROUP_ROWS = 2**17
GROUP_BYTES = 32 * 2**20
PART_BYTES = 256 * 2**20
# Columns whose values repeat: a dictionary makes them small. Counting columns are stored as differences.
_REPEATING = {
    "file_id", "level", "host", "component", "pid", "thread", "key", "session", "reason", "keys", "file_ids",
    "template_id", "detector", "kind", "model_version", "expected_keys", "anomaly_id",
}  # fmt: skip
_COUNTING = {
    "line_no",
    "byte_offset",
    "time",
    "first_time",
    "last_time",
    "closed_at",
    "times",
    "line_nos",
    "byte_offsets",
}


class PartitionWriter:
    """A context manager. `ref` is there once it was closed without an error; on an error its files are removed."""

    def __init__(self, folder: UPath, path: str, stage: str, run_id: int) -> None:
        if stage not in STAGES:
            raise LakeError(f"there is no stage {stage!r}: expected one of {', '.join(sorted(STAGES))}")
        self._folder, self._path, self._stage, self._run_id = folder, path, stage, run_id
        self._schema = STAGES[stage]
        self._waiting: list[pa.Table] = []
        self._waiting_rows = self._waiting_bytes = 0
        self._rows = self._bytes = self._parts = 0
        self._stream: Any = None
        self._writer: pq.ParquetWriter | None = None
        self._ref: PartitionRef | None = None

    @property
    def ref(self) -> PartitionRef:
        """What to commit to the ledger. LakeError before `close`."""
        if self._ref is None:
            raise LakeError(
                f"partition {self._path} is not finished: close its writer before it is committed"
            )
        return self._ref

    def write_batch(self, table: pa.Table) -> None:
        """Append rows, which have the columns of the stage's schema in any order. LakeError where they do not fit."""
        if self._ref is not None:
            raise LakeError(f"partition {self._path} is finished: nothing can be added")
        fitting = self._fitted(table)
        self._waiting.append(fitting)
        self._waiting_rows += fitting.num_rows
        self._waiting_bytes += fitting.nbytes
        if self._waiting_rows >= GROUP_ROWS or self._waiting_bytes >= GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what waits and finish the files; again, it does nothing. An empty partition has one empty file."""
        if self._ref is None:
            self._flush(last=True)
            self._ref = PartitionRef(self._run_id, self._stage, self._path, self._rows, self._bytes)

    def __enter__(self) -> PartitionWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif self._ref is None:
            self._abandon()

    def _fitted(self, table: pa.Table) -> pa.Table:
        missing = [name for name in self._schema.names if name not in table.column_names]
        unknown = [name for name in table.column_names if name not in self._schema.names]
        if missing or unknown:
            raise LakeError(
                f"rows for stage {self._stage!r} do not fit: missing {', '.join(missing) or 'nothing'}, "
                f"unknown {', '.join(unknown) or 'nothing'}; expected {', '.join(self._schema.names)}"
            )
        try:
            return table.select(self._schema.names).cast(self._schema)
        except (ValueError, pa.ArrowException) as error:
            raise LakeError(f"rows for stage {self._stage!r} do not fit: {error}") from error

    def _flush(self, last: bool = False) -> None:
        if self._waiting or (last and self._parts == 0):
            table = pa.concat_tables(self._waiting) if self._waiting else self._schema.empty_table()
            self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0
            self._open().write_table(table, row_group_size=GROUP_ROWS)
            self._rows += table.num_rows
        if last or (self._stream is not None and self._stream.tell() >= PART_BYTES):
            self._finish_part()

    def _open(self) -> pq.ParquetWriter:
        if self._writer is None:
            if is_local(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
            self._stream = (self._folder / f"part-{self._parts:05d}.parquet").open("wb")
            self._parts += 1
            self._writer = pq.ParquetWriter(
                self._stream,
                self._schema,
                compression="zstd",
                use_dictionary=[leaf for name, leaf in _leaves(self._schema) if name in _REPEATING],
                column_encoding={
                    leaf: "DELTA_BINARY_PACKED" for name, leaf in _leaves(self._schema) if name in _COUNTING
                },
            )
        return self._writer

    def _finish_part(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._bytes += self._stream.tell()
        if is_local(self._folder):
            # The ledger is about to name the file: it must be on the disk by then, even if the power fails.
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self._stream.close()
        self._writer = self._stream = None

    def _abandon(self) -> None:
        """Leave nothing behind where that is possible; what stays is garbage that maintenance removes."""
        self._waiting = []
        with suppress(Exception):
            if self._writer is not None:
                self._writer.close()
                self._stream.close()
        with suppress(Exception):
            self._folder.fs.rm(self._folder.path, recursive=True)


def _leaves(schema: pa.Schema) -> list[tuple[str, str]]:
    """Each column's name with the path that Parquet gives to its values."""
    return [
        (field.name, f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name)
        for field in schema
    ]
