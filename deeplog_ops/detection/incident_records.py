"""What grouping keeps of each of a day's anomalies: where it belongs, when it was and how bad, in some 100 bytes.

The anomalies themselves may lie elsewhere, however many there are: only those that an incident shows are asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from deeplog_ops.detection import incident_places as places
from deeplog_ops.detection.incident_places import Place, Resolve
from deeplog_ops.detection.severity import anomaly_severity
from deeplog_ops.records import Anomaly

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
AT_ONCE = 2**13  # rows that stand in memory as plain values

COLUMNS = {
    "anomaly_id": pl.String,
    "session": pl.String,
    "place": pl.Int32,  # number of the place
    "naming": pl.Int8,  # the first part of places.naming_order
    "kind": pl.Int32,  # numbers of names, as those that follow
    "detector": pl.Int32,
    "came": pl.Int32,  # null: no template came
    "missed": pl.Int32,  # what was expected, "" where it is the end
    "rate": pl.Boolean,
    "new": pl.Boolean,  # says that a template came which the version does not know
    "severity": pl.Float64,
    "score": pl.Float64,
    "first_time": pl.Int64,  # microseconds since 1970, as the next
    "last_time": pl.Int64,
    "file": pl.Int32,  # of its worst line
    "line_no": pl.Int64,
}


@dataclass(frozen=True)
class Records:
    """N anomalies as columns, in the order they were added. Numbers of places and names are in their order."""

    rows: pl.DataFrame
    places: Sequence[Place]
    names: Sequence[str]

    def worst_first(self) -> pl.Series:
        """Which place each anomaly has among all, the worst at 0."""
        order = self.rows.select(
            pl.arg_sort_by("severity", "score", "anomaly_id", descending=[True, True, False]).alias("row")
        )
        ranked = order.with_row_index("rank").sort("row")["rank"]
        return ranked.cast(pl.Int64)


class Recorder:
    """Makes records of anomalies, some at a time. `resolve` gives the id that a template's stands for."""

    def __init__(self, resolve: Resolve = lambda key: key) -> None:
        self._resolve = resolve
        self._places: dict[Place, int] = {}
        self._names: dict[str, int] = {"": 0}
        self._parts: list[pl.DataFrame] = []
        self._waiting: list[tuple[Any, ...]] = []

    def add(self, anomalies: Iterable[Anomaly]) -> None:
        for anomaly in anomalies:
            self._waiting.append(self._row(anomaly))
            if len(self._waiting) == AT_ONCE:
                self._settle()

    def records(self) -> Records:
        """What was added, all of it."""
        self._settle()
        found = pl.concat([pl.DataFrame(schema=COLUMNS), *self._parts])
        ordered, names = sorted(self._places), sorted(self._names)
        for columns, known, now in (
            (("place",), self._places, ordered),
            (("kind", "detector", "came", "missed", "file"), self._names, names),
        ):
            rank = dict(zip(now, range(len(now)), strict=True))
            ranks = pl.Series([rank[each] for each in known], dtype=pl.Int32)  # type: ignore[index]
            if len(ranks):
                found = found.with_columns(ranks.gather(found[name]).alias(name) for name in columns)
        return Records(found, ordered, names)

    def _settle(self) -> None:
        if self._waiting:
            self._parts.append(pl.DataFrame(self._waiting, schema=COLUMNS, orient="row"))
            self._waiting = []

    def _row(self, anomaly: Anomaly) -> tuple[Any, ...]:
        place = places.place_of(anomaly, self._resolve)
        where = anomaly.where
        return (
            anomaly.anomaly_id,
            anomaly.session,
            self._places.setdefault(place, len(self._places)),
            places.naming_order(anomaly, place)[0],
            self._number(anomaly.kind),
            self._number(anomaly.detector),
            None if anomaly.template_id is None else self._number(self._resolve(anomaly.template_id)),
            self._number(places.expected_key(anomaly, self._resolve)),
            places.is_rate(anomaly),
            places.is_new_template(anomaly),
            anomaly_severity(anomaly),
            float(anomaly.score),
            moment(anomaly.first_time),
            moment(anomaly.last_time),
            self._number(where.file_id),
            where.line_no,
        )

    def _number(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))


def moment(time: datetime | None) -> int | None:
    return None if time is None else (time - EPOCH) // MICROSECOND


def time_of(moment: int | None) -> datetime | None:
    return None if moment is None else EPOCH + moment * MICROSECOND
