"""The line that a finding about a rate leads to: the first of a burst, or the last before what did not come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from deeplog_ops.detection.rates import RateFinding
from deeplog_ops.errors import LakeError
from deeplog_ops.records import LineRef
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.templates.catalogue import Catalogue

_LINE = ("time", "file_id", "line_no", "byte_offset")


@dataclass(frozen=True)
class FoundLine:
    """`seen` is the time of the first and last line of a burst; None where too few came, or lines have no time."""

    where: LineRef
    seen: tuple[datetime, datetime] | None


def lines_of(opened: OpenRun, findings: Sequence[RateFinding], catalogue: Catalogue) -> list[FoundLine]:
    """A line a finding. Of a template that did not come: its last line before, else that of the whole source before,
    else the first line there is."""
    if not findings:
        return []
    wanted = pl.DataFrame(
        {
            "finding": range(len(findings)),
            "resolved": [found.key for found in findings],
            "begin": [found.begin for found in findings],
            "end": [found.end for found in findings],
            "rising": [found.rising for found in findings],
        },
        schema_overrides={"begin": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")},
    )
    own = _own(opened, wanted, catalogue)
    missing = [number for number in range(len(findings)) if number not in own]
    if missing:
        own |= _of_source(opened, wanted.filter(pl.col("finding").is_in(missing)))
    return [own[number] for number in range(len(findings))]


def _own(opened: OpenRun, wanted: pl.DataFrame, catalogue: Catalogue) -> dict[int, FoundLine]:
    keys = set(wanted["resolved"])
    parts = []
    for frame in _events(opened):
        resolved = {
            key: of for key in frame["key"].unique().to_list() if (of := catalogue.resolve(key)) in keys
        }
        if not resolved:
            continue
        mine = frame.filter(pl.col("key").is_in(list(resolved))).with_columns(
            pl.col("key").replace_strict(resolved).alias("resolved")
        )
        timeless = pl.col("time").is_null()
        within = timeless | ((pl.col("time") >= pl.col("begin")) & (pl.col("time") < pl.col("end")))
        joined = mine.join(wanted, on="resolved")
        parts.append(_first(joined.filter(pl.col("rising") & within)))
        parts.append(
            _last(joined.filter(~pl.col("rising") & (timeless | (pl.col("time") < pl.col("begin")))))
        )
    if not parts:
        return {}
    together = pl.concat(parts)
    rising = together.join(wanted.filter("rising"), on="finding", how="semi")
    falling = together.join(wanted.filter(~pl.col("rising")), on="finding", how="semi")
    latest = dict(rising.group_by("finding").agg(pl.col("until").max()).iter_rows())
    return {
        row["finding"]: _line(row, latest.get(row["finding"]))
        for row in [*_first(rising).to_dicts(), *_last(falling).to_dicts()]
    }


def _of_source(opened: OpenRun, wanted: pl.DataFrame) -> dict[int, FoundLine]:
    begins = {begin: wanted.filter(pl.col("begin") == begin) for begin in wanted["begin"].unique().sort()}
    before, heads = [], []
    for frame in _events(opened):
        ordered = frame.sort("time", "order", nulls_last=True)
        heads.append(ordered.head(1))
        for begin, findings in begins.items():
            last = ordered.filter(pl.col("time") < begin).tail(1)
            before.append(_last(last.join(findings, how="cross")))
    first = pl.concat(heads).sort("time", "order", nulls_last=True).head(1).to_dicts()
    if not first:
        raise LakeError(f"run {opened.run.run_id} has odd rates but no events: run its stages again")
    found = {row["finding"]: _line(row, None) for row in _last(pl.concat(before)).to_dicts()}
    return {number: found.get(number) or _line(first[0], None) for number in wanted["finding"]}


def _first(rows: pl.DataFrame) -> pl.DataFrame:
    """The earliest line of each finding, and as `until` the time of its latest."""
    return _one_each(rows, descending=False)


def _last(rows: pl.DataFrame) -> pl.DataFrame:
    return _one_each(rows, descending=True)


def _one_each(rows: pl.DataFrame, descending: bool) -> pl.DataFrame:
    until = pl.col("until") if "until" in rows.columns else pl.col("time")
    return (
        rows.with_columns(until.max().over("finding").alias("until"))
        .sort("time", "order", descending=descending, nulls_last=True)
        .unique("finding", keep="first", maintain_order=True)
        .select("finding", "order", "until", *_LINE)
    )


def _line(row: dict[str, Any], until: datetime | None) -> FoundLine:
    where = LineRef(row["file_id"], row["line_no"], row["byte_offset"])
    seen = (row["time"], until) if row["time"] is not None and until is not None else None
    return FoundLine(where, seen)


def _events(opened: OpenRun) -> Iterator[pl.DataFrame]:
    """The stage "events" in pieces, each event with its place in the stage as `order`."""
    at = 0
    for table in opened.place.lake.read(opened.partition("events"), columns=["key", *_LINE]):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        place = (pl.int_range(pl.len(), dtype=pl.Int64) + at).alias("order")
        yield frame.with_columns(pl.col("file_id", "key").cast(pl.String), place)
        at += table.num_rows
