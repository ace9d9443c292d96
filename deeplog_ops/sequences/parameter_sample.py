"""A bounded sample of parameter series to learn from, in one pass over any number of events."""

from __future__ import annotations

import zlib

import polars as pl

from deeplog_ops.sequences.parameter_series import SERIES

LIMIT = 20_000  # events of a template: a value that comes once in so many is seen


class SeriesSample:
    """Keeps whole sessions, so that what they hold together stays together.

    A session's place in the lottery is a hash of seed and name. For each template the sessions with the lowest
    places are kept, as many as hold `limit` of its events: a rare template keeps all, and which sessions are
    kept depends neither on the order in which they come nor on how they are shared out.
    """

    def __init__(self, limit: int = LIMIT, seed: int = 0) -> None:
        self._limit = limit
        self._seed = seed
        self._kept = pl.DataFrame(schema={**SERIES, "place": pl.UInt32()})
        self.events = 0  # that came in all,
        self.units: dict[bool, int] = {True: 0, False: 0}  # and sessions, and events without one

    def add(self, rows: pl.DataFrame) -> None:
        """Rows of whole sessions (SERIES). `unit` may begin at 0 again in each call."""
        if not len(rows):
            return
        self.events += len(rows)
        in_session = rows["session"].is_not_null()
        self.units[True] += rows.filter(in_session)["unit"].n_unique()
        self.units[False] += int((~in_session).sum())
        self._kept = self._drawn(pl.concat([self._kept, rows.with_columns(self._places(rows))]))

    def rows(self) -> pl.DataFrame:
        """What is kept (SERIES and `place`), by time; units are numbered anew in that order."""
        kept = self._kept.sort("time", "file_id", "line_no", nulls_last=False)
        line = pl.concat_str(pl.lit("line"), "file_id", "line_no", separator=" ")
        session = pl.concat_str(pl.lit("session"), "piece", "session", separator=" ")
        whose = pl.when(pl.col("session").is_null()).then(line).otherwise(session)
        return kept.with_columns((whose.rank("dense").cast(pl.Int64) - 1).alias("unit")).select(
            *SERIES, "place"
        )

    def _places(self, rows: pl.DataFrame) -> pl.Series:
        label = (
            pl.when(pl.col("session").is_null())
            .then(pl.concat_str("file_id", "line_no", separator=":"))
            .otherwise("session")
        )
        names = rows.select(label.alias("place")).to_series()
        distinct = names.unique().to_list()
        start = zlib.crc32(str(self._seed).encode())
        places = [_mixed(zlib.crc32(name.encode("utf-8", "surrogatepass"), start)) for name in distinct]
        return names.replace_strict(distinct, places, return_dtype=pl.UInt32).alias("place")

    def _drawn(self, rows: pl.DataFrame) -> pl.DataFrame:
        counts = rows.group_by("key").len().filter(pl.col("len") > self._limit)
        if not len(counts):
            return rows
        # A common template admits the places up to a bound, any other every place.
        common = rows.filter(pl.col("key").is_in(counts["key"].implode()))
        last = pl.col("place").sort().get(self._limit - 1)
        bounds = dict(common.group_by("key").agg(last).iter_rows())
        bound = pl.col("key").replace_strict(bounds, default=2**32 - 1, return_dtype=pl.UInt32)
        admitted = rows.filter(pl.col("place") <= bound)["place"].unique()
        return rows.filter(pl.col("place").is_in(admitted.implode()))


def _mixed(number: int) -> int:
    """A CRC's bits spread over all 32: names that differ in the last character have CRCs that are near."""
    number = (number ^ (number >> 16)) * 0x45D9F3B & 0xFFFFFFFF
    number = (number ^ (number >> 16)) * 0x45D9F3B & 0xFFFFFFFF
    return number ^ (number >> 16)
