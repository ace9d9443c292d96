"""Events to pieces of sessions.

When a piece is over must be a pure rule, known to the day that judges it and agreed on by every other day,
although each day sees only the events in [view_start, end):

- Events of one name, by (time, file, line), are a chain while no gap exceeds `idle_timeout`.
- A chain no longer than `longest` is one piece, over at its last event + idle_timeout.
- A longer chain is cut where the clock passes multiples of `longest` since 1970 (UTC). A piece of it is over at
  max(its last event, the chain's start + longest) + idle_timeout: by then an event has come that makes the chain
  too long, and nothing more can come to the piece.
- Windows and stretches of a stream are over at their last microsecond, so one that ends at midnight is its own
  day's. Events without time stamps are one piece a session, over at the end of their day.

A piece is judged on the day that holds the instant it is over. Sessions.lookback, longest + 2 * idle_timeout, makes
this exact: of a chain that began before view_start an event is seen within idle_timeout of it, so that whatever ends
early enough to be judged is seen to be longer than `longest`, and is whole. With one timeout less, a chain of which
the beginning is not seen may look short enough to stay uncut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from deeplog_ops import schemas
from deeplog_ops.config import Sessions
from deeplog_ops.records import DayBounds, stable_id
from deeplog_ops.sequences.cells import cell_names, epoch_us, microseconds

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Pieces:
    """`order[offsets[i] : offsets[i + 1]]` are the event rows of piece i, in order."""

    order: Ints
    offsets: Ints
    number: Ints  # of the stretch of time it was cut to; 0 where not cut
    closed: Ints  # microseconds since 1970
    window: Ints | None = None  # start of the sliding window, microseconds since 1970

    def where(self, kept: npt.NDArray[np.bool_]) -> _Pieces:
        lengths = np.diff(self.offsets)
        window = None if self.window is None else self.window[kept]
        offsets = np.concatenate([[0], np.cumsum(lengths[kept])])
        return _Pieces(
            self.order[np.repeat(kept, lengths)], offsets, self.number[kept], self.closed[kept], window
        )


def build(events: pl.DataFrame, settings: Sessions, bounds: DayBounds) -> pa.Table:
    """One row (schemas.SESSIONS) a piece that was not over before the day began, by session and time.

    `events` are those of one bucket, in any order, with the columns of schemas.EVENTS; those without a session take no
    part. Those with a time lie in [view_start, end); those without one must be the day's own. Equal times go by an
    integer column `order`, where there is one, else by file_id and line_no.
    """
    events = events.filter(pl.col("session").is_not_null())
    ranks = {
        "session": _ranks(events["session"]),
        "place": _place(events),
        "line": events["line_no"].to_numpy(),
    }
    time = events["time"].dt.epoch("us")
    timed = time.is_not_null().to_numpy()
    rows = np.flatnonzero(timed)
    row_ranks = {name: rank[rows] for name, rank in ranks.items()}
    if settings.by in ("identifier", "field"):
        pieces = _chains(rows, time.drop_nulls().to_numpy(), row_ranks, settings)
    else:
        pieces = _windows(rows, time.drop_nulls().to_numpy(), row_ranks, settings)
    start, end = epoch_us(bounds.start), epoch_us(bounds.end)
    pieces = pieces.where(pieces.closed >= start)
    table = _table(events, pieces, pieces.closed >= end, settings)
    if timed.all():
        return table
    rows = np.flatnonzero(~timed)
    untimed = _untimed(rows, {name: rank[rows] for name, rank in ranks.items()})
    return pa.concat_tables([table, _table(events, untimed, None, settings)])


def _chains(rows: Ints, time: Ints, ranks: dict[str, Ints], settings: Sessions) -> _Pieces:
    idle, longest = microseconds(settings.idle_timeout), microseconds(settings.longest)
    order = _sorted(ranks["session"], time, ranks["place"], ranks["line"])
    session, time = ranks["session"][order], time[order]
    begins = _changes(session)
    begins[1:] |= np.diff(time) > idle
    first = np.flatnonzero(begins)
    chain = np.cumsum(begins) - 1
    start = time[first]
    last = time[_ends(first, len(time))]
    cut = (last - start > longest)[chain]
    number = np.where(cut, time // longest, 0)
    first = np.flatnonzero(begins | _changes(number))
    over = time[_ends(first, len(time))]
    over = np.where(cut[first], np.maximum(over, start[chain[first]] + longest), over) + idle
    return _Pieces(rows[order], np.append(first, len(time)), number[first], over)


def _windows(rows: Ints, time: Ints, ranks: dict[str, Ints], settings: Sessions) -> _Pieces:
    width = microseconds(settings.width)
    step = microseconds(settings.step) if settings.by == "window" and settings.step else width
    newest = time // step
    copies = newest - (time - width) // step  # an event is in the windows of the last so many steps
    of = np.repeat(np.arange(len(time)), copies)
    back = np.arange(len(of)) - np.repeat(np.cumsum(copies) - copies, copies)
    window = (newest[of] - back) * step
    order = _sorted(ranks["session"][of], window, time[of], ranks["place"][of], ranks["line"][of])
    of, window = of[order], window[order]
    first = np.flatnonzero(_changes(ranks["session"][of]) | _changes(window))
    starts = window[first]
    sliding = starts if step != width else None
    return _Pieces(rows[of], np.append(first, len(of)), np.zeros_like(first), starts + width - 1, sliding)


def _untimed(rows: Ints, ranks: dict[str, Ints]) -> _Pieces:
    order = _sorted(ranks["session"], ranks["place"], ranks["line"])
    first = np.flatnonzero(_changes(ranks["session"][order]))
    return _Pieces(rows[order], np.append(first, len(rows)), np.zeros_like(first), np.zeros_like(first))


def _table(
    events: pl.DataFrame, pieces: _Pieces, still_open: npt.NDArray[np.bool_] | None, settings: Sessions
) -> pa.Table:
    """`still_open` is None for pieces without time stamps: they are over, and judged."""
    events = events[pl.Series(pieces.order)] if len(pieces.order) else events.clear()
    offsets = pa.array(pieces.offsets, pa.int32())
    first = pieces.offsets[:-1]
    lists = {
        name: pa.ListArray.from_arrays(
            offsets, _arrow(events[column], schemas.SESSIONS.field(name).type.value_type)
        )
        for name, column in _LISTS.items()
    }
    names = events["session"][pl.Series(first)] if len(first) else events["session"]
    if pieces.window is not None:
        group = pl.when(pl.col("group") == "all").then(pl.lit("")).otherwise("group")
        frame = pl.DataFrame({"group": names, "window": pieces.window})
        names = frame.select(cell_names(pl.col("window"), group, settings.width)).to_series()
    times = lists["times"].values
    count = len(first)
    is_open = np.zeros(count, dtype=bool) if still_open is None else still_open
    closed = pa.array(pieces.closed, pa.int64()).cast(schemas.TIME)
    return pa.table(
        {
            "session": _arrow(names, pa.string()),
            "piece": pa.array(pieces.number, pa.int32()),
            "first_time": times.take(pa.array(first)),
            "last_time": times.take(pa.array(pieces.offsets[1:] - 1)),
            "closed_at": pa.nulls(count, schemas.TIME) if still_open is None else closed,
            "open": pa.array(is_open),
            "judged": pa.array(~is_open),
            "sequence_id": _sequence_ids(lists["keys"]),
            **lists,
        },
        schema=schemas.SESSIONS,
    )


_LISTS = {
    "keys": "key",
    "times": "time",
    "file_ids": "file_id",
    "line_nos": "line_no",
    "byte_offsets": "byte_offset",
}


def _sequence_ids(keys: pa.ListArray) -> pa.Array:
    """A hash of the keys and their number, which is computed once for each distinct sequence."""
    joined = pc.binary_join(keys, "\n").dictionary_encode()
    ids = [stable_id("sequence", text) for text in joined.dictionary.to_pylist()]
    return pa.array(ids, pa.string()).take(joined.indices)


def _ranks(names: pl.Series) -> Ints:
    """Integers in the order of the names. Only the distinct ones are sorted, and compared as text."""
    codes = _arrow(names, pa.string()).dictionary_encode()
    order = pc.array_sort_indices(codes.dictionary).to_numpy()
    rank = np.empty_like(order, dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes.indices.to_numpy()]


def _place(events: pl.DataFrame) -> Ints:
    """What decides between equal times, beside the line's number."""
    if "order" in events.columns:
        return events["order"].cast(pl.Int64).to_numpy()
    return _ranks(events["file_id"])


def _sorted(*keys: Ints) -> Ints:
    """The rows in the order of the keys, the first the most important."""
    frame = pl.DataFrame({str(place): key for place, key in enumerate(keys)})
    return frame.select(pl.arg_sort_by(frame.columns)).to_series().cast(pl.Int64).to_numpy()


def _changes(values: Ints) -> npt.NDArray[np.bool_]:
    """Where a value differs from the one before; the first always does."""
    changes = np.ones(len(values), dtype=bool)
    changes[1:] = values[1:] != values[:-1]
    return changes


def _ends(first: Ints, count: int) -> Ints:
    """The last place of each run, given the first."""
    return np.append(first[1:], count)[: len(first)] - 1


def _arrow(column: pl.Series, dtype: pa.DataType) -> pa.Array:
    array = column.to_arrow()
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.cast(dtype)
