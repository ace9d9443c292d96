"""Scores to verdicts: which sessions of a day are anomalous, of what kind, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deeplog_ops.config import Detection
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.session_findings import Finding, findings
from deeplog_ops.errors import LakeError
from deeplog_ops.records import Anomaly, LineRef

DETECTOR = "sessions"

READ = (  # columns of the stage "sessions" that a verdict needs
    "session",
    "piece",
    "first_time",
    "last_time",
    "judged",
    "sequence_id",
    "file_ids",
    "line_nos",
    "byte_offsets",
)


def flagged(
    scores: pa.Table, evidence: SessionEvidence, settings: Detection, texts: Mapping[str, str]
) -> tuple[dict[str, Finding], np.ndarray[Any, np.dtype[np.float64]]]:
    """What is said of the sequences that are anomalous, by id; and the p-value of each row of schemas.SCORES (N,)."""
    judged = evidence.judge(scores["keys"].to_pylist(), settings.false_alarms)
    rows = np.flatnonzero(judged.strength >= 1)
    if not len(rows):
        return {}, judged.p_value
    odd = scores.take(rows).select(["sequence_id", "keys", "rank", "probability"]).to_pylist()
    told = findings(
        odd, judged.strength[rows].tolist(), judged.p_value[rows].tolist(), evidence, settings, texts
    )
    found = {row["sequence_id"]: said for row, said in zip(odd, told, strict=True)}
    return found, judged.p_value


def anomalies(
    sessions: pa.Table,
    found: Mapping[str, Finding],
    scored: pa.Array,
    threshold: float,
    *,
    source_key: str,
    day: date,
    model_version: str,
    named: Counter[tuple[str, int]] | None = None,
) -> list[tuple[Anomaly, str]]:
    """The anomalies among judged sessions (schemas.SESSIONS, maybe one bucket's) with the ids of their sequences, the
    worst first.

    `named` counts how often each name came in the tables before, where a day is judged in several.

    `found` is what `flagged` said; `scored` the ids of all sequences that were scored. Work was done once a sequence,
    which changes nothing: the verdict on a session depends on its keys alone.

    LakeError when a judged session's sequence was not scored.
    """
    judged = scored_sessions(sessions, scored)
    anomalous = judged.filter(pc.is_in(judged["sequence_id"], pa.array(list(found), pa.string()))).to_pylist()
    # A name that came back after its timeout on the same day names several sessions.
    named = Counter() if named is None else named
    made = []
    for row in sorted(anomalous, key=lambda row: (row["file_ids"][:1], row["line_nos"][:1])):
        named[row["session"], row["piece"]] += 1
        turn = named[row["session"], row["piece"]]
        locator = f"{row['piece']}:{row['session']}" + (f":{turn}" if turn > 1 else "")
        said = found[row["sequence_id"]]
        anomaly = _anomaly(row, said, threshold, locator, source_key, day, model_version)
        made.append((anomaly, row["sequence_id"]))
    return sorted(made, key=lambda each: (-each[0].score, each[0].locator))


def scored_sessions(sessions: pa.Table, scored: pa.Array) -> pa.Table:
    """The columns READ of those that are judged. LakeError when a sequence of theirs was not scored."""
    judged = sessions.select(READ).filter(sessions["judged"])
    unscored = judged.filter(pc.invert(pc.is_in(judged["sequence_id"], scored)))
    if len(unscored):
        raise LakeError(
            f"{len(unscored)} judged sessions have no score, {unscored['session'][0].as_py()} among them"
        )
    return judged


def _anomaly(
    row: Mapping[str, Any],
    found: Finding,
    threshold: float,
    locator: str,
    source_key: str,
    day: date,
    model_version: str,
) -> Anomaly:
    line = max(0, min(found.worst, found.event_count - 1))  # where the end came too early, the last line
    return Anomaly(
        source_key=source_key,
        day=day,
        detector=DETECTOR,
        kind=found.kind,
        locator=locator,
        session=row["session"],
        score=found.score,
        threshold=threshold,
        first_time=row["first_time"],
        last_time=row["last_time"],
        where=LineRef(row["file_ids"][line], row["line_nos"][line], row["byte_offsets"][line]),
        event_count=found.event_count,
        template_id=found.template_id,
        rank=found.rank,
        probability=found.probability,
        p_value=found.p_value,
        reason=found.reason,
        model_version=model_version,
        expected=found.expected,
        details=found.details,
    )
