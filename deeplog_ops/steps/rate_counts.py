"""Events of a run as counts a template and bin: aggregated table by table, so memory grows with templates, not lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deeplog_ops.db import ledger
from deeplog_ops.models.rate_bins import DayBins
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.templates.catalogue import Catalogue

_NOTHING = pl.DataFrame(schema={"key": pl.String, "bin": pl.Int64, "events": pl.Int64})
_TABLES = 32  # counts of so many tables are held before they are added up
Counts = tuple[tuple[str, ...], list[NDArray[np.int64]]]


def days_of(opened: OpenRun, width: timedelta) -> tuple[DayBins, ...]:
    """The bins of every day of a run: one, or those of a training."""
    source, bounds = opened.source, opened.bounds
    first = bounds.start.astimezone(source.timezone).date()
    count = (opened.run.day - first).days + 1
    return tuple(
        DayBins.of(first + timedelta(days=number), source.reading.zone, width) for number in range(count)
    )


def counted(opened: OpenRun, catalogue: Catalogue, days: Sequence[DayBins]) -> Counts:
    """Resolved keys, sorted, and their counts (T, B) in the bins of each day.

    Lines without a time are counted where a day is one bin: of a training those whose file names its day, of a day all.
    """
    found = _timed(opened, days)
    if all(len(bins) == 1 for bins in days):
        found = _together([found, _untimed(opened, days)])
    if found.is_empty():
        return (), [np.zeros((0, len(bins)), np.int64) for bins in days]
    resolved = {key: catalogue.resolve(key) for key in found["key"].unique().to_list()}
    keys = tuple(sorted(set(resolved.values())))
    row = {key: number for number, key in enumerate(keys)}
    whole = np.zeros((len(keys), sum(map(len, days))), np.int64)
    rows = found["key"].replace_strict({key: row[of] for key, of in resolved.items()}).to_numpy()
    np.add.at(whole, (rows, found["bin"].to_numpy()), found["events"].to_numpy())
    return keys, np.split(whole, np.cumsum([len(bins) for bins in days])[:-1], axis=1)


def _timed(opened: OpenRun, days: Sequence[DayBins]) -> pl.DataFrame:
    """key, bin (numbered over all days), events."""
    starts = [start for bins in days for start in bins.starts]
    instants = pl.Series([*starts, days[-1].end], dtype=pl.Datetime("us", "UTC")).to_physical().to_numpy()
    found = [_NOTHING]
    for table in opened.place.lake.read(opened.partition("events"), columns=["time", "key"]):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        frame = frame.drop_nulls("time")
        place = np.searchsorted(instants, frame["time"].to_physical().to_numpy(), side="right") - 1
        found.append(
            frame.select(pl.col("key").cast(pl.String), pl.Series("bin", place, pl.Int64))
            .filter(pl.col("bin").is_between(0, len(starts) - 1))
            .group_by("key", "bin")
            .agg(pl.len().cast(pl.Int64).alias("events"))
        )
        if len(found) > _TABLES:
            found = [_together(found)]
    return _together(found)


def _untimed(opened: OpenRun, days: Sequence[DayBins]) -> pl.DataFrame:
    """The same of lines without a time."""
    number = {bins.day: place for place, bins in enumerate(days)}
    files = [
        (file.file_id, 0 if len(days) == 1 else number.get(file.day_hint) if file.day_hint else None)
        for file in ledger.run_files(opened.place.engine, opened.run.run_id)
    ]
    of_file = pl.DataFrame(files, {"file_id": pl.String, "bin": pl.Int64}, orient="row").drop_nulls()
    found = [_NOTHING]
    for table in opened.place.lake.read(opened.partition("events"), columns=["file_id", "time", "key"]):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        found.append(
            frame.filter(pl.col("time").is_null())
            .with_columns(pl.col("file_id", "key").cast(pl.String))
            .join(of_file, on="file_id")
            .group_by("key", "bin")
            .agg(pl.len().cast(pl.Int64).alias("events"))
        )
        found = [_together(found)]
    return _together(found)


def _together(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by("key", "bin").agg(pl.col("events").sum())
