"""Records that rules hold for, gathered by session, or by day where there is none: bounded, however many match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from deeplog_ops.config_detection import Rule
from deeplog_ops.detection.levels import SCALE, ranks
from deeplog_ops.detection.rules import matches
from deeplog_ops.records import Anomaly, LineRef

DETECTOR, KIND = "rules", "rule"
SESSIONS_PER_RULE = (
    5_000  # sessions that a rule is told of one by one; records of others are counted with the day's
)

_PLACE = ("file_id", "line_no", "byte_offset")
_UNKNOWN = -1  # rank of a level that is none


@dataclass
class _Gathered:
    """What a rule found in one session, or in lines without one."""

    records: int
    first: dict[str, Any]
    worst: dict[str, Any]
    last_time: datetime | None
    sessions_more: int = 0


class RuleFindings:
    """Takes the day's records table by table, in the order of the stage, and says at the end what was found."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._found: list[dict[str | None, _Gathered]] = [{} for _ in rules]

    def add(self, lines: pl.DataFrame) -> None:
        """Records with the columns file_id, line_no, byte_offset, time, level, component, message, session, key."""
        numbered = lines.with_columns(
            ranks(lines["level"]).fill_null(_UNKNOWN).alias("rank"),
            pl.int_range(pl.len(), dtype=pl.Int64).alias("order"),
        ).drop("message", "component")
        for found, matched in zip(self._found, matches(self._rules, lines), strict=True):
            if matched.any():
                _gather(found, numbered.filter(matched))

    def anomalies(self, *, source_key: str, day: date, model_version: str) -> list[Anomaly]:
        """One a rule and session with `at_least` records, and one a rule for lines without a session; worst first."""
        found = [
            _anomaly(rule, session, gathered, source_key, day, model_version)
            for rule, groups in zip(self._rules, self._found, strict=True)
            for session, gathered in groups.items()
            if gathered.records >= rule.at_least
        ]
        return sorted(found, key=lambda anomaly: (-anomaly.score, anomaly.locator))


def _gather(found: dict[str | None, _Gathered], rows: pl.DataFrame) -> None:
    for gathered in _by_session(rows):
        session, records, last_time = gathered["session"], gathered["records"], gathered["last_time"]
        more = 0
        if session is not None and session not in found and len(found) >= SESSIONS_PER_RULE:
            session, more = None, 1
        known = found.get(session)
        if known is None:
            found[session] = _Gathered(records, gathered["first"], gathered["worst"], last_time, more)
            continue
        known.records += records
        known.sessions_more += more
        if gathered["worst"]["rank"] > known.worst["rank"]:
            known.worst = gathered["worst"]
        if last_time is not None and (known.last_time is None or last_time > known.last_time):
            known.last_time = last_time


def _by_session(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    place = pl.struct(*_PLACE, "time", "level", "rank", "key")
    yield from (
        rows.sort("order")
        .group_by("session", maintain_order=True)
        .agg(
            pl.len().alias("records"),
            place.first().alias("first"),
            place.sort_by("rank", descending=True, maintain_order=True).first().alias("worst"),
            pl.col("time").max().alias("last_time"),
        )
        .iter_rows(named=True)
    )


def _anomaly(
    rule: Rule, session: str | None, found: _Gathered, source_key: str, day: date, model_version: str
) -> Anomaly:
    worst, first = found.worst, found.first
    details: dict[str, Any] = {
        "rule": rule.name,
        "severity": rule.severity,
        "records": found.records,
        "first": {name: first[name] for name in _PLACE},
    }
    if worst["rank"] >= 0:
        details["level"] = SCALE[worst["rank"]]
    if found.sessions_more:
        details["in_sessions_beyond"] = SESSIONS_PER_RULE
    return Anomaly(
        source_key=source_key,
        day=day,
        detector=DETECTOR,
        kind=KIND,
        locator=f"{rule.name}:{session or ''}",
        session=session,
        score=float(rule.severity),
        threshold=0.0,
        first_time=first["time"],
        last_time=found.last_time,
        where=LineRef(worst["file_id"], worst["line_no"], worst["byte_offset"]),
        event_count=found.records,
        template_id=worst["key"],
        rank=None,
        probability=None,
        p_value=None,
        reason=_reason(rule, session, found),
        model_version=model_version,
        details=details,
    )


def _reason(rule: Rule, session: str | None, found: _Gathered) -> str:
    count = "1 record" if found.records == 1 else f"{found.records:,} records"
    if found.sessions_more:
        where = f" without a session, or in sessions after the first {SESSIONS_PER_RULE:,}"
    else:
        where = " of this session" if session is not None else " without a session"
    return f"{rule.reason.rstrip('.')} ({count}{where}; rule {rule.name})."
