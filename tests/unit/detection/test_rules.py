from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.config_detection import Rule
from deeplog_ops.config_rules import read_rules
from deeplog_ops.detection import rule_findings
from deeplog_ops.detection.levels import ranks
from deeplog_ops.detection.rule_findings import RuleFindings
from deeplog_ops.detection.rules import linear, matches
from deeplog_ops.records import Anomaly

SHIPPED = Path(rule_findings.__file__).parent / "rules_shipped.yaml"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def rule(**given_: object) -> Rule:
    return Rule.model_validate({"name": "some", "reason": "It is bad.", **given_})


def records(*rows: tuple[str | None, str | None, str, str | None]) -> pl.DataFrame:
    """Records of (level, component, message, session), a minute apart."""
    columns = list(zip(*rows, strict=True))
    return pl.DataFrame(
        {
            "file_id": ["f"] * len(rows),
            "line_no": range(1, len(rows) + 1),
            "byte_offset": [100 * number for number in range(len(rows))],
            "time": [NOON + timedelta(minutes=number) for number in range(len(rows))],
            "level": pl.Series(columns[0], dtype=pl.String),
            "component": pl.Series(columns[1], dtype=pl.String),
            "message": columns[2],
            "session": pl.Series(columns[3], dtype=pl.String),
            "key": [f"k{number}" for number in range(len(rows))],
        }
    )


def holds(given_: Rule, message: str, level: str | None = "INFO", component: str | None = "a.B") -> bool:
    return bool(matches([given_], records((level, component, message, None)))[0][0])


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        ({"pattern": r"disk \w+ failed"}, "the disk sda failed", "the disk failed"),
        ({"words": ("out of memory",)}, "Out Of Memory: killed", "about of memory"),
        ({"words": ("ENOSPC",)}, "write: enospc", "write: ENOSPCX"),
        ({"words": ("a+b",)}, "is a+b here", "is aab here"),
        ({"pattern": "fail", "unless": "test"}, "it failed", "it failed in test"),
        ({"pattern": "fail", "words": ("disk",)}, "disk failed", "job failed"),
        ({"pattern": r"(?<!no )error"}, "an error", "no error"),
        ({"pattern": r"second line"}, "first\nsecond line", "first"),
    ],
)
def test_a_condition_holds_for_its_records_and_no_others(
    condition: dict[str, object], yes: str, no: str
) -> None:
    assert holds(rule(**condition), yes)
    assert not holds(rule(**condition), no)


def test_look_around_is_searched_by_another_engine() -> None:
    assert not linear("(?<!a)b")
    assert linear("a|b")


def test_a_component_is_fitted_whole_and_a_missing_one_fits_nothing() -> None:
    some = rule(component="kernel|disk")
    assert holds(some, "x", component="disk")
    assert not holds(some, "x", component="disk2")
    assert not holds(some, "x", component=None)


@pytest.mark.parametrize(
    "written", ["W", "warn", "WARNING", "[Warn]", "4", "40", "E", "err", "SEVERE", "3", "panic", "F"]
)
def test_levels_as_programs_write_them_reach_warning(written: str) -> None:
    assert holds(rule(level="warning"), "x", level=written)


@pytest.mark.parametrize("written", ["I", "info", "NOTICE", "6", "debug", "TRACE", "", "loud", None])
def test_milder_and_unknown_levels_do_not(written: str | None) -> None:
    assert not holds(rule(level="warning"), "x", level=written)


def test_worse_levels_have_higher_ranks() -> None:
    written = ["trace", "D", "6", "notice", "Warn", "ERR", "FATAL", "alert", "0"]
    assert ranks(pl.Series(written)).to_list() == list(range(9))


def findings(rules: list[Rule], *tables: pl.DataFrame) -> list[Anomaly]:
    gathered = RuleFindings(rules)
    for table in tables:
        gathered.add(table)
    return gathered.anomalies(source_key="s", day=date(2026, 3, 2), model_version="")


