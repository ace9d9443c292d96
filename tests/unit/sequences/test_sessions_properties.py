"""The rule of closing, against a plain implementation, over any events and any days."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deeplog_ops.config import Sessions
from deeplog_ops.records import DayBounds
from deeplog_ops.sequences.sessions import build
from tests.unit.sequences.event_rows import ORIGIN, Row, events

DAY = 1440
DAYS = 5  # the third, 29 March 2026, has 23 hours in Berlin
IDENTITY = ["session", "piece", "first_time", "last_time", "closed_at", "sequence_id", "keys", "line_nos"]

# Times on a coarse grid, so that equal times and gaps of exactly the timeout are common.
minutes = st.integers(0, 5 * DAY // 10).map(lambda tens: 10 * tens) | st.integers(0, 5 * DAY)
sparse = st.lists(st.tuples(st.sampled_from("ab"), minutes, st.sampled_from("xyz")), max_size=60)


@st.composite
def dense(draw: st.DrawFn) -> list[Row]:
    """Long chains: walks of which most gaps are within the timeout."""
    rows: list[Row] = []
    for name in "ab":
        minute = draw(st.integers(0, DAY))
        for gap in draw(st.lists(st.sampled_from([0, 5, 30, 55, 59, 60, 60, 60, 61, 200]), max_size=60)):
            minute += gap
            if minute < DAYS * DAY:
                rows.append((name, minute, draw(st.sampled_from("xyz"))))
    return draw(st.permutations(rows))


by_identifier = st.builds(
    lambda idle, longest: Sessions(
        by="identifier", pattern="x", idle_timeout=timedelta(minutes=idle), longest=timedelta(minutes=longest)
    ),
    st.sampled_from([10, 60]),
    st.sampled_from([60, 7 * 60, DAY]),
)
by_window = st.builds(
    lambda width, parts: Sessions(
        by="window", width=timedelta(minutes=width), step=timedelta(minutes=width) / parts if parts else None
    ),
    st.sampled_from([30, 60, 7 * 60, DAY]),
    st.sampled_from([None, 1, 2, 3]),
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"])


def days_of(rows: list[Row], how: Sessions, zone: str) -> list[pa.Table]:
    frame, tables = events(rows), []
    for number in range(-1, DAYS + 3):
        bounds = DayBounds.of(ORIGIN.date() + timedelta(days=number), zone, how.lookback)
        view = frame.filter(pl.col("time").is_between(bounds.view_start, bounds.end, closed="left"))
        tables.append(build(view, how, bounds))
    return tables


def over_everything(rows: list[Row], how: Sessions) -> pa.Table:
    far = timedelta(days=400)
    return build(events(rows), how, DayBounds(ORIGIN.date(), ORIGIN - far, ORIGIN - far, ORIGIN + far))


def identities(tables: list[pa.Table]) -> list[str]:
    return sorted(str(row) for table in tables for row in table.select(IDENTITY).to_pylist())


LONG_CHAIN: list[Row] = [("a", minute, "x") for minute in range(20, 4 * DAY, 55)]
SEEN_TOO_LATE: list[Row] = [
    ("a", minute, "x") for minute in [*range(1420, 2 * DAY + 1415, 55), 2 * DAY + 1415, 3 * DAY + 5]
]


@given(rows=sparse | dense(), how=by_identifier | by_window, zone=zones)
@example(LONG_CHAIN, Sessions(by="identifier", pattern="x"), "UTC")
@example(LONG_CHAIN, Sessions(by="identifier", pattern="x"), "Europe/Berlin")
@example(SEEN_TOO_LATE, Sessions(by="identifier", pattern="x"), "UTC")
@settings(max_examples=300, deadline=None)
def test_every_piece_is_judged_on_exactly_one_day_as_one_build_over_everything_has_it(
    rows: list[Row], how: Sessions, zone: str
) -> None:
    judged = [table.filter(table["judged"]) for table in days_of(rows, how, zone)]
    assert identities(judged) == identities([over_everything(rows, how)])


@given(rows=sparse | dense(), how=by_identifier)
@settings(max_examples=200, deadline=None)
def test_the_pieces_are_those_of_the_rule_written_plainly(rows: list[Row], how: Sessions) -> None:
    found = [
        (row["session"], row["piece"], row["closed_at"], tuple(row["line_nos"]), "".join(row["keys"]))
        for row in over_everything(rows, how).to_pylist()
    ]
    assert found == plain_pieces(rows, how)


def plain_pieces(rows: list[Row], how: Sessions) -> list[tuple]:
    idle, longest = how.idle_timeout, how.longest
    lines = [
        (name, ORIGIN + timedelta(minutes=minute), line, key)
        for line, (name, minute, key) in enumerate(rows, 1)
    ]
    pieces = []
    for name in sorted({line[0] for line in lines}):
        chains: list[list[tuple]] = []
        for line in sorted(line for line in lines if line[0] == name):
            if chains and line[1] - chains[-1][-1][1] <= idle:
                chains[-1].append(line)
            else:
                chains.append([line])
        for chain in chains:
            start, cut = chain[0][1], chain[-1][1] - chain[0][1] > longest
            cells: dict[int, list[tuple]] = {}
            for line in chain:
                number = int(line[1].timestamp() // longest.total_seconds()) if cut else 0
                cells.setdefault(number, []).append(line)
            for number, piece in cells.items():
                over = max(piece[-1][1], start + longest) if cut else piece[-1][1]
                keys = "".join(line[3] for line in piece)
                pieces.append((name, number, over + idle, tuple(line[2] for line in piece), keys))
    return pieces


@given(rows=sparse | dense(), how=by_identifier | by_window, data=st.data())
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_rows_does_not_matter(rows: list[Row], how: Sessions, data: st.DataObject) -> None:
    bounds = DayBounds.of(ORIGIN.date() + timedelta(days=2), "UTC", how.lookback)
    frame = events(rows).filter(pl.col("time").is_between(bounds.view_start, bounds.end, closed="left"))
    shuffled = frame[data.draw(st.permutations(range(len(frame))))] if len(frame) else frame
    assert build(shuffled, how, bounds).equals(build(frame, how, bounds))


@given(rows=sparse, width=st.sampled_from([30, 60, 420]), parts=st.sampled_from([1, 2, 3]))
@settings(max_examples=100, deadline=None)
def test_an_event_is_in_every_window_that_covers_it_and_in_no_other(
    rows: list[Row], width: int, parts: int
) -> None:
    span, step = timedelta(minutes=width), timedelta(minutes=width) / parts
    how = Sessions(by="window", width=span, step=step)
    found = {
        (row["session"], row["closed_at"], line)
        for row in over_everything(rows, how).to_pylist()
        for line in row["line_nos"]
    }
    assert len({(closed, line) for _, closed, line in found}) == len(rows) * parts
    for _, closed, line in found:
        minute = rows[line - 1][1]
        assert minute is not None
        over = closed + timedelta(microseconds=1)
        assert over - span <= ORIGIN + timedelta(minutes=minute) < over
        assert ((over - span).timestamp() / step.total_seconds()).is_integer()
