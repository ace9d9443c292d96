"""The incidents of a day as columns: which anomalies are one, under what name, and what each sums up to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from deeplog_ops.detection import incident_places as places
from deeplog_ops.detection.incident_joining import (
    Flood,
    Joined,
    bursts_of,
    floods_of,
    join_floods,
    join_rates,
    units_of,
)
from deeplog_ops.detection.incident_records import Records
from deeplog_ops.detection.severity import incident_severity
from deeplog_ops.records import stable_id

NAMED = 20  # sessions and templates that the details name
FEW_RATES = (
    3  # odd rates of so many templates have a fingerprint of their own; of more, they are the source's
)


@dataclass(frozen=True)
class Groups:
    """Incidents by number. `of_record` has that of each record; `rates` the templates of the rates in an incident."""

    records: Records
    of_record: pl.Series
    incidents: pl.DataFrame
    floods: Sequence[Flood]
    rates: Mapping[int, list[str]]

    def __len__(self) -> int:
        return len(self.incidents)

    def incident_of(self) -> pl.Series:
        """The id of the incident of each record."""
        return self.incidents["incident_id"].gather(self.of_record)

    def needed(self, shown: Collection[str]) -> set[str]:
        """The ids of the anomalies that must be known to tell of the incidents of these ids."""
        return {row[name] for row in self.rows(shown) for name in ("worst_id", "first_id", "named_id")}

    def rows(self, shown: Collection[str]) -> list[dict[str, Any]]:
        return self.incidents.filter(pl.col("incident_id").is_in(list(shown))).to_dicts()

    def members(self, shown: Collection[str]) -> dict[int, dict[str, list[str]]]:
        """What the anomalies of each of these incidents are of, by the incident's number: the first NAMED of them."""
        numbers = self.incidents.filter(pl.col("incident_id").is_in(list(shown)))["incident"]
        rows = self.records.rows.select("session", "came", "detector", "kind")
        found: defaultdict[int, dict[str, list[str]]] = defaultdict(dict)
        for name, column, most in (
            ("sessions", "session", NAMED),
            ("templates", "came", NAMED),
            ("detectors", "detector", None),
            ("kinds", "kind", None),
        ):
            some = (
                rows.select(column, self.of_record.alias("incident"))
                .filter(pl.col("incident").is_in(numbers.implode()) & pl.col(column).is_not_null())
                .unique()
                .sort("incident", column)
            )
            if most is not None:
                some = some.group_by("incident", maintain_order=True).head(most)
            told = dict(some.group_by("incident").agg(pl.col(column)).iter_rows())
            for number in numbers:
                values = told.get(number, [])
                found[number][name] = (
                    values if column == "session" else [self.records.names[value] for value in values]
                )
        return found


def grouped(
    records: Records,
    source_key: str,
    day: date,
    *,
    first_seen: Mapping[str, datetime] | None = None,
) -> Groups:
    """The incidents of the records of one source's day. Their order does not matter; time grows with n log n."""
    unit_of, units = units_of(records)
    bursts = bursts_of(units, records)
    joined = Joined(int(bursts.max()) + 1 if len(bursts) else 0)
    join_rates(units, bursts, joined, records)
    floods = floods_of(records, first_seen or {})
    of_flood = join_floods(records, unit_of, units, bursts, joined, floods)
    _, numbers = np.unique(joined.roots()[bursts], return_inverse=True)
    flood = pl.Series([None] * len(units), dtype=pl.Int64)
    if of_flood:
        flood = flood.scatter(list(of_flood), list(of_flood.values()))
    units = units.with_columns(pl.Series(numbers, dtype=pl.Int64).alias("incident"), flood.alias("flood"))
    of_record = units["incident"].gather(unit_of)
    rates = _rates(units, records)
    summed = _of_units(units).join(_of_records(records, of_record), on="incident").sort("incident")
    fingerprints, severities = [], []
    for row in summed.iter_rows(named=True):
        only = rates.get(row["incident"], []) if row["only_rates"] else []
        place = _place(records.places[row["place"]], only, row["flood"] is not None)
        fingerprints.append(stable_id("fingerprint", source_key, *place))
        severities.append(incident_severity([row["severity"]], row["sessions"] or len(only)))
    found = summed.with_columns(
        pl.Series("fingerprint", fingerprints, pl.String), pl.Series("severity", severities, pl.Int64)
    )
    found = found.with_columns(_locators(found))
    ids = [stable_id("incident", source_key, day.isoformat(), locator) for locator in found["locator"]]
    return Groups(
        records, of_record, found.with_columns(pl.Series("incident_id", ids, pl.String)), floods, rates
    )


def _of_units(units: pl.DataFrame) -> pl.DataFrame:
    """Of each incident: the unit that names it, and how many of what it touches."""
    named = (
        units.sort("incident", "naming", "place", "anomaly_id")
        .unique("incident", keep="first", maintain_order=True)
        .select("incident", "place", pl.col("anomaly_id").alias("named_id"))
    )
    counted = units.group_by("incident").agg(
        pl.col("of_session").sum().cast(pl.Int64).alias("sessions"),
        pl.col("place").n_unique().alias("places"),
        pl.col("rate").all().alias("only_rates"),
        pl.col("flood").min(),
    )
    return named.join(counted, on="incident")


def _of_records(records: Records, of_record: pl.Series) -> pl.DataFrame:
    """Of each incident: how many anomalies it has, from when to when, how bad, and which is the worst and the first."""
    rows = records.rows.with_columns(of_record.alias("incident"))
    worst = rows.select("incident", "severity", "score", "anomaly_id").sort(
        "incident", "severity", "score", "anomaly_id", descending=[False, True, True, False]
    )
    first = rows.select("incident", "first_time", "file", "line_no", "anomaly_id").sort(
        "incident", "first_time", "file", "line_no", "anomaly_id", nulls_last=True
    )
    found = rows.group_by("incident").agg(
        pl.len().cast(pl.Int64).alias("anomalies"),
        pl.col("severity").max(),
        pl.col("first_time").min(),
        pl.col("last_time").max(),
        pl.col("anomaly_id").min().alias("least_id"),
    )
    for name, ordered in (("worst_id", worst), ("first_id", first)):
        one = ordered.unique("incident", keep="first", maintain_order=True)
        found = found.join(one.select("incident", pl.col("anomaly_id").alias(name)), on="incident")
    return found


def _rates(units: pl.DataFrame, records: Records) -> dict[int, list[str]]:
    """The templates of the odd rates of each incident that has some."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for incident, place in units.filter("rate").select("incident", "place").iter_rows():
        found[incident].add(records.places[place][1])
    return {incident: sorted(keys) for incident, keys in found.items()}


def _locators(found: pl.DataFrame) -> pl.Series:
    """The fingerprint, and which one of its day it is by time: found again, an incident keeps its id."""
    return (
        found.select("incident", "fingerprint", "first_time", "least_id")
        .sort("fingerprint", "first_time", "least_id", nulls_last=True)
        .with_columns(pl.int_range(pl.len()).over("fingerprint").alias("turn"))
        .select("incident", pl.format("{}:{}", "fingerprint", "turn").alias("locator"))
        .sort("incident")["locator"]
    )


def _place(named: places.Place, rates: Sequence[str], flood: bool) -> places.Place:
    """What the fingerprint is of. A flood is one until training has learnt it: which templates come differs by day."""
    if flood:
        return (places.NEW_TEMPLATES,)
    if rates:
        return (named[0], *(rates if len(rates) <= FEW_RATES else ("many",)))
    return named
