"""Which anomalies of a day are one event: joined by session, by place and time, by template."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deeplog_ops.detection import incident_places as places
from deeplog_ops.detection.incident_records import MICROSECOND, Records, moment, time_of

GAP = timedelta(minutes=15)  # sessions that go wrong at one place with shorter pauses are one burst
LONG = timedelta(hours=8)  # a rate that is odd for longer is no burst, and joins only others of that length
TOGETHER = timedelta(minutes=30)  # new templates that come first with shorter pauses are one flood,
FLOOD = 5  # if they are so many
REPLACED = timedelta(hours=1)  # what stops coming so near to a flood's beginning was replaced by it

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Flood:
    """New templates that came first at about one time, as they do after a deploy."""

    templates: frozenset[str]
    begin: datetime


class Joined:
    """Disjoint sets of bursts, by number."""

    def __init__(self, size: int) -> None:
        self._parent = np.arange(size)

    def root(self, burst: int) -> int:
        while self._parent[burst] != burst:
            self._parent[burst] = self._parent[self._parent[burst]]
            burst = int(self._parent[burst])
        return burst

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low

    def roots(self) -> Numbers:
        """Of all bursts: equal numbers are one."""
        found = self._parent
        while not np.array_equal(further := found[found], found):
            found = further
        return found


def units_of(records: Records) -> tuple[pl.Series, pl.DataFrame]:
    """The anomalies of one session, or one without a session, are a unit: the unit of each record, and the units.

    Columns of these: what the record that gives the place has (`row` is its number), `first` and `last` time. Their
    order depends on what they are alone.
    """
    own = pl.coalesce("session", "anomaly_id")
    rows = (
        records.rows.with_row_index("row")
        .with_columns(own.alias("own"), pl.col("session").is_not_null().alias("of_session"))
        .sort("of_session", "own", "naming", "place", "anomaly_id")
        .with_columns(pl.struct("of_session", "own").rle_id().cast(pl.Int64).alias("unit"))
    )
    end = pl.when(pl.col("first_time").is_not_null()).then(pl.coalesce("last_time", "first_time"))
    named = ("row", "anomaly_id", "of_session", "place", "naming", "came", "missed", "rate")
    units = rows.group_by("unit", maintain_order=True).agg(
        *(pl.col(name).first() for name in named),
        pl.col("first_time").min().alias("first"),
        end.max().alias("last"),
    )
    return rows.select("row", "unit").sort("row")["unit"], units


def bursts_of(units: pl.DataFrame, records: Records) -> Numbers:
    """The burst of each unit: those of one place, each within GAP of those before it; of rates, all that overlap and
    point the same way."""
    direction = [place[0] for place in records.places]
    count = len(direction)
    way = pl.Series([count + 2 * (kind == places.MORE) for kind in direction], dtype=pl.Int64)
    long = (pl.col("last") - pl.col("first")) > LONG // MICROSECOND
    ways = way.gather(units["place"]) if count else pl.Series([], dtype=pl.Int64)
    swept = (
        units.select("unit", "place", "rate", "first", "last")
        .with_columns(ways.alias("way"))
        .with_columns(
            pl.when("rate")
            .then(pl.col("way") + long.fill_null(value=False))
            .otherwise(pl.col("place"))
            .alias("together"),
            pl.when("rate").then(0).otherwise(GAP // MICROSECOND).alias("gap"),
        )
        .sort("together", "first", "unit", nulls_last=True)
    )
    reach = pl.col("last").cum_max().shift(1).over("together") + pl.col("gap")
    untimed = pl.col("first").is_null()
    begins = (
        (pl.col("together") != pl.col("together").shift(1))
        | (untimed != untimed.shift(1))
        | (~untimed & (pl.col("first") >= reach))
    ).fill_null(value=True)
    found: Numbers = (
        swept.with_columns((begins.cum_sum() - 1).cast(pl.Int64).alias("burst"))
        .sort("unit")["burst"]
        .to_numpy()
    )
    return found


def join_rates(units: pl.DataFrame, bursts: Numbers, joined: Joined, records: Records) -> None:
    """What came too often, or too rarely, with the sessions where it came, or was missed, at that time."""
    rates = units.filter(pl.col("rate") & pl.col("first").is_not_null() & pl.col("last").is_not_null())
    if not len(rates):
        return
    others = units.filter(~pl.col("rate") & pl.col("first").is_not_null() & pl.col("last").is_not_null())
    nothing = records.names.index("")
    columns = {
        places.MORE: others["came"].fill_null(nothing).to_numpy(),
        places.FEWER: others["missed"].to_numpy(),
    }
    ordered = {way: np.argsort(column, kind="stable") for way, column in columns.items()}
    first, last, own = (others[name].to_numpy() for name in ("first", "last", "unit"))
    number = {name: at for at, name in enumerate(records.names)}
    for unit, place, begin, end in rates.select("unit", "place", "first", "last").iter_rows():
        way, key = records.places[place]
        order, column = ordered[way], columns[way]
        low = np.searchsorted(column, number[key], "left", sorter=order)
        high = np.searchsorted(column, number[key], "right", sorter=order)
        some = order[low:high]
        some = some[(first[some] <= end) & (last[some] >= begin)]
        for burst in np.unique(bursts[own[some]]).tolist():
            joined.join(int(bursts[unit]), burst)


def floods_of(records: Records, first_seen: Mapping[str, datetime]) -> list[Flood]:
    """Where many templates that the version does not know came first within a short time, by time.

    `first_seen` says when a template came first on the day, as far as is known; else it is its first anomaly.
    """
    new = records.rows.filter(pl.col("new") & pl.col("first_time").is_not_null())
    began = {}
    for came, first in new.group_by("came").agg(pl.col("first_time").min()).iter_rows():
        key = records.names[came]
        known = moment(first_seen.get(key))
        began[key] = first if known is None else known
    runs: list[list[tuple[int, str]]] = []
    for begin, key in sorted((begin, key) for key, begin in began.items()):
        if not runs or begin - runs[-1][-1][0] > TOGETHER // MICROSECOND:
            runs.append([])
        runs[-1].append((begin, key))
    return [_flood(run) for run in runs if len(run) >= FLOOD]


def _flood(run: Sequence[tuple[int, str]]) -> Flood:
    begin = time_of(run[0][0])
    assert begin is not None
    return Flood(frozenset(key for _, key in run), begin)


def join_floods(
    records: Records,
    unit_of: pl.Series,
    units: pl.DataFrame,
    bursts: Numbers,
    joined: Joined,
    floods: Sequence[Flood],
) -> dict[int, int]:
    """Units of a flood's templates are one, with what stopped coming then: new software no longer writes it.

    The number of the flood of each unit that has one.
    """
    of_template = {key: number for number, flood in enumerate(floods) for key in flood.templates}
    numbers = [of_template.get(name) for name in records.names]
    of_record = pl.Series(numbers, dtype=pl.Int64).gather(records.rows["came"])
    new = (
        pl.DataFrame({"unit": unit_of, "flood": of_record, "new": records.rows["new"]})
        .filter(pl.col("new") & pl.col("flood").is_not_null())
        .select("unit", "flood")
        .unique()
        .sort("unit", "flood")
    )
    leader: dict[int, int] = {}
    found: dict[int, int] = {}
    for unit, flood in new.iter_rows():
        joined.join(int(bursts[leader.setdefault(flood, unit)]), int(bursts[unit]))
        found[unit] = flood
    if not leader:
        return found
    ways = defaultdict(list)
    for number, place in enumerate(records.places):
        ways[place[0]].append(number)
    gone = units.filter(pl.col("place").is_in(ways[places.FEWER]) & pl.col("first").is_not_null())
    for unit, first in gone.select("unit", "first").iter_rows():
        for flood, led in leader.items():
            begin = moment(floods[flood].begin)
            if begin is not None and abs(first - begin) <= REPLACED // MICROSECOND:
                joined.join(int(bursts[led]), int(bursts[unit]))
                found[unit] = flood
    return found
