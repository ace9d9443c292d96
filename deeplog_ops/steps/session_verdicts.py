"""Scores of a day to the default verdict on its sessions, with the other detectors' opinions and the diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from deeplog_ops import schemas
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.session_findings import Finding
from deeplog_ops.detection.verdicts import anomalies, flagged
from deeplog_ops.records import Anomaly, DetectorOpinion
from deeplog_ops.steps.fit_workflows import workflow_of
from deeplog_ops.steps.opinions import PART, Opinion, agreeing, opinions, told
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.workflows.diagnosis import OffParameter, diagnose, words

ENABLED_KIND = (
    "count_vector"  # what a detector flags that the source enabled, and the default verdict does not
)


@dataclass(frozen=True)
class SessionVerdicts:
    """What is said of a day's judged sessions. p_values[i] is that of sessions[i] of them."""

    anomalies: list[Anomaly]
    p_values: NDArray[np.float64]
    sessions: NDArray[np.int64]
    flagged: int
    opinions: list[DetectorOpinion]


def session_verdicts(
    opened: OpenRun,
    version: ModelVersion,
    texts: Mapping[str, str],
    off: Mapping[str, Sequence[OffParameter]],
) -> SessionVerdicts:
    """From the stages "scores" and "sessions". `off` has the parameters that were off, by session."""
    detection, evidence = opened.source.detection, version.evidence
    read = opened.place.lake.read
    scores = pa.concat_tables([schemas.SCORES.empty_table(), *read(opened.partition("scores"))])
    found, p_values = flagged(scores, evidence, detection, texts)
    ids, sessions = scores["sequence_id"].to_pylist(), scores["sessions"].to_numpy()
    verdict = np.array([sequence_id in found for sequence_id in ids], bool)
    keys = scores["keys"].to_pylist()
    part = version.part(PART)
    said = opinions(part, keys) if part is not None and len(keys) else []
    agreed = agreeing(said, ids)
    scored = scores["sequence_id"].combine_chunks()
    keys_of = dict(zip(ids, keys, strict=True))
    diagnosed = _diagnosis(version, keys_of, texts)
    made: list[Anomaly] = []

    def add(some: Mapping[str, Finding], threshold: float, detector: str | None) -> None:
        for table in read(opened.partition("sessions")):
            for anomaly, sequence_id in anomalies(
                table,
                some,
                scored,
                threshold,
                source_key=opened.source.key,
                day=opened.run.day,
                model_version=version.version,
            ):
                details: dict[str, Any] = {**anomaly.details, "agree": agreed.get(sequence_id, [])}
                details |= diagnosed(sequence_id, anomaly, off.get(anomaly.session or "", ()))
                changed = replace(anomaly, details=details)
                made.append(changed if detector is None else replace(changed, detector=detector))

    add(found, evidence.thresholds(detection.false_alarms)[0], None)
    for each in said:
        if each.detector in detection.enable:
            add(_enabled(each, ids, keys, verdict, evidence), each.threshold, each.detector)
    return SessionVerdicts(
        made,
        p_values,
        sessions,
        int(sessions[verdict].sum()),
        told(said, verdict, sessions, detection.enable),
    )


def _enabled(
    said: Opinion,
    ids: Sequence[str],
    keys: Sequence[Sequence[str]],
    verdict: NDArray[np.bool_],
    evidence: SessionEvidence,
) -> dict[str, Finding]:
    """What an enabled detector flags beyond the default verdict."""
    found = {}
    for row in np.flatnonzero(said.flagged & ~verdict).tolist():
        sequence = keys[row]
        surprise, _ = evidence.supported.order.surprises([sequence])
        worst = int(surprise[:-1].argmax()) if len(sequence) else 0
        score = float(said.scores[row])
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
            reason=f"The counts of its templates are unusual to the detector {said.detector}: "
            f"{score:.3g}, where {said.threshold:.3g} is still normal.",
            details={"before": sequence[worst - 1] if worst else None},
        )
    return found


def _diagnosis(
    version: ModelVersion, keys_of: Mapping[str, Sequence[str]], texts: Mapping[str, str]
) -> Callable[[str, Anomaly, Sequence[OffParameter]], dict[str, Any]]:
    """Where a session left the workflow, as sentences and as data. The walk is done once a sequence."""
    workflow = workflow_of(version)
    known: dict[tuple[str, int], Any] = {}

    def told_of(sequence_id: str, anomaly: Anomaly, off: Sequence[OffParameter]) -> dict[str, Any]:
        if workflow is None:
            return {}
        worst = anomaly.details.get("place")
        at = int(worst) if worst is not None else 0
        if (sequence_id, at) not in known:
            known[sequence_id, at] = diagnose(workflow, keys_of[sequence_id], at)
        found = replace(known[sequence_id, at], off=tuple(off))
        return {
            "diagnosis": list(words(found, texts)),
            "workflow": {
                "conformed": found.conformed,
                "node": found.node,
                "came": found.came,
                "expected": [{"key": step.key, "probability": step.probability} for step in found.expected],
                "missing": list(found.missing),
            },
        }

    return told_of
