"""Months of anomalies of all kinds, written as rows, and things of all scopes said of them, by a seed."""

from __future__ import annotations

import random
from datetime import date

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.months import ensure_month
from deeplog_ops.records import stable_id

SOURCES = ("web", "other")
_DAYS = """
INSERT INTO deeplog.sources (key, name) VALUES ('web', 'web'), ('other', 'other');
INSERT INTO deeplog.runs (source_id, day, run_key, view_start, starts_at, ends_at, trigger, model_choice, config, config_hash)
SELECT source_id, day, 'r', day, day, day + interval '1 day', 'cli', 'champion', '{}', ''
FROM deeplog.sources, generate_series(date '2026-01-20', date '2026-01-20' + :days - 1, interval '1 day') AS day;
INSERT INTO deeplog.days (source_id, day, run_id, state, anomalies, view_start, starts_at, ends_at)
SELECT source_id, day, run_id, 'scored', 1, view_start, starts_at, ends_at FROM deeplog.runs;
INSERT INTO deeplog.templates (source_id, template_id, text, alias_of)
SELECT source_id, 't' || n, 'template ' || n, CASE n % 5 WHEN 3 THEN 't' || n - 1 WHEN 4 THEN 't' || n - 1 END
FROM deeplog.sources, generate_series(0, 59) AS n;
INSERT INTO deeplog.incidents
SELECT source_id, day, md5('i' || day || n), run_id, n, CASE n % 3 WHEN 0 THEN 'rule' ELSE 'burst' END,
    md5('f' || n % 8), n, 'title', 'reason', 1, 1, md5(''), starts_at, ends_at, 'f', 1, 0, 'f', 1, 0
FROM deeplog.runs, generate_series(0, 11) AS n;
INSERT INTO deeplog.anomalies
SELECT source_id, day, md5(source_id || detector || day || n), run_id, detector,
    CASE detector WHEN 'rates' THEN CASE n % 2 WHEN 0 THEN 'rate_burst' ELSE 'rate_drop' END ELSE 'any' END,
    CASE detector WHEN 'rules' THEN 'rule-' || n % 4 || ':' || n ELSE CAST(n AS text) END,
    CASE WHEN detector <> 'rates' THEN 'job_' || n % 40 || '\\50%' END,
    n, 1, starts_at, ends_at, 'f', n, n, 9, CASE WHEN n % 17 > 0 THEN 't' || n * 7 % 60 END, 1, .1, .1, '[]', 'why', 'v',
    CASE detector WHEN 'rates' THEN jsonb_build_object(
        'begin', starts_at, 'end', ends_at, 'bins', jsonb_build_array(jsonb_build_object('actual', n))) ELSE '{}' END,
    CASE WHEN n % 7 > 0 THEN md5('i' || day || n % 12) END
FROM deeplog.runs, (VALUES ('sessions', :sessions), ('rates', 20), ('rules', 20)) AS of (detector, most),
    LATERAL generate_series(1, most) AS n;
"""
_TEACHING = ("false_positive", "true_positive")


def fill(engine: Engine, *, days: int = 40, sessions: int = 30) -> None:
    """Two sources with as many days, each with so many odd sessions and 20 odd rates and 20 rules that held."""
    for month in range(1, 13):
        ensure_month(engine, date(2026, month, 1))
    with engine.begin() as connection:
        connection.connection.cursor().execute(
            _DAYS.replace(":days", str(days)).replace(":sessions", str(sessions))
        )
        connection.execute(
            text("ANALYZE deeplog.anomalies, deeplog.incidents, deeplog.days, deeplog.templates")
        )


def say(engine: Engine, seed: int, verdicts: int) -> None:
    """So many verdicts of a seed: of every kind and scope, some over, some withdrawn, some about the same thing; and of
    rules that are called normal the rows that hide them."""
    draw = random.Random(seed)
    with engine.begin() as connection:
        rows = connection.execute(
            text(
                "SELECT source_id, day, anomaly_id, session, detector FROM deeplog.anomalies ORDER BY 1, 2, 3"
            )
        ).all()
        rules = [row for row in rows if row.detector == "rules"]
        for _ in range(verdicts):
            scope = draw.choice(["anomaly", "incident", "template", "session"])
            row = draw.choice(rules if scope == "anomaly" and draw.random() < 0.7 else rows)
            kind = draw.choice([*_TEACHING, "false_positive", "expected", "mute"])
            told: dict[str, object] = {
                "day": None,
                "anomaly_id": None,
                "fingerprint": None,
                "template_id": None,
            }
            told |= {"session_like": None, "session_regex": None, "until": None}
            if kind == "expected" or (kind == "mute" and draw.random() < 0.5):
                told["until"] = row.day
            if scope == "anomaly":
                told |= {"day": row.day, "anomaly_id": row.anomaly_id}
            elif scope == "incident":
                known = connection.execute(
                    text("SELECT DISTINCT fingerprint FROM deeplog.incidents ORDER BY 1")
                )
                told["fingerprint"] = draw.choice([*known.scalars().all(), stable_id("nobody has it")])
            elif scope == "template":
                told["template_id"] = f"t{draw.randrange(62)}"
            else:
                name, pattern = _session(draw, row.session or "job_1\\50%")
                told[name] = pattern
            _insert(connection, row.source_id, kind, scope, told, withdrawn=draw.random() < 0.15)
        connection.execute(text(_HIDDEN))


def _session(draw: random.Random, session: str) -> tuple[str, str]:
    name = session.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
    return draw.choice(
        [
            ("session_like", name),
            ("session_like", name[:-4] + "%"),
            ("session_like", "job_1_" + "\\\\50\\%"),
            ("session_regex", f"^(?:job_{draw.randrange(4)}..50%)$"),
        ]
    )


def _insert(
    connection: Connection, source_id: int, kind: str, scope: str, told: dict[str, object], *, withdrawn: bool
) -> None:
    columns = ", ".join(told)
    connection.execute(
        text(
            f"INSERT INTO deeplog.verdicts (source_id, who, kind, scope, {columns}, withdrawn_at, withdrawn_by) "
            f"VALUES (:source_id, 'ann', :kind, :scope, {', '.join(':' + name for name in told)}, "
            "CASE WHEN :withdrawn THEN now() END, CASE WHEN :withdrawn THEN 'bob' END)"
        ),
        {**told, "source_id": source_id, "kind": kind, "scope": scope, "withdrawn": withdrawn},
    )


_HIDDEN = """
INSERT INTO deeplog.feedback_findings (source_id, verdict_id, day, anomaly_id, detector, normal, template_id, rule, events)
SELECT a.source_id, v.verdict_id, a.day, a.anomaly_id, 'rules', true, a.template_id, split_part(a.locator, ':', 1), 1
FROM deeplog.anomalies a
JOIN deeplog.verdicts v ON (v.source_id, v.day, v.anomaly_id) = (a.source_id, a.day, a.anomaly_id)
WHERE a.detector = 'rules' AND v.kind = 'false_positive' AND a.template_id IS NOT NULL
ON CONFLICT DO NOTHING
"""
