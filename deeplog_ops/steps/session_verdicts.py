"""Scores of a day to the default verdict on its sessions, with the other detectors' opinions.

Table by table: of sequences that nothing flags, two numbers are kept. What is flagged is kept, as all anomalies are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.session_findings import Finding
from deeplog_ops.detection.verdicts import DETECTOR, anomalies, flagged
from deeplog_ops.records import Anomaly, DetectorOpinion
from deeplog_ops.steps.opinions import PART, LearntDetector, Opinion, Tally, agreeing, learnt_again
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.storage.model_version import ModelVersion

ENABLED_KIND = (
    "count_vector"  # what a detector flags that the source enabled, and the default verdict does not
)
AT_ONCE = 2**14  # sequences judged in one go: bounds memory

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SessionVerdicts:
    """What is said of a day's judged sessions. p_values[i] is that of sessions[i] of them.

    `sequence_of` has the id of the sequence of each anomaly's session, by the anomaly's id.
    """

    anomalies: list[Anomaly]
    sequence_of: Mapping[str, str]
    p_values: NDArray[np.float64]
    sessions: NDArray[np.int64]
    flagged: int
    opinions: list[DetectorOpinion]


@dataclass
class _Judged:
    """What is gathered of the day's sequences. `found` is by the detector's name and the sequence's id."""

    found: dict[str, dict[str, Finding]]
    thresholds: dict[str, float]
    tally: Tally
    ids: list[pa.Array]
    p_values: list[NDArray[np.float64]]
    sessions: list[NDArray[np.int64]]
    flagged: int = 0


def session_verdicts(opened: OpenRun, version: ModelVersion, texts: Mapping[str, str]) -> SessionVerdicts:
    """From the stages "scores" and "sessions"."""
    judged = _judge(opened, version, texts)
    made: list[Anomaly] = []
    sequence_of: dict[str, str] = {}
    for anomaly, sequence_id in _of_sessions(opened, version, judged):
        made.append(anomaly)
        sequence_of[anomaly.anomaly_id] = sequence_id
    return SessionVerdicts(
        made,
        sequence_of,
        np.concatenate([np.zeros(0), *judged.p_values]),
        np.concatenate([np.zeros(0, np.int64), *judged.sessions]),
        judged.flagged,
        judged.tally.told(opened.source.detection.enable),
    )


def _judge(opened: OpenRun, version: ModelVersion, texts: Mapping[str, str]) -> _Judged:
    detection, evidence = opened.source.detection, version.evidence
    part = version.part(PART)
    detectors: list[LearntDetector] = []
    threshold = evidence.thresholds(detection.false_alarms)[0]
    judged = _Judged({DETECTOR: {}}, {DETECTOR: threshold}, Tally(), [], [], [])
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
            judged.found.setdefault(detector, {}).update(
                (sequence_id, replace(each, details={**each.details, "agree": agreed[sequence_id]}))
                for sequence_id, each in some.items()
            )
        judged.ids.append(scores["sequence_id"].combine_chunks())
        judged.p_values.append(p_values)
        judged.sessions.append(sessions)
        judged.flagged += int(sessions[verdict].sum())
    return judged


def _of_sessions(opened: OpenRun, version: ModelVersion, judged: _Judged) -> Iterator[tuple[Anomaly, str]]:
    """The anomalies, each with the id of its session's sequence."""
    scored = pa.concat_arrays([pa.array([], pa.string()), *judged.ids])
    named: dict[str, Counter[tuple[str, int]]] = {detector: Counter() for detector in judged.found}
    for table in opened.place.lake.read(opened.partition("sessions"), rows=AT_ONCE):
        for detector, some in judged.found.items():
            for anomaly, sequence_id in anomalies(
                table,
                some,
                scored,
                judged.thresholds[detector],
                source_key=opened.source.key,
                day=opened.run.day,
                model_version=version.version,
                named=named[detector],
            ):
                yield replace(anomaly, detector=detector), sequence_id


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
