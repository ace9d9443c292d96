"""Rules of the source's configuration over a day's records: the stage "rule_findings". No model is needed."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from deeplog_ops.detection.rule_findings import RuleFindings
from deeplog_ops.errors import LakeError
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.stage_rows import anomaly_table
from deeplog_ops.steps.workplace import Workplace

_LINES = ["file_id", "line_no", "byte_offset", "time", "level", "component", "message"]


def apply_rules(place: Workplace, run_id: int) -> int:
    """Write the stage "rule_findings"; how many there are. Days without a model version have theirs too.

    Only the day's own records count, those without a time among them.
    """
    opened = OpenRun.of(place, run_id)
    rules, bounds = opened.source.detection.rules, opened.bounds
    with stage(opened, "apply_rules") as record, writer(opened, "rule_findings", record.attempt) as out:
        findings = RuleFindings(rules)
        own = pl.col("time").is_null() | pl.col("time").is_between(bounds.start, bounds.end, closed="left")
        for table in _records(opened) if rules else ():
            frame = pl.from_arrow(table)
            assert isinstance(frame, pl.DataFrame)
            findings.add(frame.filter(own))
        found = findings.anomalies(
            source_key=opened.source.key, day=opened.run.day, model_version=opened.run.version or ""
        )
        out.write_batch(anomaly_table(found))
        out.close()
        commit(opened, out)
        record.rows = len(found)
        record.message = f"{len(found)} findings of {len(rules)} rules" if rules else "no rules"
    return record.rows


def _records(opened: OpenRun) -> Iterator[pa.Table]:
    """Stage "lines" with session and key of stage "events", whose rows stand in the same order; read side by side."""
    read = opened.place.lake.read
    events = read(opened.partition("events"), columns=["session", "key"])
    left: pa.Table | None = None
    for lines in read(opened.partition("lines"), columns=_LINES):
        parts = [] if left is None else [left]
        while sum(part.num_rows for part in parts) < lines.num_rows:
            following = next(events, None)
            if following is None:
                raise LakeError(
                    f"run {opened.run.run_id} has more records than events: run the stage that assigns keys again"
                )
            parts.append(following)
        beside = pa.concat_tables(parts) if parts else None
        if beside is None:
            continue
        own, left = beside.slice(0, lines.num_rows), beside.slice(lines.num_rows)
        yield lines.append_column("session", own["session"]).append_column("key", own["key"])
