"""All evidence of a day to its anomalies, incidents, opinions and health, with the raw lines around each anomaly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl
import pyarrow as pa

from deeplog_ops.detection.drift import day_health
from deeplog_ops.detection.incidents import group
from deeplog_ops.detection.severity import anomaly_severity
from deeplog_ops.detection.values import DETECTOR as VALUES
from deeplog_ops.records import Anomaly, DayHealth, DetectorOpinion
from deeplog_ops.steps import stage_rows as rows
from deeplog_ops.steps.context_lines import context_lines
from deeplog_ops.steps.explanation import explained
from deeplog_ops.steps.session_verdicts import SessionVerdicts, session_verdicts
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.templates.catalogue import Catalogue

FINDINGS = ("value_findings", "rate_findings", "rule_findings")


@dataclass(frozen=True)
class Detected:
    """How many anomalies a day has, in how many incidents, and of how many the details are kept."""

    anomalies: int
    incidents: int
    detailed: int


def detect(place: Workplace, run_id: int) -> Detected:
    """Write the stages "anomalies", "anomaly_lines", "incidents", "opinions" and "day_health".

    All anomalies are counted and grouped; the worst `publish.anomalies` are published with their lines.
    """
    opened = OpenRun.of(place, run_id)
    with stage(opened, "detect") as record:
        version, catalogue = opened.version, _catalogue(opened)
        texts = run_texts(opened, catalogue)
        found = _findings(opened)
        opinions: list[DetectorOpinion] = []
        health = None
        sequence_of: Mapping[str, str] = {}
        if version is not None and not version.warming_up(opened.source.detection.least_sessions):
            verdicts = session_verdicts(opened, version, texts)
            found += verdicts.anomalies
            opinions = verdicts.opinions
            sequence_of = verdicts.sequence_of
            health = _health(opened, version, catalogue, verdicts)
        incidents, belongs = group(
            found,
            resolve=catalogue.resolve,
            texts=texts,
            first_seen=_first_seen(opened, catalogue) if version is not None else {},
        )
        found = [replace(each, incident_id=belongs[each.anomaly_id]) for each in found]
        found.sort(key=lambda each: (-anomaly_severity(each), -each.score, each.anomaly_id))
        detailed = found[: opened.source.publish.anomalies]
        if sequence_of and version is not None:
            values = [each for each in found if each.detector == VALUES]
            detailed = explained(opened, version, detailed, sequence_of, values, texts)
            found[: len(detailed)] = detailed
        shown = {each.incident_id for each in detailed}
        tables = {
            "anomalies": rows.anomaly_table(found),
            "anomaly_lines": context_lines(opened, detailed),
            "incidents": rows.incident_table([each for each in incidents if each.incident_id in shown]),
            "opinions": rows.opinion_table(opinions),
            "day_health": rows.health_table(health),
        }
        _write(opened, tables, record.attempt)
        record.rows = len(found)
        record.message = f"{len(found)} anomalies in {len(incidents)} incidents" + (
            f", the worst {len(detailed)} with their lines" if len(detailed) < len(found) else ""
        )
    return Detected(len(found), len(incidents), len(detailed))


def run_texts(opened: OpenRun, catalogue: Catalogue) -> dict[str, str]:
    """The text that stands for every key of this run: of one that the version knows, the widest of its aliases."""
    tables = opened.place.lake.read(opened.partition("catalogue"), columns=["template_id", "text"])
    found = (row for table in tables for row in table.to_pylist())
    own = {template.template_id: template.text for template in catalogue.templates}
    return own | {row["template_id"]: catalogue.text(row["template_id"]) or row["text"] for row in found}


def _catalogue(opened: OpenRun) -> Catalogue:
    return Catalogue(()) if opened.version is None else Catalogue.from_rows(opened.version.catalogue)


def _findings(opened: OpenRun) -> list[Anomaly]:
    """What values, rates and rules found."""
    return [
        anomaly
        for name in FINDINGS
        for table in opened.place.lake.read(opened.partition(name))
        for anomaly in rows.anomalies(table, opened.run)
    ]


def _health(
    opened: OpenRun, version: ModelVersion, catalogue: Catalogue, verdicts: SessionVerdicts
) -> DayHealth:
    known = {template.template_id for template in catalogue.templates}
    events = unknown = 0
    for table in opened.place.lake.read(opened.partition("catalogue"), columns=["template_id", "events"]):
        for row in table.to_pylist():
            events += row["events"]
            unknown += row["events"] * (row["template_id"] not in known)
    return day_health(
        judged=int(verdicts.sessions.sum()),
        flagged=verdicts.flagged,
        events=events,
        unknown_events=unknown,
        budget=opened.source.detection.false_alarms,
        p_values=verdicts.p_values,
        sessions=verdicts.sessions,
    )


def _first_seen(opened: OpenRun, catalogue: Catalogue) -> dict[str, datetime]:
    """When each template that the version does not know came first on the day."""
    known = {template.template_id for template in catalogue.templates}
    tables = opened.place.lake.read(opened.partition("catalogue"), columns=["template_id", "events"])
    new = [
        row["template_id"]
        for table in tables
        for row in table.to_pylist()
        if row["events"] and row["template_id"] not in known
    ]
    first: dict[str, datetime] = {}
    if not new:
        return first
    start, end = opened.bounds.start, opened.bounds.end
    for table in opened.place.lake.read(opened.partition("events"), columns=["key", "time"]):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        own = frame.filter(pl.col("key").is_in(new) & pl.col("time").is_between(start, end, closed="left"))
        for key, time in own.group_by("key").agg(pl.col("time").min()).iter_rows():
            first[key] = min(time, first.get(key, time))
    return first


def _write(opened: OpenRun, tables: Mapping[str, pa.Table], attempt: int) -> None:
    """All in one go: the stages become live together, or none does."""
    parts = []
    for name, table in tables.items():
        with writer(opened, name, attempt) as out:
            out.write_batch(table)
            out.close()
            parts.append(out)
    commit(opened, *parts)
