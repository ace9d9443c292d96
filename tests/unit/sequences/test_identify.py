"""Which session a line belongs to, and which bucket a session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.config import Sessions
from deeplog_ops.errors import ConfigError
from deeplog_ops.sequences.buckets import bucket_of
from deeplog_ops.sequences.identify import session_ids

COLUMNS = ("message", "raw", "host", "component", "pid", "thread", "level", "fields")
SCHEMA: dict = dict.fromkeys(COLUMNS, pl.String) | {"time": pl.Datetime("us", "UTC")}


def lines(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame([{"message": "", "raw": "", **row} for row in rows], schema=SCHEMA)


def named(how: Sessions, *rows: dict) -> list[str | None]:
    return session_ids(lines(*rows), how).to_list()


def by_pattern(pattern: str, *messages: str) -> list[str | None]:
    return named(Sessions(by="identifier", pattern=pattern), *({"message": message} for message in messages))


def test_the_first_group_names_the_session_and_without_groups_all_of_the_match() -> None:
    assert by_pattern(r"blk_(-?\d+)", "got blk_-5 from blk_6", "none") == ["-5", None]
    assert by_pattern(r"blk_-?\d+", "got blk_-5", "blk_6") == ["blk_-5", "blk_6"]
    assert by_pattern(r"(?:id|req)=(?P<session>\w+)", "id=a", "req=b") == ["a", "b"]


def test_of_two_alternatives_the_one_that_took_part_names_the_session() -> None:
    assert by_pattern(r"instance (\w+)|block (\d+)", "instance ab", "block 12") == ["ab", "12"]


def test_the_record_is_searched_where_the_message_has_no_identifier() -> None:
    how = Sessions(by="identifier", pattern=r"\[(req-\d)\]")
    rows = [
        {"message": "a [req-1]", "raw": "x [req-9] a [req-1]"},
        {"message": "b", "raw": "x [req-2] b"},
        {"raw": "c"},
    ]
    assert named(how, *rows) == ["req-1", "req-2", None]


def test_a_pattern_with_look_around_is_refused_with_what_is_accepted() -> None:
    with pytest.raises(ConfigError, match=r"sessions\.pattern.*without look-around"):
        by_pattern(r"(?=id)\w+", "id5")


def test_fields_are_columns_or_stand_in_the_other_fields() -> None:
    rows = [
        {"host": "web", "pid": "7", "fields": '{"user": "ann", "a.b": 1, "it\'s": "q"}'},
        {"host": "web", "fields": '{"a": {"b": "deep"}, "user": null}'},
        {"pid": "7"},
    ]
    assert named(Sessions(by="field", fields=("host",)), *rows) == ["web", "web", None]
    assert named(Sessions(by="field", fields=("host", "pid")), *rows) == ["web|7", "web|", "|7"]
    assert named(Sessions(by="field", fields=("user",)), *rows) == ["ann", None, None]
    assert named(Sessions(by="field", fields=("a.b",)), *rows) == ["1", "deep", None]
    assert named(Sessions(by="field", fields=("it's",)), *rows) == ["q", None, None]


@given(st.lists(st.tuples(st.text("a|\\", max_size=4), st.text("a|\\", max_size=4)), min_size=1))
def test_different_values_never_share_a_name(pairs: list[tuple[str, str]]) -> None:
    names = named(
        Sessions(by="field", fields=("host", "pid")), *({"host": host, "pid": pid} for host, pid in pairs)
    )
    assert len(set(names)) == len(set(pairs))


def test_streams_and_windows_are_named_by_group_and_time() -> None:
    rows = [
        {"host": "web", "time": datetime(2026, 3, 1, 5, 59, tzinfo=UTC)},
        {"time": datetime(2026, 3, 1, 6, tzinfo=UTC)},
        {},
    ]
    six = timedelta(hours=6)
    for by in ("window", "stream"):
        plain, grouped = Sessions(by=by, width=six), Sessions(by=by, width=six, fields=("host",))  # type: ignore[arg-type]
        assert named(plain, *rows) == ["2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z", "all"]
        assert named(grouped, *rows) == ["web 2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z", "all"]
    sliding = Sessions(by="window", width=six, step=timedelta(hours=1), fields=("host",))
    assert named(sliding, *rows) == ["web", "all", "all"]


def test_no_lines_have_no_sessions() -> None:
    for how in (
        Sessions(by="identifier", pattern="(x)"),
        Sessions(by="stream"),
        Sessions(by="field", fields=("user",)),
    ):
        found = session_ids(lines(), how)
        assert (found.len(), found.dtype) == (0, pl.String)


def test_buckets_are_the_same_for_ever() -> None:
    names = pl.Series("session", ["blk_1", None, "blk_2", "blk_1", "", "größe"])
    assert bucket_of(names, 16).to_list() == [11, None, 1, 11, 0, 9]


def test_buckets_are_about_equally_full() -> None:
    buckets = bucket_of(pl.Series([f"req-{number:010x}" for number in range(16_000)]), 16)
    counts = buckets.value_counts()["count"]
    assert counts.len() == 16
    assert 800 < counts.min() <= counts.max() < 1200  # type: ignore[operator]


def test_a_single_bucket_and_no_sessions_are_fine() -> None:
    assert bucket_of(pl.Series(["a", "b"]), 1).to_list() == [0, 0]
    assert bucket_of(pl.Series([], dtype=pl.String), 4).len() == 0
    assert bucket_of(pl.Series([None], dtype=pl.String), 4).to_list() == [None]