def test_a_rule_is_one_anomaly_a_session_and_one_for_the_day_without() -> None:
    table = records(
        ("WARN", None, "bad", "a"),
        ("ERROR", None, "bad", "a"),
        ("INFO", None, "good", "a"),
        ("WARN", None, "bad", "b"),
        ("WARN", None, "bad", None),
        ("WARN", None, "bad", None),
    )
    found = {each.session: each for each in findings([rule(pattern="bad")], table)}
    assert {session: each.event_count for session, each in found.items()} == {"a": 2, "b": 1, None: 2}
    of_a = found["a"]
    assert (of_a.where.line_no, of_a.details["first"]["line_no"]) == (2, 1), "it leads to the worst by level"
    assert (of_a.first_time, of_a.last_time) == (NOON, NOON + timedelta(minutes=1))
    assert of_a.template_id == "k1"
    assert of_a.details["severity"] == 70
    assert "2 records of this session" in of_a.reason


def test_at_least_counts_a_session_over_all_tables() -> None:
    table = records(("WARN", None, "bad", "a"), ("WARN", None, "bad", "b"))
    more = records(("WARN", None, "bad", "a"))
    assert [each.session for each in findings([rule(pattern="bad", at_least=2)], table, more)] == ["a"]


def test_records_of_sessions_beyond_the_bound_are_counted_with_the_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rule_findings, "SESSIONS_PER_RULE", 3)
    table = records(*[("WARN", None, "bad", f"s{number}") for number in range(10)])
    found = findings([rule(pattern="bad")], table)
    assert len(found) == 4
    assert sum(each.event_count for each in found) == 10


@given(
    st.lists(st.tuples(st.sampled_from(["bad", "good"]), st.sampled_from(["a", "b", None])), min_size=1),
    st.integers(1, 5),
)
def test_how_the_day_is_cut_into_tables_changes_nothing(
    rows: list[tuple[str, str | None]], size: int
) -> None:
    table = records(*[("WARN", None, message, session) for message, session in rows])
    pieces = [table.slice(first, size) for first in range(0, len(rows), size)]
    assert findings([rule(pattern="bad")], *pieces) == findings([rule(pattern="bad")], table)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out-of-memory", "Out of memory: Killed process 4242 (java) total-vm:8123kB"),
        ("out-of-memory", "java.lang.OutOfMemoryError: Java heap space"),
        ("disk-full", "write error: No space left on device"),
        ("disk-failing", "blk_update_request: I/O error, dev sda, sector 12345"),
        ("read-only-filesystem", "EXT4-fs (sda1): Remounting filesystem read-only"),
        ("kernel-panic", "Kernel panic - not syncing: Fatal exception"),
        ("segfault", "nginx[31]: segfault at 0 ip 00007f sp 00007e error 4"),
        ("deadlock", "ERROR: deadlock detected"),
        ("deadlock", "INFO: task kworker:12 blocked for more than 120 seconds."),
        ("certificate-expired", "x509: certificate has expired or is not yet valid"),
        ("file-handles-used-up", "accept: Too many open files"),
    ],
)
def test_shipped_rules_find_what_they_are_for(name: str, message: str) -> None:
    shipped = {each.name: each for each in read_rules(SHIPPED)}
    assert holds(shipped[name], message)


def test_shipped_rules_are_silent_on_ordinary_lines() -> None:
    ordinary = records(
        ("INFO", "dfs.DataNode", "Receiving block blk_1 src: /10.0.0.1:5 dest: /10.0.0.2:6", None),
        ("WARN", "gateway", "connection from 10.0.0.3 refused: 600 requests a minute exceeded", None),
        ("INFO", "db", "no deadlocks; memory 40% in use; certificate valid until 2027", None),
        ("ERROR", "job", "request failed with status 500", None),
    )
    rules = read_rules(SHIPPED)
    found = [
        each.name for each, matched in zip(rules, matches(rules, ordinary), strict=True) if matched.any()
    ]
    assert found == []
    assert all(linear(each.pattern) for each in rules if each.pattern)
