"""All anomalies of a day, however many: on local disk, with what grouping and sorting need of each in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from deeplog_ops.detection.incident_groups import Groups
from deeplog_ops.detection.incident_places import Resolve
from deeplog_ops.detection.incident_records import Recorder, Records
from deeplog_ops.records import Anomaly
from deeplog_ops.schemas import ANOMALIES
from deeplog_ops.steps import stage_rows as rows
from deeplog_ops.steps.shards import Shards, Stream, streamed
from deeplog_ops.steps.stage import OpenRun

SEQUENCE = "sequence_id"  # the column that goes with those of the stage "anomalies": of a session's anomaly, its sequence
_SPILLED = ANOMALIES.append(pa.field(SEQUENCE, pa.string()))


def findings(opened: OpenRun, name: str, of: Iterable[str] | None = None) -> Iterator[Anomaly]:
    """What a stage of findings holds; with `of` that of these sessions alone."""
    sessions = None if of is None else pa.array(list(of), pa.string())
    for table in opened.place.lake.read(opened.partition(name), rows=rows.AT_ONCE):
        if sessions is not None:
            table = table.filter(pc.is_in(table["session"], sessions))
        yield from rows.anomalies(table, opened.run)


class DayAnomalies:
    """First they are added, then grouped by what is in memory, then read back the worst first."""

    def __init__(self, opened: OpenRun, folder: Path, resolve: Resolve) -> None:
        self._opened = opened
        self._folder = folder
        self._recorder = Recorder(resolve)
        self._path = folder / "anomalies.arrows"
        self._writer: Stream | None = Stream(self._path, _SPILLED)

    def add(self, found: Iterable[Anomaly]) -> None:
        """What is found of no session as a whole."""
        self._add((each, None) for each in found)

    def add_of_sessions(self, found: Iterable[tuple[Anomaly, str]]) -> None:
        """Each with the id of its session's sequence."""
        self._add(found)

    def records(self) -> Records:
        """Of all that was added, in this order. Nothing can be added afterwards."""
        assert self._writer is not None
        self._writer.close()
        self._writer = None
        return self._recorder.records()

    def chosen(self, ids: Iterable[str]) -> Mapping[str, Anomaly]:
        """The anomalies of these ids, by id."""
        wanted = pa.array(list(ids), pa.string())
        found: dict[str, Anomaly] = {}
        for table in self._tables():
            some = table.filter(pc.is_in(table["anomaly_id"], wanted))
            found |= {
                each.anomaly_id: each for each in rows.anomalies(some.drop([SEQUENCE]), self._opened.run)
            }
        return found

    def worst_first(self, groups: Groups) -> Iterator[pl.DataFrame]:
        """All rows of the stage "anomalies", each with its incident and SEQUENCE, in as many frames as the source has
        buckets."""
        buckets = self._opened.source.sessions.buckets
        ranks, incidents = groups.records.worst_first(), groups.incidents["incident_id"]
        shards = Shards(self._folder / "worst_first", buckets, by="range")
        at, count = 0, max(1, len(ranks))
        for table in self._tables():
            frame = pl.from_arrow(table)
            assert isinstance(frame, pl.DataFrame)
            own = slice(at, at + len(frame))
            at += len(frame)
            shards.add(
                frame.with_columns(
                    incidents.gather(groups.of_record[own]).alias("incident_id"),
                    ranks[own].alias("rank_of_day"),
                    (ranks[own] * buckets // count).alias("range"),
                )
            )
        for shard in shards.read():
            yield shard.sort("rank_of_day").drop("rank_of_day", "range")

    def _add(self, found: Iterable[tuple[Anomaly, str | None]]) -> None:
        assert self._writer is not None
        left = iter(found)
        while some := list(islice(left, rows.AT_ONCE)):
            self._recorder.add(anomaly for anomaly, _ in some)
            table = rows.anomaly_table([anomaly for anomaly, _ in some])
            sequences = pa.array([sequence for _, sequence in some], pa.string())
            self._writer.write(table.append_column(_SPILLED.field(SEQUENCE), sequences))

    def _tables(self) -> Iterator[pa.Table]:
        for batch in streamed(self._path):
            yield pa.Table.from_batches([batch])
