"""How long pages wait for verdicts: the views over 200,000 anomalies of 20 days and 500 verdicts of all scopes.

    python -m benchmarks.verdict_views [--explain]

The database is an embedded PostgreSQL of its own, thrown away at the end. A second source has as many rows. Printed is
the median of five for each query that a page asks, the first being the whole of one day; --explain adds its plan.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import date

from sqlalchemy import Engine, text

from benchmarks.hdfs_days import workplace
from deeplog_ops.db.months import ensure_month

DAYS, A_DAY, INCIDENTS_A_DAY, TEMPLATES, A_SCOPE = 20, 10_000, 200, 3000, 125
FILL = f"""
INSERT INTO deeplog.sources (key, name) VALUES ('web', 'web'), ('other', 'other');
INSERT INTO deeplog.runs (source_id, day, run_key, view_start, starts_at, ends_at, trigger, model_choice, config, config_hash)
SELECT source_id, day, 'r', day, day, day + interval '1 day', 'cli', 'champion', '{{}}', '' FROM deeplog.sources,
    generate_series(date '2026-03-01', date '2026-03-01' + {DAYS - 1}, interval '1 day') AS day;
INSERT INTO deeplog.days (source_id, day, run_id, state, anomalies, view_start, starts_at, ends_at)
SELECT source_id, day, run_id, 'scored', {A_DAY}, view_start, starts_at, ends_at FROM deeplog.runs;
INSERT INTO deeplog.templates (source_id, template_id, text, alias_of)
SELECT source_id, md5('t' || n), 'template ' || n, CASE WHEN n % 10 = 9 THEN md5('t' || n - 1) END
FROM deeplog.sources, generate_series(0, {TEMPLATES - 1}) AS n;
INSERT INTO deeplog.incidents SELECT source_id, day, md5('i' || day || n), run_id, n, 'burst', md5('f' || n % 400), n % 101,
    'title', 'reason', {A_DAY // INCIDENTS_A_DAY}, 1, md5(''), starts_at, ends_at, 'f', 1, 0, 'f', 1, 0
FROM deeplog.runs, generate_series(0, {INCIDENTS_A_DAY - 1}) AS n;
INSERT INTO deeplog.anomalies SELECT source_id, day, md5('a' || source_id || day || n), run_id, 'default', 'unlikely_event',
    n, 'job_' || day || '_' || n, n, 1, starts_at, ends_at, 'f', n, n, 9, md5('t' || n % {TEMPLATES}), 1, .1, .1, '[]', 'why', 'v',
    '{{}}', md5('i' || day || n % {INCIDENTS_A_DAY}) FROM deeplog.runs, generate_series(1, {A_DAY}) AS n;
INSERT INTO deeplog.verdicts (source_id, who, kind, scope, day, anomaly_id) SELECT source_id, 'x', 'false_positive', 'anomaly',
    day, anomaly_id FROM deeplog.anomalies WHERE source_id = 1 AND day < '2026-03-06' ORDER BY anomaly_id LIMIT {A_SCOPE};
INSERT INTO deeplog.verdicts (source_id, who, kind, scope, fingerprint) SELECT 1, 'x', 'mute', 'incident', md5('f' || n)
FROM generate_series(1, {A_SCOPE}) AS n;
INSERT INTO deeplog.verdicts (source_id, who, kind, scope, template_id, until) SELECT 1, 'x', 'expected', 'template',
    md5('t' || n * 7), '2026-03-12' FROM generate_series(1, {A_SCOPE}) AS n;
INSERT INTO deeplog.verdicts (source_id, who, kind, scope, session_like) SELECT 1, 'x', 'mute', 'session', '%\\_' || n * 13
FROM generate_series(1, {A_SCOPE - 5}) AS n;
INSERT INTO deeplog.verdicts (source_id, who, kind, scope, session_regex) SELECT 1, 'x', 'mute', 'session',
    '^(?:job_.*_[0-9]*' || n || '77)$' FROM generate_series(1, 5) AS n;
ANALYZE;
"""
DAY = "source_key = 'web' AND day = '2026-03-05'"
QUERIES = {
    "a day's page of anomalies": f"SELECT * FROM bi.anomalies WHERE {DAY} AND shown ORDER BY score DESC LIMIT 50",
    "the same by the source's name": f"SELECT * FROM bi.anomalies WHERE {DAY.replace('_key', '')} AND shown "
    "ORDER BY score DESC LIMIT 50",
    "how many of a day are hidden": f"SELECT verdict, count(*) FROM bi.anomalies WHERE {DAY} AND NOT shown GROUP BY 1",
    "a day's page of incidents": f"SELECT * FROM bi.incidents WHERE {DAY} AND shown ORDER BY severity_now DESC LIMIT 50",
    "one anomaly": "SELECT * FROM bi.anomalies WHERE anomaly_id = (SELECT min(anomaly_id) FROM deeplog.anomalies)",
    "all incidents of a source": "SELECT count(*) FROM bi.incidents WHERE source_key = 'web' AND shown",
    "all anomalies of a source": "SELECT count(*) FROM bi.anomalies WHERE source_key = 'web' AND shown",
}


def seconds(engine: Engine, query: str) -> float:
    took = []
    for _ in range(5):
        with engine.connect() as connection:
            began = time.perf_counter()
            connection.execute(text(query)).all()
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--explain", action="store_true")
    given = parser.parse_args()
    with workplace() as place:
        ensure_month(place.engine, date(2026, 3, 1))
        with place.engine.begin() as connection:
            connection.connection.cursor().execute(FILL)
        for name, query in QUERIES.items():
            print(f"{name:<32} {1000 * seconds(place.engine, query):8.0f} ms", flush=True)
            if given.explain:
                with place.engine.connect() as connection:
                    plan = connection.execute(text(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query}"))
                    print("\n".join(plan.scalars()))


if __name__ == "__main__":
    main()
