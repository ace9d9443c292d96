"""Stamps to instants, in the order of the file: the year or date that they lack, roll-over, zone, doubled hours."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np

from deeplog_ops.formats import times, zones
from deeplog_ops.formats.times import Stamps

_DAY = 86_400_000_000
_HALF_YEAR = 183


class Calendar:
    """Remembers where the file stands, so that a file read in many blocks gets the times it would get in one.

    The year of a file's first stamp comes from the file's name (`day_hint`), else from `year`, else it is the
    latest that does not lie after the file's last change. From there on a step back of more than half a year
    is New Year, and a step forth of more is a line that is late.
    """

    def __init__(self, zone: str, year: int | None, day_hint: date | None, modified: datetime) -> None:
        self._zone = zone
        self._first_year = year
        self._day_hint = day_hint
        self._modified = modified
        self._year: int | None = None  # of the line before
        self._day_of_year = 0  # of the line before, in a leap year
        self._date: np.datetime64 | None = None
        self._clock = 0  # of the line before, for stamps that are a time of day only
        self._previous: int | None = None

    def resolve(self, stamps: Stamps) -> np.ndarray:
        """Instants in µs since 1970 UTC; -1 where there is none (no such day, or beyond 1970 to 2200)."""
        ticks, kind = stamps.ticks.copy(), stamps.kind
        good = kind != times.NONE
        if (yearless := np.flatnonzero(kind == times.YEARLESS)).size:
            ticks[yearless] = self._with_year(ticks[yearless])
        if (clock := np.flatnonzero(kind == times.CLOCK)).size:
            ticks[clock] = self._with_date(ticks[clock])
        good &= (ticks > times.EARLIEST) & (ticks < times.LATEST)
        ticks[~good] = -1
        local = np.flatnonzero(good & (kind != times.UTC))
        if local.size:
            utc, second = zones.to_utc(ticks[local], self._zone)
            ticks[local] = utc
            if second.any():
                self._settle_doubled_hours(ticks, local, second, good)
        if good.any():
            self._previous = int(ticks[np.flatnonzero(good)[-1]])
        return ticks

    def _settle_doubled_hours(
        self, ticks: np.ndarray, local: np.ndarray, second: np.ndarray, good: np.ndarray
    ) -> None:
        all_seconds = np.zeros(len(ticks), np.int64)
        all_seconds[local] = second
        ticks[good] = zones.in_file_order(ticks[good], all_seconds[good], self._previous)

    def _with_year(self, ticks: np.ndarray) -> np.ndarray:
        stamps = ticks.astype("datetime64[us]")
        days = stamps.astype("datetime64[D]")
        day_of_year = (days - np.datetime64(f"{times.LEAP_YEAR}-01-01")).astype(np.int64)
        if self._year is None:
            self._year = self._year_of_first(days[0])
            self._day_of_year = int(day_of_year[0])
        steps = np.diff(day_of_year, prepend=self._day_of_year)
        years = self._year + np.cumsum((steps < -_HALF_YEAR).astype(np.int64) - (steps > _HALF_YEAR))
        self._year, self._day_of_year = int(years[-1]), int(day_of_year[-1])
        months = days.astype("datetime64[M]")
        real_months = (years - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (
            months.astype(np.int64) % 12
        )
        real_days = real_months.astype("datetime64[D]") + (days - months.astype("datetime64[D]"))
        exists = real_days.astype("datetime64[M]") == real_months
        moved = real_days.astype("datetime64[us]").astype(np.int64) + ticks % _DAY
        return np.where(exists, moved, -1)

    def _year_of_first(self, day: np.datetime64) -> int:
        month, of_month = int(str(day)[5:7]), int(str(day)[8:10])
        if self._day_hint is not None:
            hint = self._day_hint
            around = range(hint.year - 1, hint.year + 2)
            return min(around, key=lambda year: abs((date(year, month, min(of_month, 28)) - hint).days))
        if self._first_year is not None:
            return self._first_year
        changed = self._modified
        later = (month, of_month) > (changed.month, changed.day + 1)
        return changed.year - 1 if later else changed.year

    def _with_date(self, ticks: np.ndarray) -> np.ndarray:
        if self._date is None:
            self._date = np.datetime64(self._day_hint or self._modified.date(), "D")
            self._clock = int(ticks[0])
        steps = np.diff(ticks, prepend=self._clock)
        days = np.cumsum((steps < -_DAY // 2).astype(np.int64) - (steps > _DAY // 2))
        dates = self._date + days
        self._date, self._clock = dates[-1], int(ticks[-1])
        return dates.astype("datetime64[us]").astype(np.int64) + ticks
