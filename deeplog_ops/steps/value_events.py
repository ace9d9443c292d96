"""Events to parameter series, a shard of sessions at a time: memory is bounded by the number of shards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from deeplog_ops.sequences.parameter_series import of_sessions, without_session
from deeplog_ops.sequences.sessions import build
from deeplog_ops.steps.shards import Shards
from deeplog_ops.steps.stage import OpenRun

Resolve = Callable[[str], str]


def parameter_series(opened: OpenRun, resolve: Resolve) -> Iterator[pl.DataFrame]:
    """The rows (sequences.parameter_series.SERIES) of all that the run judges, many at a time.

    Whole sessions come together, and events without one on their own. The sessions are built again, shard by shard, as
    `sequence` built them: to join the two partitions, one of them would have to be held whole.
    """
    with tempfile.TemporaryDirectory(prefix="deeplog-values-") as folder:
        shards = Shards(Path(folder), opened.source.sessions.buckets, by="session")
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
