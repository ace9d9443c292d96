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
WITH said AS MATERIALIZED ({said})
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
FROM said
JOIN deeplog.anomalies a ON a.source_id = :source_id AND a.day = said.day AND a.anomaly_id = said.anomaly_id
JOIN deeplog.verdicts v ON v.source_id = :source_id AND v.verdict_id = said.verdict_id
WHERE a.detector IN ('rates', 'rules') AND a.template_id IS NOT NULL
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
_NAMED = (
    "SELECT a.day, a.anomaly_id, CAST(:verdict_id AS bigint) AS verdict_id FROM deeplog.anomalies a "
    "WHERE a.source_id = :source_id AND a.detector IN ('rates', 'rules') AND {matches}"
)
_LATER = """
SELECT day, anomaly_id, verdict_id
FROM bi.anomalies
WHERE source_key = :source_key AND day = ANY(:days) AND anomaly_id = ANY(:anomaly_ids)
    AND verdict IN ('false_positive', 'true_positive')
"""
# The few odd rates and rules that a verdict which teaches may be about, found from the verdicts, by index. Which of all
# verdicts counts for each is the view's to say. Of the days below, the view has those alone that are published.
_SPOKEN_OF = """
WITH teaching AS MATERIALIZED (
    SELECT *
    FROM deeplog.verdicts
    WHERE source_id = :source_id AND withdrawn_at IS NULL AND kind IN ('false_positive', 'true_positive')
), about AS (
    SELECT template_id
    FROM teaching
    WHERE scope = 'template'
    UNION
    SELECT f.template_id -- a rule that was called normal is so for all that its template was merged with
    FROM deeplog.feedback_findings f
    JOIN teaching v USING (source_id, verdict_id)
    WHERE f.detector = 'rules' AND f.normal
), kin AS MATERIALIZED (
    SELECT DISTINCT beside.template_id
    FROM about
    JOIN bi.templates own ON own.source_key = :source_key AND own.template_id = about.template_id
    JOIN bi.templates beside ON beside.source_key = :source_key AND beside.root_id = own.root_id
    UNION
    SELECT template_id
    FROM about
)
SELECT a.day, a.anomaly_id
FROM teaching v
JOIN deeplog.anomalies a ON a.source_id = :source_id AND a.day = v.day AND a.anomaly_id = v.anomaly_id
WHERE v.scope = 'anomaly' AND a.detector IN ('rates', 'rules')
UNION
SELECT a.day, a.anomaly_id
FROM teaching v
JOIN deeplog.incidents i ON i.source_id = :source_id AND i.fingerprint = v.fingerprint
JOIN deeplog.anomalies a ON a.source_id = :source_id AND a.day = i.day AND a.incident_id = i.incident_id
WHERE v.scope = 'incident' AND a.detector IN ('rates', 'rules')
UNION
SELECT a.day, a.anomaly_id
FROM kin
JOIN deeplog.anomalies a ON a.source_id = :source_id AND a.template_id = kin.template_id
WHERE a.detector IN ('rates', 'rules')
UNION
SELECT a.day, a.anomaly_id
FROM teaching v
JOIN deeplog.anomalies a ON a.source_id = :source_id AND (a.session LIKE v.session_like OR a.session ~ v.session_regex)
WHERE v.scope = 'session' AND a.detector IN ('rates', 'rules')
"""
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
        text(_KEEP.format(said=_NAMED.format(matches=MATCHES[subject.scope]))),
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
        found = connection.execute(text(_SPOKEN_OF), key).all()
        if found:
            spoken_of = {
                "days": sorted({row.day for row in found}),
                "anomaly_ids": [row.anomaly_id for row in found],
            }
            connection.execute(text(_KEEP.format(said=_LATER)), key | spoken_of)


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
