"""Files of keys to arrays that a detector learns from, in the habit of the `deeplog` and `deepcase` packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deeplog_ops.errors import InputError
from deeplog_ops.keyed.forms import EVENT_COLUMNS, TIMEOUT, Form
from deeplog_ops.keyed.readers import read_keyed
from deeplog_ops.keyed.sessions import KeyedSessions
from deeplog_ops.keyed.values import label_of, time_of

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
Ints = NDArray[np.int64]
Preprocessed = tuple[Ints, Ints, Ints | None, dict[int, Any]]
"""context (N, length), events (N,), labels (N,) or None, mapping from the integers to the keys."""

NO_EVENT = -1337  # the value that those packages give to the place of an event that is not there


class Preprocessor:
    """Events with the `length` events before each, of the same machine and no more than `timeout` seconds older.

    Keys become integers 0..n-1 in the order of the keys, and one more stands in contexts where no event was:
    mapping[n] is NO_EVENT. Sequences of text have no times, so no timeout applies to them.
    Each reader takes `nrows` (so many rows, lines or entries), `labels` (one integer for all events, or one
    each; instead of the file's own), `verbose` (print what was read) and `mapping` (that of an earlier call:
    keys it does not have are added at its end).
    """

    def __init__(self, length: int, timeout: float | None = TIMEOUT, no_event: Any = NO_EVENT) -> None:
        if length < 1:
            raise InputError(f"length is {length}: a context of 1 event or more is expected")
        self.length = length
        self.timeout = timeout
        self.no_event = no_event

    def csv(
        self,
        path: str | Path,
        nrows: int | None = None,
        labels: int | ArrayLike | None = None,
        verbose: bool = False,
        mapping: Mapping[int, Any] | None = None,
    ) -> Preprocessed:
        """CSV with timestamp,event,machine[,label], or with session,keys[,label]."""
        return self._read(path, "csv", nrows, labels, verbose, mapping)

    def text(
        self,
        path: str | Path,
        nrows: int | None = None,
        labels: int | ArrayLike | None = None,
        verbose: bool = False,
        mapping: Mapping[int, Any] | None = None,
    ) -> Preprocessed:
        """One sequence a line, keys with spaces between."""
        return self._read(path, "text", nrows, labels, verbose, mapping)

    def json(
        self,
        path: str | Path,
        nrows: int | None = None,
        labels: int | ArrayLike | None = None,
        verbose: bool = False,
        mapping: Mapping[int, Any] | None = None,
    ) -> Preprocessed:
        """One array of records {timestamp, event, machine[, label]}, of sequences, or of {"keys": [...]}."""
        return self._read(path, "json", nrows, labels, verbose, mapping)

    def ndjson(
        self,
        path: str | Path,
        nrows: int | None = None,
        labels: int | ArrayLike | None = None,
        verbose: bool = False,
        mapping: Mapping[int, Any] | None = None,
    ) -> Preprocessed:
        """The same, one a line."""
        return self._read(path, "ndjson", nrows, labels, verbose, mapping)

    def sequence(
        self,
        data: pd.DataFrame,
        labels: int | ArrayLike | None = None,
        verbose: bool = False,
        mapping: Mapping[int, Any] | None = None,
    ) -> Preprocessed:
        """A frame with the columns timestamp (seconds, or times), event, machine and perhaps label.

        Rows keep their order; of equal times the earlier row is the earlier event. The frame stays as it is.
        InputError names the first row that lacks something, or whose time or label is none.
        """
        missing = [name for name in EVENT_COLUMNS if name not in data.columns]
        if missing:
            raise InputError(
                f"the frame lacks {', '.join(missing)}: {', '.join(EVENT_COLUMNS)} and perhaps label are expected"
            )
        for name in EVENT_COLUMNS:
            _refuse(data[name].isna().to_numpy(bool), data[name], "nothing is there, a value is expected")
        events = data["event"].tolist()
        known = self._mapping(events, mapping)
        numbers = {key: number for number, key in known.items()}
        encoded = np.fromiter((numbers[key] for key in events), np.int64, len(events))
        machine = _groups(data["machine"].tolist())
        context = self._context(encoded, _seconds(data["timestamp"]), machine, numbers[self.no_event])
        if verbose:
            print(
                f"{len(events):,} events of {len(set(machine.tolist())):,} machines, {len(known) - 1:,} keys"
            )
        own = _labels(data["label"]) if "label" in data.columns else None
        return context, encoded, own if labels is None else _given(labels, len(events)), known

    def _read(
        self,
        path: str | Path,
        form: Form,
        nrows: int | None,
        labels: int | ArrayLike | None,
        verbose: bool,
        mapping: Mapping[int, Any] | None,
    ) -> Preprocessed:
        read = read_keyed(path, form, nrows)
        if isinstance(read, KeyedSessions):
            return Preprocessor(self.length, None, self.no_event).sequence(
                _frame(read), labels, verbose, mapping
            )
        return self.sequence(read, labels, verbose, mapping)

    def _mapping(self, events: list[Any], given: Mapping[int, Any] | None) -> dict[int, Any]:
        found = set(events)
        if self.no_event in found:
            raise InputError(f"{self.no_event!r} is a key of the data: choose another no_event")
        known = dict(given or {})
        if sorted(known) != list(range(len(known))):
            raise InputError("a mapping numbers its keys 0, 1, 2, ...: this one does not")
        missing = found - set(known.values())
        for key in [*sorted(missing, key=lambda key: (str(type(key)), key)), self.no_event]:
            if key != self.no_event or key not in known.values():
                known[len(known)] = key
        return known

    def _context(self, events: Ints, time: NDArray[np.float64], machine: Ints, padding: int) -> Ints:
        order = np.lexsort((np.arange(len(time)), time, machine))
        events, time, machine = events[order], time[order], machine[order]
        context = np.full((len(order), self.length), padding, np.int64)
        for back in range(1, min(self.length, len(order) - 1) + 1):
            near = machine[back:] == machine[:-back]
            if self.timeout is not None:
                near &= time[back:] - time[:-back] <= self.timeout
            context[order[back:][near], self.length - back] = events[:-back][near]
        return context


def _frame(sessions: KeyedSessions) -> pd.DataFrame:
    """Events in their order, with their place as their time; an event has its session's label."""
    import pandas as pd

    lengths = [len(keys) for keys in sessions.keys]
    frame = pd.DataFrame(
        {
            "timestamp": np.arange(sum(lengths), dtype=float),
            "event": pd.Series([key for keys in sessions.keys for key in keys], dtype=object),
            "machine": np.repeat(np.arange(len(lengths)), lengths),
        }
    )
    return frame if sessions.labels is None else frame.assign(label=np.repeat(sessions.labels, lengths))


