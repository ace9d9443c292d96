from __future__ import annotations

from datetime import timedelta

import polars as pl

from deeplog_ops.config import Sessions
from deeplog_ops.records import DayBounds
from deeplog_ops.sequences.parameter_sample import SeriesSample
from deeplog_ops.sequences.parameter_series import SERIES, of_sessions, without_session
from deeplog_ops.sequences.sessions import build
from tests.unit.sequences.event_rows import ORIGIN, events

BY_FIELD = Sessions(
    by="field", fields=("host",), idle_timeout=timedelta(minutes=30), longest=timedelta(hours=4)
)
BOUNDS = DayBounds.of(ORIGIN.date(), "UTC", BY_FIELD.lookback)


def with_values(frame: pl.DataFrame) -> pl.DataFrame:
    """Row i has the number i, and a name."""
    values = [["x", str(i)] for i in range(len(frame))]
    numbers = [[None, float(i)] for i in range(len(frame))]
    return frame.with_columns(
        pl.Series("parameters", values, pl.List(pl.String)),
        pl.Series("numbers", numbers, pl.List(pl.Float64)),
    )


def series(rows: list, settings: Sessions = BY_FIELD, resolve=lambda key: key) -> pl.DataFrame:
    frame = with_values(events(rows))
    return of_sessions(frame, build(frame.drop("parameters", "numbers"), settings, BOUNDS), resolve)


def test_an_event_has_its_numbers_and_the_seconds_since_the_one_before_it_in_its_session() -> None:
    found = series([("a", 0, "open"), ("b", 1, "open"), ("a", 2, "read"), ("b", 1.5, "close")])
    assert dict(found.schema) == SERIES
    assert found.select("session", "key", "previous", "elapsed").rows() == [
        ("a", "open", None, None),
        ("a", "read", "open", 120.0),
        ("b", "open", None, None),
        ("b", "close", "open", 30.0),
    ]
    assert found["numbers"].list.get(1).to_list() == [0.0, 2.0, 1.0, 3.0]


def test_where_lines_have_no_times_no_time_elapses() -> None:
    found = series([("a", None, "open"), ("a", None, "read")])
    assert found["elapsed"].to_list() == [None, None]
    assert found["previous"].to_list() == [None, "open"]


def test_aliases_are_resolved_in_key_and_previous() -> None:
    found = series([("a", 0, "old"), ("a", 1, "read")], resolve=lambda key: {"old": "open"}.get(key, key))
    assert found.select("key", "previous").rows() == [("open", None), ("read", "open")]


def test_sessions_that_another_day_judges_are_left_to_it() -> None:
    late = 24 * 60 - 1
    assert series([("a", late, "open"), ("b", 5, "open")])["session"].to_list() == ["b"]


def test_an_event_of_two_sliding_windows_is_read_once() -> None:
    sliding = Sessions(by="window", width=timedelta(minutes=60), step=timedelta(minutes=30))
    found = series([("all", 40, "open"), ("all", 50, "read"), ("all", 70, "read")], sliding)
    assert sorted(found["line_no"].to_list()) == [1, 2, 3]


def test_events_without_a_session_are_units_of_their_own_on_the_day_of_their_time() -> None:
    frame = with_values(events([(None, -5, "beat"), (None, 5, "beat"), ("a", 6, "open"), (None, 7, "beat")]))
    found = without_session(frame, BOUNDS, lambda key: key)
    assert found.select("unit", "line_no", "elapsed", "session").rows() == [
        (0, 2, None, None),
        (1, 4, None, None),
    ]


def test_no_events_give_no_rows() -> None:
    empty = with_values(events([]))
    assert not len(series([]))
    assert not len(without_session(empty, BOUNDS, lambda key: key))
    sample = SeriesSample()
    sample.add(series([]))
    assert not len(sample.rows())


def many(first: int, sessions: int) -> pl.DataFrame:
    rows: list = []
    for number in range(first, first + sessions):
        rows += [(f"s{number}", number / 1000, "open"), (f"s{number}", number / 1000 + 0.01, "close")]
        if number % 50 == 0:
            rows.append((f"s{number}", number / 1000 + 0.02, "rare"))
    return series(rows).with_columns(pl.lit(f"f{first}").alias("file_id"))


def test_a_sample_is_bounded_keeps_sessions_whole_and_every_event_of_a_rare_template() -> None:
    sample = SeriesSample(limit=40)
    sample.add(many(0, 500))
    kept = sample.rows()
    counts = dict(kept.group_by("key").len().iter_rows())
    assert counts["rare"] == 10
    assert 40 <= counts["open"] <= 50
    assert counts["open"] == counts["close"]
    assert sample.units == {True: 500, False: 0}
    assert kept.n_unique(["unit", "session"]) == kept["unit"].n_unique() == kept["session"].n_unique()
    assert kept.select(list(SERIES)).schema == SERIES


def test_a_sample_does_not_depend_on_the_order_in_which_shards_come() -> None:
    shards = [many(0, 200), many(200, 200), many(400, 200)]
    one, other = SeriesSample(limit=30, seed=3), SeriesSample(limit=30, seed=3)
    for shard in shards:
        one.add(shard)
    for shard in reversed(shards):
        other.add(shard)
    assert one.rows().equals(other.rows())
    third = SeriesSample(limit=30, seed=4)
    third.add(pl.concat(shard.with_columns(pl.col("unit") + 1000 * i) for i, shard in enumerate(shards)))
    assert not third.rows()["session"].equals(one.rows()["session"])
