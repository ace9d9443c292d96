"""Rows in shards on local disk, read back one at a time: memory is bounded by the number of shards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa

from deeplog_ops.sequences.buckets import bucket_of


class Stream:
    """Tables of one schema written to a local file: nothing of them stays in memory, as Parquet's footer would."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_stream(
            self._file, schema, options=pa.ipc.IpcWriteOptions(compression="lz4")
        )

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table.cast(self._schema))

    def close(self) -> None:
        self._writer.close()
        self._file.close()


def streamed(path: Path) -> Iterator[pa.RecordBatch]:
    """What a closed stream holds, as it was written."""
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
        yield from reader


class Shards:
    """Frames of one schema; rows with an equal value in the column `by` are in the same shard, in the order added."""

    def __init__(self, folder: Path, buckets: int, by: str) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._buckets = buckets
        self._by = by
        self._writers: dict[int, Stream] = {}

    @property
    def numbers(self) -> list[int]:
        """The shards that have rows and were not taken yet."""
        return sorted(self._writers)

    def add(self, rows: pl.DataFrame) -> None:
        """Rows that have a value in `by`: a text, or a whole number from 0 that is the shard's own."""
        own = rows[self._by]
        numbers = own if own.dtype.is_integer() else bucket_of(own, self._buckets)
        for (bucket,), part in rows.with_columns(numbers.alias("bucket")).group_by(
            "bucket", maintain_order=True
        ):
            table = part.drop("bucket").to_arrow(compat_level=pl.CompatLevel.oldest())
            number = int(str(bucket))
            if number not in self._writers:
                self._writers[number] = Stream(self._path(number), table.schema)
            self._writers[number].write(table)

    def take(self, number: int) -> pl.DataFrame:
        """The rows of a shard, which is deleted."""
        self._writers.pop(number).close()
        rows = pl.from_arrow(pa.Table.from_batches(streamed(self._path(number))))
        assert isinstance(rows, pl.DataFrame)
        self._path(number).unlink()
        return rows

    def read(self) -> Iterator[pl.DataFrame]:
        """The shards that have rows, by number; each is deleted once it is read."""
        for number in self.numbers:
            yield self.take(number)

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket}.arrows"
