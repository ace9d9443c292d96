"""Events to parameter series, a shard of sessions at a time: memory is bounded by the number of shards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from deeplog_ops.sequences.buckets import bucket_of
from deeplog_ops.sequences.parameter_series import of_sessions, without_session
from deeplog_ops.sequences.sessions import build
from deeplog_ops.steps.stage import OpenRun

Resolve = Callable[[str], str]


def parameter_series(opened: OpenRun, resolve: Resolve) -> Iterator[pl.DataFrame]:
    """The rows (sequences.parameter_series.SERIES) of all that the run judges, many at a time.

    Whole sessions come together, and events without one on their own. The sessions are built again, shard by shard, as
    `sequence` built them: to join the two partitions, one of them would have to be held whole.
    """
    with tempfile.TemporaryDirectory(prefix="deeplog-values-") as folder:
        shards = _Shards(Path(folder), opened.source.sessions.buckets)
        at = 0
        for table in opened.place.lake.read(opened.partition("events")):
            events = pl.from_arrow(table)
            assert isinstance(events, pl.DataFrame)
            lone = without_session(events, opened.bounds, resolve)
            if len(lone):
                yield lone
            # Their order in the stage, so that events of one instant come as `sequence` has them.
            events = events.with_columns(pl.int_range(at, at + len(events), dtype=pl.Int64).alias("order"))
            at += len(events)
            shards.add(events.filter(pl.col("session").is_not_null()))
        for events in shards.read():
            sessions = build(events.drop("parameters", "numbers"), opened.source.sessions, opened.bounds)
            rows = of_sessions(events, sessions, resolve)
            if len(rows):
                yield rows


class _Shards:
    """Events on local disk, those of a session in one file."""

    def __init__(self, folder: Path, buckets: int) -> None:
        self._folder = folder
        self._buckets = buckets
        self._writers: dict[int, pq.ParquetWriter] = {}

    def add(self, events: pl.DataFrame) -> None:
        buckets = events.with_columns(bucket_of(events["session"], self._buckets).alias("bucket"))
        for (bucket,), part in buckets.group_by("bucket", maintain_order=True):
            self._write(int(str(bucket)), part.drop("bucket").to_arrow())

    def _write(self, bucket: int, table: pa.Table) -> None:
        if bucket not in self._writers:
            self._writers[bucket] = pq.ParquetWriter(self._path(bucket), table.schema, compression="lz4")
        self._writers[bucket].write_table(table.cast(self._writers[bucket].schema))

    def read(self) -> Iterator[pl.DataFrame]:
        for bucket in sorted(self._writers):
            self._writers[bucket].close()
            yield pl.read_parquet(self._path(bucket))
            self._path(bucket).unlink()

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket}.parquet"
