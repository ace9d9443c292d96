"""Scores of a day to the default verdict on its sessions, with the other detectors' opinions.

Table by table: of each sequence two numbers and its id are kept in memory; what is said of those that are flagged goes to
local disk, until it meets their sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.session_findings import Finding
from deeplog_ops.detection.verdicts import DETECTOR, READ, anomalies, flagged
from deeplog_ops.records import Anomaly, DetectorOpinion
from deeplog_ops.steps.finding_shards import FindingShards
from deeplog_ops.steps.opinions import PART, LearntDetector, Opinion, Tally, agreeing, learnt_again
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.storage.model_version import ModelVersion

ENABLED_KIND = (
    "count_vector"  # what a detector flags that the source enabled, and the default verdict does not
)
AT_ONCE = 2**13  # sequences judged in one go: bounds memory
TOLD_AT_ONCE = 2**11  # sessions told of in one go, each with all that is said of it

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SessionVerdicts:
    """What is said of a day's judged sessions. p_values[i] is that of sessions[i] of them.

    `anomalies` come some at a time, to be read once, each with the id of its session's sequence.
    """

    anomalies: Iterator[list[tuple[Anomaly, str]]]
    p_values: NDArray[np.float64]
    sessions: NDArray[np.int64]
    flagged: int
    opinions: list[DetectorOpinion]


@dataclass
class _Judged:
    """What is gathered of the day's sequences."""

    found: FindingShards
    thresholds: dict[str, float]
    tally: Tally = field(default_factory=Tally)
    ids: list[pa.Array] = field(default_factory=list)
    p_values: list[NDArray[np.float64]] = field(default_factory=list)
    sessions: list[NDArray[np.int64]] = field(default_factory=list)
    flagged: int = 0


def session_verdicts(
    opened: OpenRun, version: ModelVersion, texts: Mapping[str, str], folder: Path
) -> SessionVerdicts:
    """From the stages "scores" and "sessions". `folder` is empty, and there until the anomalies were read."""
    judged = _judge(opened, version, texts, FindingShards(folder, opened.source.sessions.buckets))
    scored = pa.concat_arrays([pa.array([], pa.string()), *judged.ids])
    sessions = opened.place.lake.read(opened.partition("sessions"), columns=READ, rows=AT_ONCE)
    judged.found.add_sessions(sessions, scored)
    return SessionVerdicts(
        _of_sessions(opened, version, judged.found, judged.thresholds),
        np.concatenate([np.zeros(0), *judged.p_values]),
        np.concatenate([np.zeros(0, np.int64), *judged.sessions]),
        judged.flagged,
        judged.tally.told(opened.source.detection.enable),
    )


def _judge(
    opened: OpenRun, version: ModelVersion, texts: Mapping[str, str], shards: FindingShards
) -> _Judged:
    detection, evidence = opened.source.detection, version.evidence
    part = version.part(PART)
    detectors: list[LearntDetector] = []
    judged = _Judged(shards, {DETECTOR: evidence.thresholds(detection.false_alarms)[0]})
    for scores in opened.place.lake.read(opened.partition("scores"), rows=AT_ONCE):
        if not scores.num_rows:
            continue
        if part is not None and not detectors:
            detectors = learnt_again(part)
        found, p_values = flagged(scores, evidence, detection, texts)
        ids = scores["sequence_id"].to_pylist()
        sessions = scores["sessions"].to_numpy()
        verdict = np.fromiter((sequence_id in found for sequence_id in ids), bool, len(ids))
        keys = scores["keys"].to_pylist()
        said = [each.opinion(keys) for each in detectors]
        judged.tally.add(said, verdict, sessions)
        alarms = {DETECTOR: found}
        odd = verdict.copy()
        for each in said:
            if each.detector in detection.enable:
                alarms[each.detector] = _enabled(each, ids, keys, verdict, evidence)
                judged.thresholds[each.detector] = each.threshold
                odd |= each.flagged
        agreed = agreeing(said, ids, odd)
        for detector, some in alarms.items():
            told = {
                sequence_id: replace(each, details={**each.details, "agree": agreed[sequence_id]})
                for sequence_id, each in some.items()
            }
            judged.found.add(detector, told)
        judged.ids.append(scores["sequence_id"].combine_chunks())
        judged.p_values.append(p_values)
        judged.sessions.append(sessions)
        judged.flagged += int(sessions[verdict].sum())
    return judged


def _of_sessions(
    opened: OpenRun, version: ModelVersion, found: FindingShards, thresholds: Mapping[str, float]
) -> Iterator[list[tuple[Anomaly, str]]]:
    for said in found.read(TOLD_AT_ONCE):
        yield [
            (replace(anomaly, detector=said.detector), sequence_id)
            for anomaly, sequence_id in anomalies(
                said.sessions,
                said.found,
                said.sessions["sequence_id"].combine_chunks(),
                thresholds[said.detector],
                source_key=opened.source.key,
                day=opened.run.day,
                model_version=version.version,
                named=said.named,
            )
        ]


def _enabled(
    said: Opinion,
    ids: Sequence[str],
    keys: Sequence[Sequence[str]],
    verdict: Bools,
    evidence: SessionEvidence,
) -> dict[str, Finding]:
    """What an enabled detector flags beyond the default verdict."""
    found = {}
    for row in np.flatnonzero(said.flagged & ~verdict).tolist():
        sequence = keys[row]
        surprise, _ = evidence.supported.order.surprises([sequence])
        worst = int(surprise[:-1].argmax()) if len(sequence) else 0
        score = float(said.scores[row])
        details: dict[str, Any] = {"place": worst, "before": sequence[worst - 1] if worst else None}
        found[ids[row]] = Finding(
            kind=ENABLED_KIND,
            score=score,
            p_value=None,
            worst=worst,
            event_count=len(sequence),
            template_id=sequence[worst] if len(sequence) else None,
            rank=None,
            probability=None,
            expected=(),
            reason=f"How often its templates came is unusual to the detector {said.detector.replace('_', ' ')} "
            f"({score:.3g}; up to {said.threshold:.3g} is normal).",
            details=details,
        )
    return found
