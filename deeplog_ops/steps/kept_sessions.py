"""Sessions of the lake whole, as verdicts keep them for training: keys, times, parameters and numbers of every event."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from deeplog_ops.db import ledger
from deeplog_ops.db.feedback import KeptSession
from deeplog_ops.records import PartitionRef
from deeplog_ops.steps.workplace import Workplace

# What is read of the stage "sessions"; the first two name a session.
COLUMNS = ["session", "piece", "first_time", "last_time", "judged", "keys", "times", "file_ids", "line_nos"]

Values = tuple[tuple[tuple[str, ...], ...], tuple[tuple[float | None, ...], ...]]


def with_values(place: Workplace, run_id: int, sessions: pl.DataFrame) -> list[KeptSession]:
    """Some sessions of a run, of its stage "sessions" with the column `day`, with what its stage "events" has of them."""
    if sessions.is_empty():
        return []
    places = sessions.explode("file_ids", "line_nos").select(
        *("session", "piece"),
        pl.col("file_ids").alias("file_id"),
        pl.col("line_nos").alias("line_no"),
        pl.int_range(pl.len()).over("session", "piece").alias("place"),
    )
    values = _values(place, ledger.partition(place.engine, run_id, "events"), places)
    return [
        KeptSession(
            row["day"],
            row["session"],
            row["piece"],
            tuple(row["keys"]),
            tuple(row["times"]),
            *values[row["session"], row["piece"]],
        )
        for row in sessions.iter_rows(named=True)
    ]


def frames(place: Workplace, ref: PartitionRef, columns: list[str]) -> Iterator[pl.DataFrame]:
    """A partition of the lake table by table."""
    for table in place.lake.read(ref, columns=columns):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        yield frame


def _values(place: Workplace, ref: PartitionRef, places: pl.DataFrame) -> dict[tuple[str, int], Values]:
    """Parameters and numbers of each event of the sessions, in the sessions' order."""
    columns = ["file_id", "line_no", "parameters", "numbers"]
    parts = [
        frame.join(places, on=["file_id", "line_no"], how="inner") for frame in frames(place, ref, columns)
    ]
    found: dict[tuple[str, int], Values] = {}
    for (session, piece), rows in pl.concat(parts).group_by("session", "piece"):
        ordered = rows.sort("place")
        found[str(session), int(str(piece))] = (
            tuple(tuple(values) for values in ordered["parameters"].to_list()),
            tuple(tuple(values) for values in ordered["numbers"].to_list()),
        )
    return found
