"""Local time to UTC, vectorised, with the hours that do not exist and those that come twice.

A local time in the gap (clocks set forward) is read with the offset before the gap, which moves it forward by
the gap: it is never lost. One that comes twice is the first, unless the order of the file says the second.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OUT_OF_ORDER = 60 * SECOND  # lines of one file may stand so far out of order without meaning the second hour


@lru_cache(maxsize=512)
def _changes(zone: str, year: int) -> tuple[np.ndarray, np.ndarray]:
    """Changes of the UTC offset in a year and a few days around it: their instants, and offsets (one more), in µs."""
    tz = ZoneInfo(zone)
    day = datetime(year, 1, 1, tzinfo=UTC) - timedelta(days=3)
    instants, offsets = [], [_offset(day, tz)]
    for _ in range(373):
        following = day + timedelta(days=1)
        if _offset(following, tz) != offsets[-1]:
            low, high = day, following
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
                low, high = (middle, high) if _offset(middle, tz) == offsets[-1] else (low, middle)
            instants.append(int((high - _EPOCH).total_seconds()) * SECOND)
            offsets.append(_offset(following, tz))
        day = following
    return np.array(instants, np.int64), np.array(offsets, np.int64)


def _offset(instant: datetime, tz: ZoneInfo) -> int:
    offset = instant.astimezone(tz).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * SECOND


def to_utc(local: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Local times in µs (of 1970 to 2200) to UTC, and for each by how much later its second reading is, mostly 0."""
    if zone in ("UTC", "Etc/UTC") or not len(local):
        return local, np.zeros(len(local), np.int64)
    years = local.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    utc, second = np.empty_like(local), np.zeros(len(local), np.int64)
    for year in np.unique(years):
        here = years == year
        times = local[here]
        instants, offsets = _changes(zone, int(year))
        before, after = offsets[:-1], offsets[1:]
        place = np.searchsorted(instants + np.maximum(before, after), times, side="right")
        utc[here] = times - offsets[place]
        if len(instants):
            nearest = np.minimum(place, len(instants) - 1)
            twice = (times >= (instants + after)[nearest]) & (times < (instants + before)[nearest])
            second[here] = np.where(twice, (before - after)[nearest], 0)
    return utc, second


def in_file_order(utc: np.ndarray, second: np.ndarray, previous: int | None) -> np.ndarray:
    """Times that can be read twice take the second reading where the line before them would else be the later one."""
    for place in np.flatnonzero(second):
        before = int(utc[place - 1]) if place else previous
        if before is not None and _OUT_OF_ORDER < before - utc[place] <= second[place] + _OUT_OF_ORDER:
            utc[place] += second[place]
    return utc
