"""Distinct sequences of a run: identical work is done once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from deeplog_ops.steps.shards import Shards
from deeplog_ops.steps.stage import OpenRun


def distinct_sequences(opened: OpenRun) -> Iterator[pl.DataFrame]:
    """The distinct key sequences of the judged sessions: sequence_id, keys, sessions (how many share it).

    Each comes once, in as many frames as the source has buckets, sorted by its id in a frame: a day of which every
    session is another sequence takes no more memory for it than a bucket's share.
    """
    columns = ["sequence_id", "keys", "judged"]
    with tempfile.TemporaryDirectory(prefix="deeplog-sequences-") as folder:
        shards = Shards(Path(folder), opened.source.sessions.buckets, by="sequence_id")
        for table in opened.place.lake.read(opened.partition("sessions"), columns=columns):
            frame = pl.from_arrow(table)
            assert isinstance(frame, pl.DataFrame)
            judged = frame.filter(pl.col("judged")).with_columns(pl.lit(1, pl.Int64).alias("sessions"))
            if len(judged):
                shards.add(_merged(judged))
        for shard in shards.read():
            yield _merged(shard).sort("sequence_id")


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("sequence_id").agg(pl.col("keys").first(), pl.col("sessions").sum())
