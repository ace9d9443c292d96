"""Distinct sequences of a run: identical work is done once."""

from __future__ import annotations

import polars as pl

from deeplog_ops.steps.stage import OpenRun


def distinct_sequences(opened: OpenRun) -> pl.DataFrame:
    """The distinct key sequences of the judged sessions, sorted: sequence_id, keys, sessions (how many share it)."""
    found: pl.DataFrame | None = None
    columns = ["sequence_id", "keys", "judged"]
    for table in opened.place.lake.read(opened.partition("sessions"), columns=columns):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        part = (
            frame.filter(pl.col("judged"))
            .group_by("sequence_id")
            .agg(pl.col("keys").first(), pl.len().cast(pl.Int64).alias("sessions"))
        )
        found = part if found is None else _merged(found, part)
    if found is None:
        return pl.DataFrame(
            schema={"sequence_id": pl.String, "keys": pl.List(pl.String), "sessions": pl.Int64}
        )
    return found.sort("sequence_id")


def _merged(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    return (
        pl.concat([left, right]).group_by("sequence_id").agg(pl.col("keys").first(), pl.col("sessions").sum())
    )
