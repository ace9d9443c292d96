"""Files of keys: events with their times, or whole sequences, in any of the accepted forms."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from deeplog_ops.errors import InputError
from deeplog_ops.keyed.forms import (
    ACCEPTED,
    FORMS,
    SESSION_COLUMNS,
    TIMEOUT,
    Form,
    delimiter_of,
    form_of,
    header_of,
    split_header,
)
from deeplog_ops.keyed.json_entries import entries_of_array, entries_of_lines, rows_or_sessions
from deeplog_ops.keyed.sessions import KeyedSessions
from deeplog_ops.keyed.text_lines import TextLines
from deeplog_ops.keyed.values import keys_of, label_of

if TYPE_CHECKING:
    import pandas as pd


def read_keyed(
    path: str | Path, form: Form | None = None, nrows: int | None = None
) -> pd.DataFrame | KeyedSessions:
    """What the file holds: a frame of events (timestamp in seconds, event, machine[, label]), or sessions.

    The form is known by the content unless it is given. `nrows` limits rows, lines or entries. InputError and
    MissingInput say the file, the line, what was found and what is accepted.
    """
    if form is not None and form not in FORMS:
        raise InputError(f"no such form of keys: {form!r}; known are {', '.join(FORMS)}")
    if nrows is not None and nrows < 0:
        raise InputError(f"nrows is {nrows}: a number of rows is expected")
    with TextLines(path) as lines:
        if not any(line.strip() for line in lines.head):
            raise InputError(f"{path} is empty: {ACCEPTED}")
        found = form_of(lines.head)
        if form is None or (form == "csv" and found == "sessions"):  # both are CSV: the header decides
            form = found
        return _read(lines, form, nrows)


def read_sessions(
    path: str | Path,
    form: Form | None = None,
    nrows: int | None = None,
    *,
    timeout: float | None = TIMEOUT,
    window: float | None = None,
    step: float | None = None,
) -> KeyedSessions:
    """The sessions of a file; events are gathered by machine and cut after `timeout` seconds of silence.

    With a `window` they are gathered by time instead: so many seconds, beginning every `step`.
    """
    read = read_keyed(path, form, nrows)
    if window is None:
        return read if isinstance(read, KeyedSessions) else KeyedSessions.of_events(read, timeout)
    if isinstance(read, KeyedSessions):
        raise InputError(f"{path} holds sequences without times: windows need events with a timestamp")
    return KeyedSessions.of_windows(read, window, step)


def _read(lines: TextLines, form: Form, nrows: int | None) -> pd.DataFrame | KeyedSessions:
    if form == "csv":
        from deeplog_ops.keyed.event_rows import read_event_rows

        return read_event_rows(lines, nrows)
    if form == "sessions":
        return _session_rows(lines, nrows)
    if form == "text":
        return _text(lines, nrows)
    entries = entries_of_lines(lines, nrows) if form == "ndjson" else entries_of_array(lines, nrows)
    read = rows_or_sessions(entries)
    if isinstance(read, KeyedSessions):
        return read
    import pandas as pd

    frame = pd.DataFrame(read, columns=["timestamp", "event", "machine", "label"])
    if frame["label"].isna().all():
        return frame.drop(columns="label")
    return frame.assign(label=frame["label"].fillna(0).astype("int64"))


def _text(lines: TextLines, nrows: int | None) -> KeyedSessions:
    """A session is named by its line."""
    sequences: dict[str, tuple[str, ...]] = {}
    for line in islice(lines, nrows):
        if line.strip():
            try:
                sequences[str(lines.number)] = keys_of(line)
            except ValueError as error:
                raise lines.fault(str(error)) from error
    return KeyedSessions(tuple(sequences), tuple(sequences.values()))


def _session_rows(lines: TextLines, nrows: int | None) -> KeyedSessions:
    header = header_of(lines)
    delimiter = delimiter_of(header, SESSION_COLUMNS, lines.path, lines.number)
    columns = split_header(header, delimiter)
    session, keys = columns.index("session"), columns.index("keys")
    label = columns.index("label") if "label" in columns else None
    names: list[str] = []
    sequences: list[tuple[str, ...]] = []
    labels: list[int] = []
    for row in islice(_cells(lines, delimiter), nrows):
        if len(row) != len(columns):
            raise lines.fault(
                f"{len(row)} cells where the header has {len(columns)} ({delimiter.join(columns)}); "
                "keys have spaces between"
            )
        names.append(row[session])
        try:
            sequences.append(keys_of(row[keys]))
            if label is not None:
                labels.append(label_of(row[label]))
        except ValueError as error:
            raise lines.fault(str(error)) from error
    return KeyedSessions(tuple(names), tuple(sequences), tuple(labels) if label is not None else None)


def _cells(lines: TextLines, delimiter: str) -> Iterator[list[str]]:
    """The cells of each row; lines with nothing but white space are passed over."""
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    usual = csv.field_size_limit(2**31 - 1)  # a session of 50,000 keys is one long cell
    try:
        while True:
            begins = lines.number + 1
            try:
                row = next(rows, None)
            except csv.Error as error:
                if "unexpected end" in str(error):
                    raise lines.fault("a quote that is never closed", begins) from error
                raise lines.fault(str(error)) from error
            if row is None:
                return
            if len(row) > 1 or "".join(row).strip():
                yield row
    finally:
        csv.field_size_limit(usual)
