"""Scores to anomalies: verdicts, their explanation in words, and the raw lines around them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from deeplog_ops import schemas
from deeplog_ops.detection.verdicts import judge
from deeplog_ops.records import Anomaly
from deeplog_ops.steps.context_lines import context_lines
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.stage_rows import anomaly_table
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.templates.catalogue import Catalogue


@dataclass(frozen=True)
class Detected:
    """How many sessions are anomalous, and of how many the details are kept."""

    anomalies: int
    detailed: int


def detect(place: Workplace, run_id: int) -> Detected:
    """Write the stages "anomalies" and "anomaly_lines". All anomalies are counted, the worst so many are detailed."""
    opened = OpenRun.of(place, run_id)
    with (
        stage(opened, "detect") as record,
        writer(opened, "anomalies", record.attempt) as out,
        writer(opened, "anomaly_lines", record.attempt) as lines_out,
    ):
        found = _found(opened)
        found.sort(key=lambda anomaly: (-anomaly.score, anomaly.anomaly_id))
        detailed = found[: opened.source.publish.anomalies]
        out.write_batch(anomaly_table(found))
        lines_out.write_batch(context_lines(opened, detailed))
        out.close()
        lines_out.close()
        commit(opened, out, lines_out)
        record.rows = len(found)
        record.message = f"{len(found)} anomalies" + (
            f", the worst {len(detailed)} with their lines" if len(detailed) < len(found) else ""
        )
    return Detected(len(found), len(detailed))


def _found(opened: OpenRun) -> list[Anomaly]:
    version = opened.version
    if version is None:
        return []
    place = opened.place
    if version.calibration.warming_up(opened.source.detection.least_sessions):
        return []
    scores = pa.concat_tables([schemas.SCORES.empty_table(), *place.lake.read(opened.partition("scores"))])
    texts = run_texts(opened, Catalogue.from_rows(version.catalogue))
    found: list[Anomaly] = []
    for sessions in place.lake.read(opened.partition("sessions")):
        found += judge(
            sessions,
            scores,
            version.calibration,
            opened.source.detection,
            source_key=opened.source.key,
            day=opened.run.day,
            model_version=version.version,
            texts=texts,
        )
    return found


def run_texts(opened: OpenRun, catalogue: Catalogue) -> dict[str, str]:
    """The text that stands for every key of this run: of one that the version knows, the widest of its aliases."""
    tables = opened.place.lake.read(opened.partition("catalogue"), columns=["template_id", "text"])
    rows = (row for table in tables for row in table.to_pylist())
    return {row["template_id"]: catalogue.text(row["template_id"]) or row["text"] for row in rows}
