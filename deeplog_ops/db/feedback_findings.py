"""What people said of odd rates and of rules: kept with the verdict, since the row that was found may go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.feedback import MATCHES
from deeplog_ops.db.sources import source_of
from deeplog_ops.db.verdict_subjects import Subject

_KEEP = """
INSERT INTO deeplog.feedback_findings (source_id, verdict_id, day, anomaly_id, detector, normal, template_id, rule,
    rising, begins_at, ends_at, events, counts)
SELECT a.source_id, v.verdict_id, a.day, a.anomaly_id, a.detector, v.kind = 'false_positive', a.template_id,
    CASE a.detector WHEN 'rules' THEN split_part(a.locator, ':', 1) END,
    CASE a.detector WHEN 'rates' THEN a.kind IN ('rate_burst', 'rate_new') END,
    CASE a.detector WHEN 'rates' THEN CAST(a.details ->> 'begin' AS timestamptz) END,
    CASE a.detector WHEN 'rates' THEN CAST(a.details ->> 'end' AS timestamptz) END,
    a.event_count,
    CASE a.detector WHEN 'rates' THEN
        ARRAY(SELECT CAST(bin ->> 'actual' AS bigint) FROM jsonb_array_elements(a.details -> 'bins') bin)
    END
FROM deeplog.anomalies a
JOIN deeplog.verdicts v ON v.source_id = a.source_id
WHERE a.source_id = :source_id AND a.detector IN ('rates', 'rules') AND a.template_id IS NOT NULL AND {condition}
    AND (a.detector = 'rates' OR v.scope <> 'incident' OR EXISTS (
        SELECT FROM deeplog.incidents i -- one that a rule made; of another the rule is a part that nobody spoke of
        WHERE (i.source_id, i.day, i.incident_id) = (a.source_id, a.day, a.incident_id) AND i.kind = 'rule'
    ))
    AND (a.detector = 'rates' OR NOT EXISTS (
        SELECT FROM deeplog.feedback_findings kept -- a rule is hidden for a template by one row
        WHERE kept.source_id = a.source_id AND kept.verdict_id = v.verdict_id AND kept.template_id = a.template_id
            AND kept.rule = split_part(a.locator, ':', 1)
    ))
ON CONFLICT DO NOTHING
"""
_LATER = """(a.day, a.anomaly_id, v.verdict_id) IN (
    SELECT said.day, said.anomaly_id, said.verdict_id
    FROM bi.anomalies said
    WHERE said.source_key = :source_key AND said.detector IN ('rates', 'rules')
        AND said.verdict IN ('false_positive', 'true_positive')
)"""
# As of sessions: the nearest verdict that holds counts, and of two as near the later one.
_COUNTED = """
SELECT DISTINCT ON (f.day, f.anomaly_id) f.*
FROM deeplog.feedback_findings f
JOIN deeplog.verdicts v USING (source_id, verdict_id)
WHERE f.source_id = :source_id AND f.detector = 'rates' AND v.withdrawn_at IS NULL
ORDER BY f.day, f.anomaly_id, array_position(ARRAY['anomaly', 'incident', 'session', 'template'], v.scope),
    v.verdict_id DESC
"""


@dataclass(frozen=True)
class KeptRate:
    """An odd rate that people spoke of: `events` of a template from `begin` to `end`, `counts` of its first bins."""

    anomaly_id: str
    day: date
    template_id: str
    rising: bool
    begin: datetime
    end: datetime
    events: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class KeptFindings:
    """What was kept for one verdict: how many odd rates, and of which rules and templates."""

    rates: int
    rules: tuple[tuple[str, str], ...]


def keep_findings(
    connection: Connection, source_id: int, source_key: str, verdict_id: int, subject: Subject
) -> None:
    """Keep the published rates and rules that a new verdict, which teaches, speaks of."""
    connection.execute(
        text(_KEEP.format(condition=f"v.verdict_id = :verdict_id AND {MATCHES[subject.scope]}")),
        {
            **subject.columns(),
            "source_id": source_id,
            "source_key": source_key,
            "verdict_id": verdict_id,
        },
    )


def keep_later_findings(engine: Engine, source_key: str) -> None:
    """What later days brought to verdicts about incidents and templates, and what was said by SQL."""
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key, lock="")
        key = {"source_id": source_id, "source_key": source_key}
        connection.execute(text(_KEEP.format(condition=_LATER)), key)


def kept_for(engine: Engine, verdict_id: int) -> KeptFindings:
    with transaction(engine) as connection:
        rows = connection.execute(
            text("SELECT rule, template_id FROM deeplog.feedback_findings WHERE verdict_id = :verdict_id"),
            {"verdict_id": verdict_id},
        ).all()
    rules = {(row.rule, row.template_id) for row in rows if row.rule is not None}
    return KeptFindings(sum(row.rule is None for row in rows), tuple(sorted(rules)))


def said_rates(engine: Engine, source_key: str, *, normal: bool) -> list[KeptRate]:
    """The odd rates of false positives that hold (`normal`), or of true ones, by day and id."""
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key, lock="")
        rows = connection.execute(
            text(f"SELECT * FROM ({_COUNTED}) counted WHERE normal = :normal ORDER BY day, anomaly_id"),
            {"source_id": source_id, "normal": normal},
        )
        return [
            KeptRate(
                row.anomaly_id,
                row.day,
                row.template_id,
                row.rising,
                row.begins_at,
                row.ends_at,
                row.events,
                tuple(row.counts),
            )
            for row in rows
        ]
