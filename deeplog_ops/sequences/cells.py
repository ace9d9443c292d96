"""Fixed clock times: stretches of equal width since 1970-01-01 00:00 UTC, and their names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

SECOND_US = 1_000_000


def microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def epoch_us(instant: datetime) -> int:
    return microseconds(instant - datetime(1970, 1, 1, tzinfo=UTC))


def cell_names(starts_us: pl.Expr, group: pl.Expr, width: timedelta) -> pl.Expr:
    """The name of the stretch that begins at `starts_us` (microseconds since 1970), after its group's, if any."""
    fraction = "" if microseconds(width) % SECOND_US == 0 else "%.6f"
    start = pl.from_epoch(starts_us, time_unit="us").dt.strftime(f"%Y-%m-%dT%H:%M:%S{fraction}Z")
    return pl.when(group == "").then(start).otherwise(pl.concat_str(group, start, separator=" "))
