"""Parameter series: what the events of a template hold, one vector an event (DeepLog, section 3.2).

A vector has the numbers at the template's wildcards and the seconds since the event before it in its session.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from deeplog_ops.records import DayBounds

SERIES: dict[str, pl.DataType] = {
    "unit": pl.Int64(),  # which session, counted from 0; an event without one is a unit of its own
    "session": pl.String(),  # its name; null: none
    "piece": pl.Int32(),  # of the session; null: none
    "key": pl.String(),  # of the template, aliases resolved
    "previous": pl.String(),  # key of the event before it in the session; null: the first, or no session
    "elapsed": pl.Float64(),  # seconds since then; null: no event before it, or no time stamps
    "time": pl.Datetime("us", "UTC"),
    "file_id": pl.String(),
    "line_no": pl.Int64(),
    "byte_offset": pl.Int64(),
    "parameters": pl.List(pl.String()),
    "numbers": pl.List(pl.Float64()),
}

_EVENT = ("file_id", "line_no", "parameters", "numbers")
Resolve = Callable[[str], str]


def of_sessions(events: pl.DataFrame, sessions: pa.Table, resolve: Resolve) -> pl.DataFrame:
    """A row (SERIES) an event of the sessions that are judged, in the order of sessions and of their events.

    `events` (columns of schemas.EVENTS) must hold those that `sessions` (schemas.SESSIONS) are made of, one a
    record. An event of several sessions (sliding windows) is read with the first of them.
    """
    judged = sessions.filter(sessions["judged"]).combine_chunks()
    lengths = pc.list_value_length(judged["keys"]).to_numpy(zero_copy_only=False).astype(np.int64)
    unit = np.repeat(np.arange(judged.num_rows), lengths)
    rows = pl.DataFrame(
        {
            "unit": unit,
            "key": _flat(judged, "keys"),
            "time": _flat(judged, "times").cast(SERIES["time"]),
            "file_id": _flat(judged, "file_ids"),
            "line_no": _flat(judged, "line_nos"),
            "byte_offset": _flat(judged, "byte_offsets"),
        }
    )
    names = pl.DataFrame({"unit": np.arange(judged.num_rows)}).with_columns(
        _column(judged, "session").alias("session"), _column(judged, "piece").alias("piece")
    )
    before = pl.col("unit") == pl.col("unit").shift(1)
    rows = rows.with_columns(_resolved(rows["key"], resolve)).with_columns(
        pl.when(before).then(pl.col("key").shift(1)).alias("previous"),
        pl.when(before)
        .then((pl.col("time") - pl.col("time").shift(1)).dt.total_microseconds() / 1e6)
        .alias("elapsed"),
    )
    rows = rows.unique(["file_id", "line_no"], keep="first", maintain_order=True)
    rows = rows.join(names, on="unit", how="left", maintain_order="left")
    found = rows.join(events.select(_EVENT), on=["file_id", "line_no"], how="inner", maintain_order="left")
    return found.select(pl.col(name).cast(dtype) for name, dtype in SERIES.items())


def without_session(events: pl.DataFrame, bounds: DayBounds, resolve: Resolve) -> pl.DataFrame:
    """A row (SERIES) an event that belongs to no session and to the day, each a unit of its own, in their order."""
    ours = pl.col("time").is_null() | pl.col("time").is_between(bounds.start, bounds.end, closed="left")
    kept = events.filter(pl.col("session").is_null() & ours)
    nothing = [pl.lit(None).alias(name) for name in ("piece", "previous", "elapsed")]
    kept = kept.with_columns(_resolved(kept["key"], resolve), *nothing).with_row_index("unit")
    return kept.select(pl.col(name).cast(dtype) for name, dtype in SERIES.items())


def _resolved(keys: pl.Series, resolve: Resolve) -> pl.Series:
    names = keys.unique().to_list()
    return keys.replace_strict(names, [resolve(name) for name in names], return_dtype=pl.String)


def _column(table: pa.Table, name: str) -> pl.Series:
    return pl.from_arrow(table.select([name])).to_series()  # type: ignore[union-attr]


def _flat(table: pa.Table, name: str) -> pl.Series:
    chunks = [chunk.flatten() for chunk in table[name].chunks]
    kind = table.schema.field(name).type.value_type
    return pl.Series(name, pl.from_arrow(pa.chunked_array(chunks, kind)))
