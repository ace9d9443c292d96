"""Scores to verdicts: which sessions of a day are anomalous, of what kind, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deeplog_ops.config import Detection
from deeplog_ops.detection.calibration import Calibration
from deeplog_ops.detection.explain import reason
from deeplog_ops.errors import LakeError
from deeplog_ops.records import Anomaly, ExpectedKey, LineRef

DETECTOR = "key_order"
UNKNOWN_TEMPLATE = "unknown_template"  # a template came that training never saw
MISSING_END = "missing_end"  # the session ended where more was expected
KEY_ORDER = "key_order"  # a known template came where another was expected

_READ = (
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


@dataclass(frozen=True)
class _Finding:
    """What is said of a sequence, and so of every session that has it."""

    kind: str
    score: float
    p_value: float
    worst: int
    event_count: int
    template_id: str | None
    rank: int
    probability: float
    expected: tuple[ExpectedKey, ...]
    reason: str


def judge(
    sessions: pa.Table,
    scores: pa.Table,
    calibration: Calibration,
    settings: Detection,
    *,
    source_key: str,
    day: date,
    model_version: str,
    texts: Mapping[str, str],
) -> list[Anomaly]:
    """The anomalies among a day's judged sessions, the worst first.

    `sessions` has schemas.SESSIONS, `scores` schemas.SCORES with a row for every sequence judged; both may
    be one bucket's, and rows of sequences that no session has do no harm. `texts` gives the text of a
    template by its id (the id itself stands in where it is missing). A session is anomalous when its p-value
    is at most `settings.false_alarms`. Work is done once a sequence, which changes nothing: a session's
    score depends on its keys alone. Ask `calibration.warming_up` first: this function does not.

    LakeError when a judged session's sequence was not scored.
    """
    judged = sessions.select(_READ).filter(sessions["judged"])
    found = _findings(scores, calibration, settings, texts)
    missing = set(judged["sequence_id"].to_pylist()) - set(scores["sequence_id"].to_pylist())
    if missing:
        raise LakeError(
            f"{len(missing)} sequences of judged sessions have no score, {min(missing)} among them"
        )
    anomalous = judged.filter(pc.is_in(judged["sequence_id"], pa.array(list(found), pa.string())))
    threshold = calibration.threshold(settings.false_alarms)
    anomalies = [
        _anomaly(row, found[row["sequence_id"]], threshold, source_key, day, model_version)
        for row in anomalous.to_pylist()
    ]
    return sorted(anomalies, key=lambda anomaly: (-anomaly.score, anomaly.locator))


def _findings(
    scores: pa.Table, calibration: Calibration, settings: Detection, texts: Mapping[str, str]
) -> dict[str, _Finding]:
    p_values = calibration.p_value(scores["score"].to_numpy())
    rows = np.flatnonzero(p_values <= settings.false_alarms)
    return {
        row["sequence_id"]: _finding(row, float(p_value), settings, texts)
        for row, p_value in zip(scores.take(rows).to_pylist(), p_values[rows], strict=True)
    }


def _finding(row: dict[str, Any], p_value: float, settings: Detection, texts: Mapping[str, str]) -> _Finding:
    keys, worst = row["keys"], row["worst"]
    came = keys[worst] if worst < len(keys) else None
    known = row["known"][worst]
    expected = tuple(map(ExpectedKey, row["expected_keys"], row["expected_probabilities"]))
    return _Finding(
        kind=MISSING_END if came is None else KEY_ORDER if known else UNKNOWN_TEMPLATE,
        score=row["score"],
        p_value=p_value,
        worst=worst,
        event_count=len(keys),
        template_id=came,
        rank=row["rank"][worst],
        probability=row["probability"][worst],
        expected=expected[: settings.expected_keys],
        reason=reason(
            None if came is None else texts.get(came, came),
            texts.get(keys[worst - 1], keys[worst - 1]) if worst else None,
            [(texts.get(each.key, each.key) or None, each.probability) for each in expected],
            probability=row["probability"][worst],
            rank=row["rank"][worst],
            known=known,
        ),
    )


def _anomaly(
    row: dict[str, Any], found: _Finding, threshold: float, source_key: str, day: date, model_version: str
) -> Anomaly:
    line = min(found.worst, found.event_count - 1)  # where the end came too early, the last line
    return Anomaly(
        source_key=source_key,
        day=day,
        detector=DETECTOR,
        kind=found.kind,
        locator=f"{row['piece']}:{row['session']}",
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
    )
