"""Sessions, windows and streams by example."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pyarrow as pa
import pytest

from deeplog_ops import schemas
from deeplog_ops.config import Sessions
from deeplog_ops.records import DayBounds
from deeplog_ops.sequences.identify import session_ids
from deeplog_ops.sequences.sessions import build
from tests.unit.sequences.event_rows import ORIGIN, SCHEMA, Row, at, events

BY_ID = Sessions(by="identifier", pattern="x", idle_timeout=timedelta(hours=1), longest=timedelta(hours=24))
DAY = 1440


def day(number: int, how: Sessions, zone: str = "UTC") -> DayBounds:
    return DayBounds.of(ORIGIN.date() + timedelta(days=number), zone, how.lookback)


def built(rows: list[Row], how: Sessions = BY_ID, number: int = 0, zone: str = "UTC") -> list[dict]:
    bounds = day(number, how, zone)
    seen = pl.col("time").is_null() | pl.col("time").is_between(bounds.view_start, bounds.end, closed="left")
    return build(events(rows).filter(seen), how, bounds).to_pylist()


def keys(pieces: list[dict]) -> list[tuple[str, str]]:
    return [(piece["session"], "".join(piece["keys"])) for piece in pieces]


def test_interleaved_sessions_come_apart_in_the_order_of_their_names() -> None:
    pieces = built([("b", 1, "p"), ("a", 2, "x"), ("b", 3, "q"), (None, 4, "z"), ("a", 5, "y")])
    assert keys(pieces) == [("a", "xy"), ("b", "pq")]
    assert [piece["line_nos"] for piece in pieces] == [[2, 5], [1, 3]]
    assert pieces[0]["byte_offsets"] == [100, 400]
    assert (pieces[0]["first_time"], pieces[0]["last_time"], pieces[0]["closed_at"]) == (at(2), at(5), at(65))
    assert pieces[0]["times"] == [at(2), at(5)]
    assert (pieces[0]["judged"], pieces[0]["open"], pieces[0]["piece"]) == (True, False, 0)


def test_a_name_that_comes_again_after_the_timeout_is_another_session() -> None:
    assert keys(built([("a", 0, "x"), ("a", 60, "y"), ("a", 121, "z")])) == [("a", "xy"), ("a", "z")]


def test_a_session_across_midnight_is_open_on_the_first_day_and_whole_on_the_second() -> None:
    rows: list[Row] = [("a", DAY - 10, "x"), ("a", DAY + 10, "y")]
    (first,), (second,) = built(rows), built(rows, number=1)
    assert (first["open"], first["judged"], first["keys"]) == (True, False, ["x"])
    assert (second["open"], second["judged"], second["keys"]) == (False, True, ["x", "y"])
    assert built(rows, number=2) == []


def test_a_session_that_is_over_at_the_very_end_of_the_day_belongs_to_the_next() -> None:
    rows: list[Row] = [("a", DAY - 60, "x")]
    assert [piece["judged"] for piece in built(rows)] == [False]
    assert [piece["judged"] for piece in built(rows, number=1)] == [True]
    earlier: list[Row] = [("a", DAY - 60.001, "x")]
    assert [piece["judged"] for piece in built(earlier)] == [True]
    assert built(earlier, number=1) == []


def test_equal_times_keep_the_order_of_the_lines() -> None:
    assert keys(built([("a", 5, "x"), ("a", 5, "y"), ("a", 5, "z"), ("a", 1, "w")])) == [("a", "wxyz")]


def test_equal_times_in_two_files_go_by_the_order_column() -> None:
    older, newer = events([("a", 5, "x"), ("a", 5, "y")], file_id="z"), events([("a", 5, "p")], file_id="b")
    frame = pl.concat([older, newer]).with_row_index("order")
    (piece,) = build(frame.reverse(), BY_ID, day(0, BY_ID)).to_pylist()
    assert ("".join(piece["keys"]), piece["file_ids"]) == ("xyp", ["z", "z", "b"])


def test_a_long_session_is_cut_at_fixed_clock_times_with_a_number_for_each() -> None:
    how = Sessions(by="identifier", pattern="x", idle_timeout=timedelta(hours=1), longest=timedelta(hours=6))
    pieces = built([("a", minute, "x") for minute in range(50, 900, 50)], how)
    assert [len(piece["keys"]) for piece in pieces] == [7, 7, 3]
    assert [piece["piece"] - pieces[0]["piece"] for piece in pieces] == [0, 1, 2]
    assert [piece["closed_at"] for piece in pieces] == [at(50 + 360 + 60), at(700 + 60), at(850 + 60)]


@pytest.mark.parametrize(("number", "hours"), [(1, 24), (2, 23), (3, 24)])
def test_a_day_on_which_the_clocks_change_has_its_own_windows(number: int, hours: int) -> None:
    how = Sessions(by="window", width=timedelta(hours=1))
    rows: list[Row] = [("all", minute, "x") for minute in range(0, 5 * DAY, 15)]
    pieces = built(rows, how, number, "Europe/Berlin")
    assert sum(piece["judged"] for piece in pieces) == hours


def test_a_window_that_ends_at_midnight_is_judged_on_the_day_it_covers() -> None:
    how = Sessions(by="stream", width=timedelta(hours=24))
    pieces = built([("s", minute, "x") for minute in range(-DAY, 2 * DAY, 60)], how)
    assert [(piece["judged"], len(piece["keys"])) for piece in pieces] == [(True, 24)]
    assert pieces[0]["closed_at"] == at(DAY) - timedelta(microseconds=1)


def test_sliding_windows_have_the_name_of_their_group_and_start() -> None:
    how = Sessions(by="window", fields=("host",), width=timedelta(minutes=20), step=timedelta(minutes=10))
    pieces = built([("web", 25, "x"), ("web", 35, "y"), ("db", 25, "z")], how)
    assert keys(pieces) == [
        ("db 2026-03-27T00:10:00Z", "z"),
        ("db 2026-03-27T00:20:00Z", "z"),
        ("web 2026-03-27T00:10:00Z", "x"),
        ("web 2026-03-27T00:20:00Z", "xy"),
        ("web 2026-03-27T00:30:00Z", "y"),
    ]


@pytest.mark.parametrize("by", ["identifier", "stream"])
def test_events_without_a_time_keep_their_order_and_are_over_at_the_end_of_their_day(by: str) -> None:
    how = Sessions(by=by, pattern="x")  # type: ignore[arg-type]
    first, second = built([("b", None, "x"), ("a", None, "y"), ("b", None, "z"), ("b", 3, "w")], how)[-2:]
    assert (first["session"], first["keys"]) == ("a", ["y"])
    assert (second["session"], second["keys"]) == ("b", ["x", "z"])
    for piece in (first, second):
        assert (piece["judged"], piece["open"], piece["piece"]) == (True, False, 0)
        assert piece["first_time"] is piece["last_time"] is piece["closed_at"] is None
        assert set(piece["times"]) == {None}


@pytest.mark.parametrize(
    "how", [BY_ID, Sessions(by="stream"), Sessions(by="window", step=timedelta(minutes=10))]
)
def test_a_day_without_events_has_no_sessions(how: Sessions) -> None:
    table = build(pl.DataFrame(schema=SCHEMA), how, day(0, how))
    assert table.schema == schemas.SESSIONS
    assert table.num_rows == 0
    assert build(events([(None, 5, "x")]), how, day(0, how)).num_rows == 0


def test_equal_sequences_share_an_id_that_never_changes() -> None:
    pieces = built([("a", 1, "x"), ("a", 2, "y"), ("b", 3, "x"), ("b", 4, "y"), ("c", 5, "xy")])
    ids = [piece["sequence_id"] for piece in pieces]
    assert ids[0] == ids[1] == "6005894c627081459cc0" != ids[2]


def test_the_table_is_one_that_the_lake_takes() -> None:
    table = build(events([("a", 1, "x")]), BY_ID, day(0, BY_ID))
    assert table.schema == schemas.SESSIONS
    table.validate(full=True)


def test_windows_and_streams_work_from_raw_lines_on() -> None:
    how = Sessions(by="stream", fields=("host",), width=timedelta(hours=1))
    lines = events([("", 10, "x"), ("", 70, "y"), ("", 20, "z")]).with_columns(
        pl.Series("host", ["web", "web", "db"])
    )
    lines = lines.with_columns(session=session_ids(lines, how))
    table: pa.Table = build(lines, how, DayBounds.of(date(2026, 3, 27), "UTC", how.lookback))
    assert keys(table.to_pylist()) == [
        ("db 2026-03-27T00:00:00Z", "z"),
        ("web 2026-03-27T00:00:00Z", "x"),
        ("web 2026-03-27T01:00:00Z", "y"),
    ]
