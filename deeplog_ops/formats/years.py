"""The year of stamps that have none: what a path says of it, what a file's last change says, and which to write down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from deeplog_ops.formats import times
from deeplog_ops.formats.calendar import Calendar
from deeplog_ops.formats.engine import engine_of
from deeplog_ops.formats.spec import FormatSpec

# the last year in a path: the folders above the logs may have one of their own
YEAR_IN_PATHS = r"^(?:.*[^0-9])?(?P<year>(?:19|20)[0-9]{2})(?:[^0-9]|$)"
_HEAD = 1000  # lines of which one has a stamp
STILL_AFTER = timedelta(days=31)  # logs that nobody changed for so long are an archive


@dataclass(frozen=True)
class YearSetting:
    """What `source add` writes: settings of `reading` (one of them at most), and why, for people."""

    year: int | None = None
    year_from_path: str | None = None
    why: str = ""


def year_in_path(path: str, pattern: str | None) -> int | None:
    """By the group `year` of the pattern; None where there is none from 1970 to 2200. Linear in the path."""
    if not pattern:
        return None
    text = path.encode("utf-8", "replace").decode()  # a name need not be text
    found = pl.Series([text]).str.extract_groups(pattern).struct.field("year")[0]
    year = int(found) if found is not None and re.fullmatch("[0-9]{4}", found) else 0
    return year if 1970 <= year <= 2200 else None


def year_by_change(spec: FormatSpec, lines: Sequence[str], modified: datetime) -> int | None:
    """The year that the last change gives a file that begins so; None where no line has a stamp without a year."""
    engine = engine_of(spec)
    head = pl.Series(lines[:_HEAD], dtype=pl.String)
    stamps = engine.read(head).stamps if engine.has_time and spec.kind != "csv" else None
    if stamps is None or not (yearless := np.flatnonzero(stamps.kind == times.YEARLESS)).size:
        return None
    first = yearless[:1]
    ticks = Calendar("UTC", None, None, modified).resolve(
        times.Stamps(stamps.ticks[first], stamps.kind[first])
    )
    return int(str(ticks.astype("datetime64[us]")[0])[:4]) if ticks[0] >= 0 else None


def chosen(
    paths: Sequence[str], by_change: Sequence[int | None], last_change: datetime, now: datetime
) -> YearSetting:
    """The years of files, from their paths, and of each what its last change says; `last_change` is that of any file.

    What goes on being written must not get one year for good: after New Year its files would be read as of the year
    before. An archive may, and is then read alike wherever it is copied to.
    """
    years = {year for year in by_change if year is not None}
    shown = ", ".join(str(year) for year in sorted(years))
    named = {year_in_path(path, YEAR_IN_PATHS) for path in paths}
    if None not in named:
        but = f", though by their last change they begin in {shown}" if years - named else ""
        return YearSetting(
            year_from_path=YEAR_IN_PATHS, why=f"each file's is the one that its path names{but}"
        )
    if now - last_change < STILL_AFTER:
        return YearSetting(
            why=f"each file's is the latest that does not lie after its last change ({shown}), since some are still "
            "written and go on into next year. Copy such files with their times (cp -p, rsync -t)"
        )
    if len(years) == 1:
        return YearSetting(
            year=years.pop(),
            why=f"{shown} was taken from the files' last change and holds for all, since none of them changed for "
            f"{STILL_AFTER.days} days",
        )
    return YearSetting(
        why=f"each file's is the latest that does not lie after its last change ({shown}). Copy such files with their "
        "times (cp -p, rsync -t), or put them into folders named by the year"
    )