def _labels(column: pd.Series) -> Ints:
    if column.dtype.kind in "bi":
        return column.to_numpy(np.int64)
    return np.array(_each(column, label_of), np.int64)


def _seconds(times: pd.Series) -> NDArray[np.float64]:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(times):
        stamps = pd.to_datetime(times, utc=True)
        times = (stamps - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    elif not pd.api.types.is_numeric_dtype(times):
        return np.array(_each(times, _second), np.float64)
    seconds: NDArray[np.float64] = times.to_numpy(np.float64)
    _refuse(~np.isfinite(seconds), times, "a number of seconds is expected")
    return seconds


def _second(value: object) -> float:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return time_of(value)


def _each(column: pd.Series, read: Callable[[object], T]) -> list[T]:
    """What each value means. InputError names the row of the first that means nothing."""
    found: list[T] = []
    for value in column.tolist():
        try:
            found.append(read(value))
        except ValueError as error:
            raise InputError(f"row {len(found)} of the frame: {error}") from error
    return found


def _refuse(bad: NDArray[np.bool_], column: pd.Series, said: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        raise InputError(f"row {row} of the frame: {column.name} {column.tolist()[row]!r}: {said}")


def _groups(values: list[Any]) -> Ints:
    seen: dict[Any, int] = {}
    return np.fromiter((seen.setdefault(value, len(seen)) for value in values), np.int64, len(values))


def _given(labels: int | ArrayLike, events: int) -> Ints:
    try:
        given = np.asarray(labels, np.int64)
    except (ValueError, TypeError) as error:
        raise InputError(f"these labels are no whole numbers: {error}") from error
    if given.ndim and given.shape != (events,):
        raise InputError(f"{given.shape} labels for {events} events: one for all, or one each is expected")
    return np.broadcast_to(given, events).copy()
