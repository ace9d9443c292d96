"""The nouns of a day as rows of its tables: columns, and values in their order."""

from __future__ import annotations

from datetime import date
from typing import Any

from deeplog_ops.db.runs import Run
from deeplog_ops.errors import DatabaseError
from deeplog_ops.records import Anomaly, AnomalyLine, DayHealth, DetectorOpinion, Incident

ANOMALIES = [
    "source_id",
    "day",
    "anomaly_id",
    "run_id",
    "detector",
    "kind",
    "locator",
    "session",
    "score",
    "threshold",
    "first_time",
    "last_time",
    "file_id",
    "line_no",
    "byte_offset",
    "event_count",
    "template_id",
    "rank",
    "probability",
    "p_value",
    "expected",
    "reason",
    "version",
    "details",
    "incident_id",
]
LINES = [
    "source_id",
    "day",
    "anomaly_id",
    "ordinal",
    "file_id",
    "line_no",
    "byte_offset",
    "time",
    "text",
    "template_id",
    "is_worst",
    "of_session",
]
INCIDENTS = [
    "source_id",
    "day",
    "incident_id",
    "run_id",
    "locator",
    "kind",
    "fingerprint",
    "severity",
    "title",
    "reason",
    "anomalies",
    "sessions",
    "worst_anomaly_id",
    "first_time",
    "last_time",
    "first_file_id",
    "first_line_no",
    "first_byte_offset",
    "worst_file_id",
    "worst_line_no",
    "worst_byte_offset",
    "details",
]
HEALTH = [
    "source_id",
    "day",
    "judged",
    "unknown_share",
    "unknown_usual",
    "alarm_rate",
    "budget",
    "p_median",
    "p_low",
    "calibration_error",
    "level",
    "advice",
]
OPINIONS = ["source_id", "day", "detector", "judged", "flagged", "agreed_with_verdict", "enabled"]


def anomaly_row(run: Run, anomaly: Anomaly) -> tuple[Any, ...]:
    _of_the_day(run, f"anomaly {anomaly.anomaly_id}", anomaly.source_key, anomaly.day)
    expected = [{"key": expected.key, "probability": expected.probability} for expected in anomaly.expected]
    return (
        run.source_id,
        run.day,
        anomaly.anomaly_id,
        run.run_id,
        anomaly.detector,
        anomaly.kind,
        anomaly.locator,
        anomaly.session,
        float(anomaly.score),
        float(anomaly.threshold),
        anomaly.first_time,
        anomaly.last_time,
        anomaly.where.file_id,
        anomaly.where.line_no,
        anomaly.where.byte_offset,
        anomaly.event_count,
        anomaly.template_id,
        anomaly.rank,
        anomaly.probability,
        anomaly.p_value,
        expected,
        anomaly.reason,
        anomaly.model_version,
        dict(anomaly.details),
        anomaly.incident_id,
    )


def line_row(run: Run, line: AnomalyLine) -> tuple[Any, ...]:
    return (
        run.source_id,
        run.day,
        line.anomaly_id,
        line.ordinal,
        line.where.file_id,
        line.where.line_no,
        line.where.byte_offset,
        line.time,
        line.text,
        line.template_id,
        line.is_worst,
        line.of_session,
    )


def incident_row(run: Run, incident: Incident) -> tuple[Any, ...]:
    _of_the_day(run, f"incident {incident.incident_id}", incident.source_key, incident.day)
    return (
        run.source_id,
        run.day,
        incident.incident_id,
        run.run_id,
        incident.locator,
        incident.kind,
        incident.fingerprint,
        int(incident.severity),
        incident.title,
        incident.reason,
        incident.anomalies,
        incident.sessions,
        incident.worst_anomaly_id,
        incident.first_time,
        incident.last_time,
        incident.first.file_id,
        incident.first.line_no,
        incident.first.byte_offset,
        incident.worst.file_id,
        incident.worst.line_no,
        incident.worst.byte_offset,
        dict(incident.details),
    )


def health_row(run: Run, health: DayHealth) -> tuple[Any, ...]:
    return (
        run.source_id,
        run.day,
        health.judged,
        _number(health.unknown_share),
        _number(health.unknown_usual),
        _number(health.alarm_rate),
        _number(health.budget),
        _number(health.p_median),
        _number(health.p_low),
        _number(health.calibration_error),
        health.level,
        health.advice,
    )


def opinion_row(run: Run, opinion: DetectorOpinion) -> tuple[Any, ...]:
    return (
        run.source_id,
        run.day,
        opinion.detector,
        opinion.judged,
        opinion.flagged,
        opinion.agreed,
        opinion.enabled,
    )


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _of_the_day(run: Run, what: str, source_key: str, day: date) -> None:
    if (source_key, day) != (run.source_key, run.day):
        raise DatabaseError(
            f"{what} is of {source_key} on {day}, but run {run.run_id} publishes {run.source_key} on {run.day}"
        )
