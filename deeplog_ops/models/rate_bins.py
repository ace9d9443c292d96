"""A calendar day cut into bins of equal length, and counts of templates in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.records import DayBounds

DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayBins:
    """The bins of one day in a zone: of elapsed time from its midnight, so a day of 25 hours has one hour more.

    `slots` are their places on the clock: a day whose clocks go back has one twice, one whose clocks go forward
    lacks one. Instants are aware datetimes in UTC.
    """

    day: date
    starts: tuple[datetime, ...]
    end: datetime
    slots: tuple[int, ...]

    @classmethod
    def of(cls, day: date, zone: str, width: timedelta) -> DayBins:
        bounds, tz = DayBounds.of(day, zone, timedelta()), ZoneInfo(zone)
        count = 1 if width >= DAY else -(-(bounds.end - bounds.start) // width)
        starts = tuple(bounds.start + number * width for number in range(count))
        clocks = [start.astimezone(tz) for start in starts]
        last = slots_a_day(width) - 1
        slots = (timedelta(hours=clock.hour, minutes=clock.minute) // width for clock in clocks)
        return cls(day, starts, bounds.end, tuple(min(slot, last) for slot in slots))

    @cached_property
    def ends(self) -> tuple[datetime, ...]:
        return (*self.starts[1:], self.end)

    def __len__(self) -> int:
        return len(self.starts)


def slots_a_day(width: timedelta) -> int:
    """How many bins a day of 24 hours has."""
    return -(-DAY // width)


@dataclass(frozen=True)
class RateCounts:
    """How often each template came in each bin of some days.

    `counts[d]` is (T, B_d): a row a key, a column a bin of `days[d]`. `watched[d]` is (B_d,): false where the source
    was not written yet, or no longer, and so nothing is known of the bin.
    """

    keys: tuple[str, ...]
    days: tuple[DayBins, ...]
    counts: tuple[NDArray[np.int64], ...]
    watched: tuple[NDArray[np.bool_], ...]

    @classmethod
    def of(
        cls, keys: Sequence[str], days: Sequence[DayBins], counts: Sequence[NDArray[np.int64]]
    ) -> RateCounts:
        """From the first bin with a line to the last one is watched. Days without a line are left out."""
        kept = [number for number, table in enumerate(counts) if table.any()]
        watched = [np.ones(len(days[number]), bool) for number in kept]
        if kept:
            with_lines = [np.flatnonzero(counts[number].sum(axis=0)) for number in (kept[0], kept[-1])]
            watched[0][: with_lines[0][0]] = False
            watched[-1][with_lines[1][-1] + 1 :] = False
        return cls(
            tuple(keys),
            tuple(days[number] for number in kept),
            tuple(counts[number] for number in kept),
            tuple(watched),
        )

    def by_slot(self, slots: int, rows: range) -> NDArray[np.float64]:
        """Counts (len(rows), D, S) of some keys by the place on the clock, of bins that are watched."""
        table = np.zeros((len(rows), len(self.days), slots))
        for number, bins in enumerate(self.days):
            counts = self.counts[number][rows.start : rows.stop]
            for bin_number in np.flatnonzero(self.watched[number]):
                table[:, number, bins.slots[bin_number]] += counts[:, bin_number]
        return table

    def exposure(self, slots: int) -> NDArray[np.float64]:
        """How many watched bins each place on the clock has had on each day (D, S)."""
        found = np.zeros((len(self.days), slots))
        for number, bins in enumerate(self.days):
            for bin_number in np.flatnonzero(self.watched[number]):
                found[number, bins.slots[bin_number]] += 1
        return found
