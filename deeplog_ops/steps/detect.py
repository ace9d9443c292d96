"""All evidence of a day to its anomalies, incidents, opinions and health, with the raw lines around each anomaly."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from deeplog_ops.detection.drift import day_health
from deeplog_ops.detection.incident_groups import grouped
from deeplog_ops.detection.incidents import told
from deeplog_ops.records import DayHealth, DetectorOpinion
from deeplog_ops.schemas import ANOMALIES
from deeplog_ops.steps import stage_rows as rows
from deeplog_ops.steps.context_lines import context_lines
from deeplog_ops.steps.day_anomalies import SEQUENCE, DayAnomalies, findings
from deeplog_ops.steps.explanation import explained
from deeplog_ops.steps.fit_workflows import workflow_of
from deeplog_ops.steps.session_verdicts import SessionVerdicts, session_verdicts
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.storage.partition_writer import PartitionWriter
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.workflows.graph import Workflow

FINDINGS = ("value_findings", "rate_findings", "rule_findings")
WRITTEN = ("anomalies", "anomaly_lines", "incidents", "opinions", "day_health")
AT_ONCE = 2**13  # anomalies that are explained at once: bounds memory
PUBLISHED = {  # what is kept of each anomaly that is published in full
    "anomaly_id": pl.String,
    "session": pl.String,
    "file_id": pl.String,
    "line_no": pl.Int64,
    "template_id": pl.String,
    "incident_id": pl.String,
}


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
    with (
        stage(opened, "detect") as record,
        tempfile.TemporaryDirectory(prefix="deeplog-anomalies-") as folder,
        ExitStack() as writers,
    ):
        version, catalogue = opened.version, _catalogue(opened)
        texts = run_texts(opened, catalogue)
        found = DayAnomalies(opened, Path(folder), catalogue.resolve)
        for name in FINDINGS:
            found.add(findings(opened, name))
        opinions: list[DetectorOpinion] = []
        health = None
        workflow = None
        if version is not None and not version.warming_up(opened.source.detection.least_sessions):
            verdicts = session_verdicts(opened, version, texts, Path(folder))
            for some in verdicts.anomalies:
                found.add_of_sessions(some)
            opinions = verdicts.opinions
            workflow = workflow_of(version)
            health = _health(opened, version, catalogue, verdicts)
        groups = grouped(
            found.records(),
            opened.source.key,
            opened.run.day,
            first_seen=_first_seen(opened, catalogue) if version is not None else {},
        )
        out = {name: writers.enter_context(writer(opened, name, record.attempt)) for name in WRITTEN}
        detailed = _write_anomalies(opened, found.worst_first(groups), workflow, texts, out["anomalies"])
        shown = set(detailed["incident_id"])
        incidents = told(
            groups, shown, found.chosen(groups.needed(shown)), resolve=catalogue.resolve, texts=texts
        )
        for table in context_lines(opened, detailed):
            out["anomaly_lines"].write_batch(table)
        out["incidents"].write_batch(rows.incident_table(incidents))
        out["opinions"].write_batch(rows.opinion_table(opinions))
        out["day_health"].write_batch(rows.health_table(health))
        for each in out.values():
            each.close()
        commit(opened, *out.values())  # the stages become live together, or none does
        count = record.rows = out["anomalies"].ref.rows
        record.message = f"{count} anomalies in {len(groups)} incidents" + (
            f", the worst {len(detailed)} with their lines" if len(detailed) < count else ""
        )
    return Detected(count, len(groups), len(detailed))


def _write_anomalies(
    opened: OpenRun,
    frames: Iterable[pl.DataFrame],
    workflow: Workflow | None,
    texts: Mapping[str, str],
    out: PartitionWriter,
) -> pl.DataFrame:
    """Write the stage "anomalies", the first `publish.anomalies` rows with their diagnosis: PUBLISHED of these."""
    kept = [pl.DataFrame(schema=PUBLISHED)]
    for part, published in _published_first(frames, opened.source.publish.anomalies):
        table = part.select(ANOMALIES.names).to_arrow().cast(ANOMALIES)
        if published:
            kept.append(part.select(list(PUBLISHED)))
        if published and workflow is not None:
            sequence_of = dict(part.select("anomaly_id", SEQUENCE).drop_nulls(SEQUENCE).iter_rows())
            found = list(rows.anomalies(table, opened.run))
            table = rows.anomaly_table(explained(opened, workflow, found, sequence_of, texts))
        out.write_batch(table)
    return pl.concat(kept)


def _published_first(frames: Iterable[pl.DataFrame], most: int) -> Iterator[tuple[pl.DataFrame, bool]]:
    """The rows in their order, and whether they are among the first `most`: these in frames of AT_ONCE or somewhat more,
    since to explain some of them all sequences are gone through."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        for some in frame.iter_slices(AT_ONCE):
            first, others = some.head(most), some.slice(min(most, len(some)))
            most -= len(first)
            waiting += [first] * bool(len(first))
            if waiting and (most == 0 or sum(map(len, waiting)) >= AT_ONCE):
                yield pl.concat(waiting), True
                waiting = []
            if len(others):
                yield others, False
    if waiting:
        yield pl.concat(waiting), True


def run_texts(opened: OpenRun, catalogue: Catalogue) -> dict[str, str]:
    """The text that stands for every key of this run: of one that the version knows, the widest of its aliases."""
    tables = opened.place.lake.read(opened.partition("catalogue"), columns=["template_id", "text"])
    found = (row for table in tables for row in table.to_pylist())
    own = {template.template_id: template.text for template in catalogue.templates}
    return own | {row["template_id"]: catalogue.text(row["template_id"]) or row["text"] for row in found}


def _catalogue(opened: OpenRun) -> Catalogue:
    return Catalogue(()) if opened.version is None else Catalogue.from_rows(opened.version.catalogue)


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
