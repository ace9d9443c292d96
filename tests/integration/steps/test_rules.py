"""Rules over raw lines, with a model version and without."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from deeplog_ops.steps.apply_rules import apply_rules
from tests.integration.steps.conftest import SCORED_DAYS, Sample
from tests.integration.steps.lake_rows import last_run, stage_rows
from tests.integration.steps.plain_source import plain_source

DAY = date(2026, 3, 2)


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute)


RULES = "detection:\n  rules_files: [shipped]\n  rules: [{name: lost, reason: It is lost, pattern: 'lost \\d+', at_least: 2}]\n"


def found(source: Any, day: date = DAY) -> list[dict[str, Any]]:
    apply_rules(source.place, last_run(source, day))
    return stage_rows(source, day, "rule_findings")


def test_a_day_without_a_model_has_its_rule_findings(fresh_database: str, tmp_path: Path) -> None:
    with plain_source(fresh_database, tmp_path, more=RULES) as source:
        source.write("a.log", at(1), at(2))
        source.write("a.log", at(3), at(3, 30), message="write failed: No space left on device")
        source.write("a.log", at(4), message="lost 7")
        source.run(DAY)
        rows = found(source)
    by_rule = Counter(row["reason"].split("; rule ")[1].rstrip(").") for row in rows)
    assert by_rule == {"disk-full": 1}, "lost came once in its session, and two are asked for"
    assert (rows[0]["event_count"], rows[0]["line_no"], rows[0]["model_version"]) == (2, 3, "")
    assert rows[0]["first_time"].hour == 3


def test_lines_of_other_days_are_not_the_days(fresh_database: str, tmp_path: Path) -> None:
    with plain_source(fresh_database, tmp_path, more=RULES) as source:
        source.write("a.log", at(23, day=DAY - timedelta(days=1)), message="kernel panic - not syncing")
        source.write("a.log", at(1))
        source.write("a.log", at(0, day=DAY + timedelta(days=1)), message="kernel panic - not syncing")
        source.run(DAY)
        assert found(source) == []


def test_a_source_without_rules_has_no_findings(fresh_database: str, tmp_path: Path) -> None:
    with plain_source(fresh_database, tmp_path) as source:
        source.write("a.log", at(1), message="kernel panic - not syncing")
        source.run(DAY)
        assert found(source) == []


def test_findings_name_the_session_its_records_belong_to(sample: Sample) -> None:
    configuration = sample.root / "sources" / "sample.yaml"
    rule = "detection: {rules: [{name: bad, reason: It is bad, level: error}]}\n"
    configuration.write_text(configuration.read_text() + rule)
    day = SCORED_DAYS[0]
    sample.run(day)
    rows = found(sample, day)
    of_day = [
        (line, event)
        for line, event in zip(
            stage_rows(sample, day, "lines"), stage_rows(sample, day, "events"), strict=True
        )
        if line["time"].date() == day and line["level"] in ("ERROR", "FATAL")
    ]
    expected = Counter(event["session"] for _, event in of_day)
    assert expected, "the sample has errors"
    assert {row["session"]: row["event_count"] for row in rows} == expected
    keys = {(event["file_id"], event["line_no"]): event["key"] for _, event in of_day}
    assert all(row["template_id"] == keys[row["file_id"], row["line_no"]] for row in rows)
