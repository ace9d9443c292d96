"""What people said, over a whole history: the views and what training keeps cost what was said, not what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from deeplog_ops.db.feedback_findings import keep_later_findings
from tests.integration.db.varied_history import SOURCES, fill, say

ONE_BY_ONE = (Path(__file__).parent / "nearest_one_by_one.sql").read_text()


@pytest.fixture
def history(engine: Engine) -> Engine:
    fill(engine)
    return engine


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_view_says_what_looking_up_one_anomaly_after_another_says(history: Engine, seed: int) -> None:
    say(history, seed, 60)
    with history.connect() as connection:
        wanted = {tuple(row) for row in connection.execute(text(ONE_BY_ONE))}
        found = connection.execute(
            text(
                "SELECT s.source_id, a.day, a.anomaly_id, a.verdict_id, a.verdict "
                "FROM bi.anomalies a JOIN deeplog.sources s ON s.key = a.source_key"
            )
        )
        assert {tuple(row) for row in found} == wanted
        scopes = connection.execute(
            text(
                "SELECT count(DISTINCT v.scope), count(*) FILTER (WHERE v.scope = 'anomaly' AND v.anomaly_id <> a.anomaly_id)"
                " FROM bi.anomalies a JOIN deeplog.verdicts v USING (verdict_id)"
            )
        ).one()
    assert scopes[0] == 4, "every scope counts somewhere"
    assert scopes[1] > 0, "and so does that a rule is hidden for a template"


def test_what_was_said_is_not_looked_up_for_one_anomaly_after_another(history: Engine) -> None:
    say(history, 1, 60)
    with history.connect() as connection:
        for view in ("anomalies", "incidents"):
            plan = connection.execute(
                text(f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM bi.{view}")
            ).scalar_one()
            scanned = [node for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name") in _SAID]
            assert scanned
            # Names and patterns of sessions are told apart for the anomalies that one of them is for.
            scanned = [node for node in scanned if "session" not in str(node.get("Filter"))]
            assert max(node["Actual Loops"] for node in scanned) < 1000, scanned


_SAID = ("verdicts", "feedback_findings")


@pytest.mark.parametrize("seed", range(3))
def test_later_findings_are_those_of_the_view(history: Engine, seed: int) -> None:
    say(history, seed, 60)
    with history.begin() as connection:
        connection.execute(text("DELETE FROM deeplog.feedback_findings WHERE verdict_id % 2 = 0"))
    for source in SOURCES:
        with history.begin() as connection:
            before = _kept(connection)
            wanted = before | {tuple(row) for row in connection.execute(text(_WANTED), {"source": source})}
        keep_later_findings(history, source)
        with history.connect() as connection:
            found = _kept(connection)
        assert found == wanted
        assert found != before
        keep_later_findings(history, source)
        with history.connect() as connection:
            assert _kept(connection) == wanted, "asked again it keeps nothing more"


# Of every anomaly what the view says; a rule is kept once for each verdict and template, unless in the same breath.
_WANTED = """
SELECT s.source_id, a.verdict_id, a.day, a.anomaly_id, a.detector, a.verdict = 'false_positive', a.template_id,
    CASE a.detector WHEN 'rules' THEN split_part(a.locator, ':', 1) END,
    CASE a.detector WHEN 'rates' THEN a.kind = 'rate_burst' END, a.event_count,
    CASE a.detector WHEN 'rates' THEN CAST(a.line_no AS text) END
FROM bi.anomalies a
JOIN deeplog.sources s ON s.key = a.source_key
JOIN deeplog.verdicts v ON v.verdict_id = a.verdict_id
LEFT JOIN deeplog.incidents i ON (i.source_id, i.day, i.incident_id) = (s.source_id, a.day, a.incident_id)
WHERE a.source_key = :source AND a.detector IN ('rates', 'rules') AND a.template_id IS NOT NULL
    AND a.verdict IN ('false_positive', 'true_positive')
    AND (a.detector = 'rates' OR v.scope <> 'incident' OR i.kind = 'rule')
    AND (a.detector = 'rates' OR NOT EXISTS (
        SELECT FROM deeplog.feedback_findings k
        WHERE (k.verdict_id, k.template_id, k.rule) = (a.verdict_id, a.template_id, split_part(a.locator, ':', 1))))
"""


def _kept(connection: Any) -> set[tuple[Any, ...]]:
    rows = connection.execute(
        text(
            "SELECT source_id, verdict_id, day, anomaly_id, detector, normal, template_id, rule, rising, events, "
            "array_to_string(counts, ' ') FROM deeplog.feedback_findings"
        )
    )
    return {tuple(row) for row in rows}


@pytest.mark.parametrize(("verdicts", "most"), [(0, 0), (4, 6000)])
def test_few_verdicts_make_few_anomalies_to_look_at(engine: Engine, verdicts: int, most: int) -> None:
    fill(engine, sessions=700)
    say(engine, 5, verdicts)
    looked_at = _rows_read(engine, "anomalies", lambda: keep_later_findings(engine, "web"))
    assert looked_at <= most, "of 59,200 anomalies"


def _rows_read(engine: Engine, table: str, work: Callable[[], None]) -> int:
    """How many rows of a table the statements of some work read, as they are planned now."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, _x: Any, _m: Any) -> None:
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    read = 0
    with engine.connect() as connection:
        for statement, parameters in sent:
            if not statement.lstrip().startswith(("SELECT", "WITH", "INSERT")):
                continue
            plan = connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
            ).scalar_one()
            for node in _nodes(plan[0]["Plan"]):
                if str(node.get("Relation Name")).startswith(f"{table}_2"):
                    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                    read += round(rows * node["Actual Loops"])
        connection.rollback()
    return read


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
