"""Events to sessions, a shard of sessions at a time: memory is bounded by the number of shards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.compute as pc

from deeplog_ops.sequences.sessions import build
from deeplog_ops.steps.shards import Shards
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.workplace import Workplace


@dataclass(frozen=True)
class Sequenced:
    """Sessions whose verdict belongs to the day, and those still open at its end."""

    judged: int
    open: int


def sequence(place: Workplace, run_id: int) -> Sequenced:
    """Write the stage "sessions" from the stage "events"."""
    opened = OpenRun.of(place, run_id)
    settings = opened.source.sessions
    judged = still_open = 0
    with (
        stage(opened, "sequence") as record,
        writer(opened, "sessions", record.attempt) as out,
        tempfile.TemporaryDirectory(prefix="deeplog-sessions-") as folder,
    ):
        for shard in _shards(opened, Path(folder), settings.buckets):
            sessions = build(shard, settings, opened.bounds)
            judged += pc.sum(sessions["judged"]).as_py() or 0
            still_open += pc.sum(sessions["open"]).as_py() or 0
            out.write_batch(sessions)
        out.close()
        commit(opened, out)
        record.rows = out.ref.rows
        record.message = f"{judged} sessions judged, {still_open} still open at the end of the day"
    return Sequenced(judged, still_open)


def _shards(opened: OpenRun, folder: Path, buckets: int) -> Iterator[pl.DataFrame]:
    """The events with a session, in as many frames as there are buckets; a session is whole in one of them.

    `order` numbers the events as the stage holds them (files by the time they begin with), so that events of one
    instant keep their order.
    """
    shards = Shards(folder, buckets, by="session")
    at = 0
    for events in opened.place.lake.read(opened.partition("events")):
        frame = pl.from_arrow(events)
        assert isinstance(frame, pl.DataFrame)
        frame = frame.with_row_index("order", offset=at).with_columns(pl.col("order").cast(pl.Int64))
        at += events.num_rows
        shards.add(frame.filter(pl.col("session").is_not_null()).drop("parameters", "numbers"))
    yield from shards.read()
