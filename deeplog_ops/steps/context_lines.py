"""The records of an anomaly and a few around its worst, from the stage "lines": a bounded number each."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from deeplog_ops import schemas
from deeplog_ops.steps.stage import OpenRun

AT_ONCE = 2**12  # anomalies, each with maybe dozens of lines; each time all lines are gone through
READ_AT_ONCE = 2**13  # sessions that are spread out into their events at once


def context_lines(opened: OpenRun, anomalies: pl.DataFrame) -> Iterator[pa.Table]:
    """Rows of stage "anomaly_lines", by anomaly; of AT_ONCE anomalies at a time.

    `anomalies` has their anomaly_id, session, template_id, and file_id and line_no of the worst record. Of the session: at
    most `publish.lines_per_anomaly` records, those nearest to the worst. Of the file: the `publish.context_lines` records
    before and after the worst one, whatever session they belong to.
    """
    yield schemas.ANOMALY_LINES.empty_table()
    for some in anomalies.sort("anomaly_id").iter_slices(AT_ONCE):
        if len(some):
            yield _lines(opened, some)


def _lines(opened: OpenRun, anomalies: pl.DataFrame) -> pa.Table:
    wanted = _session_lines(opened, anomalies)
    beside = _places_beside(opened, wanted.filter(pl.col("is_worst")))
    records = _records(opened, wanted.select("file_id", "line_no").unique(), beside.select("order").unique())
    neighbours = beside.join(records, on=["file_id", "order"], how="inner").select(
        *("anomaly_id", "file_id", "line_no"),
        pl.lit(None, pl.String).alias("template_id"),
        pl.lit(False).alias("is_worst"),
        pl.lit(False).alias("of_session"),
    )
    table = (
        pl.concat([wanted, neighbours])
        .unique(["anomaly_id", "file_id", "line_no"], keep="first", maintain_order=True)
        .join(records, on=["file_id", "line_no"], how="inner")
        .sort("anomaly_id", "time", "order", nulls_last=False)
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int32).over("anomaly_id").alias("ordinal"))
        .select(schemas.ANOMALY_LINES.names)
    )
    return table.to_arrow().cast(schemas.ANOMALY_LINES)


def _session_lines(opened: OpenRun, anomalies: pl.DataFrame) -> pl.DataFrame:
    """file_id, line_no, template_id, of_session of the records of each anomaly's session nearest to its worst."""
    limit = opened.source.publish.lines_per_anomaly
    named = anomalies.select(
        *("anomaly_id", "session"),
        pl.col("file_id").alias("worst_file"),
        pl.col("line_no").alias("worst_line"),
        pl.col("template_id").alias("worst_key"),
    )
    columns = ["session", "judged", "keys", "file_ids", "line_nos"]
    tables = opened.place.lake.read(opened.partition("sessions"), columns=columns, rows=READ_AT_ONCE)
    rows = pl.concat([_nearest(table, named, limit) for table in tables])
    # What no judged session has stands for itself: a rate, a rule's line, an event without a session.
    alone = named.join(rows, on="anomaly_id", how="anti").select(
        "anomaly_id",
        pl.col("worst_file").alias("file_id"),
        pl.col("worst_line").alias("line_no"),
        pl.col("worst_key").alias("template_id"),
        pl.lit(True).alias("is_worst"),
        pl.lit(True).alias("of_session"),
    )
    return pl.concat([rows, alone])


def _nearest(table: pa.Table, named: pl.DataFrame, limit: int) -> pl.DataFrame:
    """What `_session_lines` gives, of the sessions in a table. Only what is near is copied for each anomaly: many may be
    of one long session."""
    sessions = pl.from_arrow(table)
    assert isinstance(sessions, pl.DataFrame)
    events = (
        sessions.filter("judged")
        .join(named.select("session").unique(), on="session", how="semi")
        .with_row_index("row")
        .explode("keys", "file_ids", "line_nos")
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over("row").alias("at"))
    )
    # A name may come more than once a day: the session meant is the one that has the line.
    worst = (
        named.join(
            events.select("session", "file_ids", "line_nos", "row", pl.col("at").alias("worst_at")),
            left_on=["session", "worst_file", "worst_line"],
            right_on=["session", "file_ids", "line_nos"],
        )
        .select("anomaly_id", "row", "worst_at")
        .unique("anomaly_id", keep="first", maintain_order=True)
    )
    steps = pl.DataFrame({"step": range(1 - limit, limit)}, {"step": pl.Int64})
    return (
        worst.join(steps, how="cross")
        .with_columns((pl.col("worst_at") + pl.col("step")).alias("at"))
        .join(events.select("row", "at", "keys", "file_ids", "line_nos"), on=["row", "at"])
        .sort("anomaly_id", "at")
        .filter(pl.col("step").abs().rank("ordinal").over("anomaly_id") <= limit)
        .select(
            "anomaly_id",
            pl.col("file_ids").alias("file_id"),
            pl.col("line_nos").alias("line_no"),
            pl.col("keys").alias("template_id"),
            (pl.col("step") == 0).alias("is_worst"),
            pl.lit(True).alias("of_session"),
        )
    )


def _places_beside(opened: OpenRun, worst: pl.DataFrame) -> pl.DataFrame:
    """anomaly_id, file_id and order (place in the stage) of the records before and after each worst one."""
    reach = opened.source.publish.context_lines
    steps = pl.DataFrame({"step": [step for step in range(-reach, reach + 1) if step]}, {"step": pl.Int64})
    lines = worst.select("anomaly_id", "file_id", "line_no")
    at = [batch.join(lines, on=["file_id", "line_no"]) for batch in _batches(opened, ["file_id", "line_no"])]
    return (
        pl.concat(at)
        .join(steps, how="cross")
        .select("anomaly_id", "file_id", (pl.col("order") + pl.col("step")).alias("order"))
    )


def _records(opened: OpenRun, lines: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """The wanted records, by file and line or by place: file_id, line_no, byte_offset, time, text, order."""
    limit = opened.source.publish.line_characters
    parts = []
    for batch in _batches(opened, ["file_id", "line_no", "byte_offset", "time", "raw"]):
        named = batch.join(lines, on=["file_id", "line_no"], how="semi")
        placed = batch.join(orders, on="order", how="semi")
        found = pl.concat([named, placed]).unique("order", maintain_order=True)
        parts.append(_own(found.with_columns(pl.col("raw").str.slice(0, limit).alias("text")).drop("raw")))
    return pl.concat(parts)


def _own(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows with texts of their own: as they are, they hold on to those of all rows they were chosen from."""
    found = pl.from_arrow(rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
    assert isinstance(found, pl.DataFrame)
    return found


def _batches(opened: OpenRun, columns: list[str]) -> Iterator[pl.DataFrame]:
    """The stage "lines" in pieces, each record with its place in the stage as `order`."""
    at = 0
    for table in opened.place.lake.read(opened.partition("lines"), columns=columns, rows=4 * READ_AT_ONCE):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        place = (pl.int_range(pl.len(), dtype=pl.Int64) + at).alias("order")
        yield frame.with_columns(pl.col("file_id").cast(pl.String), place)
        at += table.num_rows
