"""Rows in shards on local disk, read back one at a time: memory is bounded by the number of shards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from deeplog_ops.sequences.buckets import bucket_of


class Shards:
    """Frames of one schema; rows with an equal value in the column `by` are in the same shard, in the order added."""

    def __init__(self, folder: Path, buckets: int, by: str) -> None:
        self._folder = folder
        self._buckets = buckets
        self._by = by
        self._writers: dict[int, pq.ParquetWriter] = {}

    def add(self, rows: pl.DataFrame) -> None:
        """Rows that have a value in `by`."""
        buckets = rows.with_columns(bucket_of(rows[self._by], self._buckets).alias("bucket"))
        for (bucket,), part in buckets.group_by("bucket", maintain_order=True):
            table = part.drop("bucket").to_arrow()
            number = int(str(bucket))
            if number not in self._writers:
                self._writers[number] = pq.ParquetWriter(self._path(number), table.schema, compression="lz4")
            self._writers[number].write_table(table.cast(self._writers[number].schema))

    def read(self) -> Iterator[pl.DataFrame]:
        """The shards that have rows, by number; each is deleted once it is read."""
        for bucket in sorted(self._writers):
            self._writers[bucket].close()
            yield pl.read_parquet(self._path(bucket))
            self._path(bucket).unlink()

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket}.parquet"
