"""Nouns to the rows of a stage and back: what crosses from one process to the next."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from deeplog_ops import schemas
from deeplog_ops.db.runs import Run
from deeplog_ops.records import (
    Anomaly,
    AnomalyLine,
    DayHealth,
    DetectorOpinion,
    ExpectedKey,
    Incident,
    LineRef,
    Template,
)

AT_ONCE = 2**12  # rows that stand in memory as nouns and as plain data at once


def anomaly_table(found: list[Anomaly]) -> pa.Table:
    """Stage "anomalies" from its nouns, in their order."""
    parts = [
        pa.Table.from_pylist([_row(anomaly) for anomaly in found[first : first + AT_ONCE]], schemas.ANOMALIES)
        for first in range(0, len(found), AT_ONCE)
    ]
    return pa.concat_tables([schemas.ANOMALIES.empty_table(), *parts])


def _row(found: Anomaly) -> dict[str, Any]:
    own = {name: getattr(found, name) for name in schemas.ANOMALIES.names if hasattr(found, name)}
    where = {name: getattr(found.where, name) for name in ("file_id", "line_no", "byte_offset")}
    return {
        **own,
        **where,
        "expected_keys": [expected.key for expected in found.expected],
        "expected_probabilities": [expected.probability for expected in found.expected],
        "details": json.dumps(found.details, ensure_ascii=False, sort_keys=True, allow_nan=False),
    }


def anomalies(table: pa.Table, run: Run) -> Iterator[Anomaly]:
    """The nouns of stage "anomalies"."""
    for row in table.to_pylist():
        expected = zip(row.pop("expected_keys"), row.pop("expected_probabilities"), strict=True)
        where = LineRef(row.pop("file_id"), row.pop("line_no"), row.pop("byte_offset"))
        anomaly_id = row.pop("anomaly_id")
        found = Anomaly(
            source_key=run.source_key,
            day=run.day,
            where=where,
            expected=tuple(ExpectedKey(key, chance) for key, chance in expected),
            details=json.loads(row.pop("details")),
            **row,
        )
        assert found.anomaly_id == anomaly_id
        yield found


def incident_table(found: list[Incident]) -> pa.Table:
    """Stage "incidents" from its nouns, in their order."""
    own = [name for name in schemas.INCIDENTS.names if not name.startswith(("first_", "worst_"))]
    own += ["worst_anomaly_id", "first_time"]
    return pa.Table.from_pylist(
        [
            {
                **{name: getattr(incident, name) for name in own},
                **_placed("first", incident.first),
                **_placed("worst", incident.worst),
                "details": json.dumps(incident.details, ensure_ascii=False, sort_keys=True, allow_nan=False),
            }
            for incident in found
        ],
        schemas.INCIDENTS,
    )


def _placed(which: str, where: LineRef) -> dict[str, Any]:
    return {f"{which}_{name}": getattr(where, name) for name in ("file_id", "line_no", "byte_offset")}


def incidents(table: pa.Table, run: Run) -> Iterator[Incident]:
    """The nouns of stage "incidents"."""
    for row in table.to_pylist():
        incident_id = row.pop("incident_id")
        found = Incident(
            source_key=run.source_key,
            day=run.day,
            first=_place(row, "first"),
            worst=_place(row, "worst"),
            details=json.loads(row.pop("details")),
            **row,
        )
        assert found.incident_id == incident_id
        yield found


def _place(row: dict[str, Any], which: str) -> LineRef:
    return LineRef(*(row.pop(f"{which}_{name}") for name in ("file_id", "line_no", "byte_offset")))


def health_table(health: DayHealth | None) -> pa.Table:
    """Stage "day_health"."""
    return pa.Table.from_pylist([] if health is None else [vars(health)], schemas.DAY_HEALTH)


def health(table: pa.Table) -> DayHealth | None:
    """The noun of stage "day_health"; None where nothing was measured."""
    rows = table.to_pylist()
    return DayHealth(**rows[0]) if rows else None


def opinion_table(opinions: Sequence[DetectorOpinion]) -> pa.Table:
    """Stage "opinions"."""
    return pa.Table.from_pylist([vars(opinion) for opinion in opinions], schemas.OPINIONS)


def opinions(table: pa.Table) -> list[DetectorOpinion]:
    """The nouns of stage "opinions"."""
    return [DetectorOpinion(**row) for row in table.to_pylist()]


def anomaly_lines(table: pa.Table) -> Iterator[AnomalyLine]:
    """The nouns of stage "anomaly_lines"."""
    for row in table.to_pylist():
        where = LineRef(row.pop("file_id"), row.pop("line_no"), row.pop("byte_offset"))
        yield AnomalyLine(where=where, **row)


def template(row: Mapping[str, Any]) -> Template:
    """The noun of a row of stage "catalogue"."""
    return Template(row["template_id"], row["text"], row["first_seen"], row["alias_of"])
