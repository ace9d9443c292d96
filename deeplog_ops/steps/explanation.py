"""The diagnosis of the anomalies that are published: where each session left the workflow, as sentences and as data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from deeplog_ops.detection.value_words import field_words
from deeplog_ops.records import Anomaly
from deeplog_ops.steps.day_anomalies import findings
from deeplog_ops.steps.session_verdicts import AT_ONCE
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.workflows.diagnosis import Diagnosis, OffParameter, diagnose, words
from deeplog_ops.workflows.graph import Workflow

NAMED = 10  # steps that the details name

Line = tuple[str, int]  # file and line number


def explained(
    opened: OpenRun,
    workflow: Workflow,
    anomalies: Sequence[Anomaly],
    sequence_of: Mapping[str, str],
    texts: Mapping[str, str],
) -> list[Anomaly]:
    """The same anomalies; those of whole sessions with a diagnosis. `sequence_of` has their sequences' ids, by the
    anomaly's id. The diagnosis tells of the day's anomalies of values in the same session.

    Each sequence is walked through once, and none that is not asked for.
    """
    wanted = [each for each in anomalies if each.anomaly_id in sequence_of]
    told = _diagnoses(opened, workflow, wanted, sequence_of)
    off = _off(opened, wanted)
    found = []
    for each in anomalies:
        if (sequence_id := sequence_of.get(each.anomaly_id)) is not None:
            diagnosis = replace(told[sequence_id, _place(each)], off=tuple(off.get(each.anomaly_id, ())))
            each = replace(each, details={**each.details, **_details(diagnosis, texts)})
        found.append(each)
    return found


def _place(anomaly: Anomaly) -> int:
    return int(anomaly.details["place"])


def _details(found: Diagnosis, texts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "diagnosis": list(words(found, texts)),
        "workflow": {
            "conformed": found.conformed,
            "node": found.node,
            "came": found.came,
            "expected": [
                {"key": step.key, "probability": step.probability} for step in found.expected[:NAMED]
            ],
            "missing": list(found.missing[:NAMED]),
        },
    }


def _diagnoses(
    opened: OpenRun, workflow: Workflow, wanted: Sequence[Anomaly], sequence_of: Mapping[str, str]
) -> dict[tuple[str, int], Diagnosis]:
    """By sequence and place, without the whole way through the workflow, which may be long."""
    places: defaultdict[str, set[int]] = defaultdict(set)
    for each in wanted:
        places[sequence_of[each.anomaly_id]].add(_place(each))
    found: dict[tuple[str, int], Diagnosis] = {}
    if not places:
        return found
    columns = ["sequence_id", "keys"]
    for table in opened.place.lake.read(opened.partition("scores"), columns=columns, rows=AT_ONCE):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        for sequence_id, keys in frame.filter(pl.col("sequence_id").is_in(list(places))).iter_rows():
            for place in places[sequence_id]:
                made = diagnose(workflow, keys, place)
                found[sequence_id, place] = replace(made, visited=made.visited[:1])
    return found


def _off(opened: OpenRun, wanted: Sequence[Anomaly]) -> dict[str, list[OffParameter]]:
    """The parameters that were off in the session of each anomaly, by the anomaly's id, with their places there."""
    fields: defaultdict[str, dict[Line, list[Callable[[int], OffParameter]]]] = defaultdict(dict)
    sessions = {each.session for each in wanted if each.session is not None}
    for value in findings(opened, "value_findings", of=sessions):
        if value.session is not None and value.details.get("fields"):
            at = (value.where.file_id, value.where.line_no)
            fields[value.session][at] = [_at(field) for field in value.details["fields"]]
    asked: defaultdict[str, list[Anomaly]] = defaultdict(list)
    for each in wanted:
        if each.session in fields:
            asked[str(each.session)].append(each)
    found: dict[str, list[OffParameter]] = {}
    if not asked:
        return found
    columns = ["session", "judged", "file_ids", "line_nos"]
    for table in opened.place.lake.read(opened.partition("sessions"), columns=columns, rows=AT_ONCE):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        rows = frame.filter(pl.col("judged") & pl.col("session").is_in(list(asked)))
        for row in rows.iter_rows(named=True):
            lines = {
                line: place for place, line in enumerate(zip(row["file_ids"], row["line_nos"], strict=True))
            }
            for each in asked[row["session"]]:
                # A name may come more than once a day: the session meant is the one that has the line.
                if (each.where.file_id, each.where.line_no) in lines:
                    told = [
                        at(lines[line])
                        for line, some in fields[row["session"]].items()
                        if line in lines
                        for at in some
                    ]
                    found[each.anomaly_id] = sorted(told, key=lambda of: (of.place, of.name))
    return found


def _at(field: Mapping[str, Any]) -> Callable[[int], OffParameter]:
    name, actual, typical = field_words(field)
    return lambda place: OffParameter(place, name, actual, typical)
