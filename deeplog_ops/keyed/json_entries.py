"""Entries of JSON and NDJSON: records of events, or sequences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from deeplog_ops.errors import InputError
from deeplog_ops.keyed.forms import ACCEPTED, EVENT_COLUMNS
from deeplog_ops.keyed.sessions import KeyedSessions
from deeplog_ops.keyed.text_lines import TextLines
from deeplog_ops.keyed.values import key_of, keys_of, label_of, name_of, time_of

Rows = list[tuple[float, str, str, int | None]]


def entries_of_lines(lines: TextLines, nrows: int | None) -> Iterator[tuple[str, object]]:
    """One value a line, each with its place; blank lines are passed over."""

    def entries() -> Iterator[tuple[str, object]]:
        for line in lines:
            if line.strip():
                yield f"{lines.path}:{lines.number}", _loaded(line, lines, lines.number)

    return islice(entries(), nrows)


def entries_of_array(lines: TextLines, nrows: int | None) -> Iterator[tuple[str, object]]:
    """The entries of one array that is the whole file."""
    value = _loaded(lines.read(), lines, 1)
    if not isinstance(value, list):
        raise lines.fault(f"one {type(value).__name__} where an array is expected: {ACCEPTED}", 1)
    if value and not isinstance(value[0], dict | list):
        value = [value]  # a single sequence
    return ((f"{lines.path}: entry {place}", entry) for place, entry in enumerate(value[:nrows], 1))


def rows_or_sessions(entries: Iterator[tuple[str, object]]) -> Rows | KeyedSessions:
    """Event rows (timestamp, event, machine, label), or sessions: what the first entry is, all must be."""
    rows: Rows = []
    names: list[str] = []
    sequences: list[tuple[str, ...]] = []
    labels: list[int | None] = []
    for place, entry in entries:
        try:
            if isinstance(entry, dict) and "keys" not in entry:
                rows.append(_row(entry))
            else:
                name, keys, label = _sequence(entry)
                names.append(name or str(len(names) + 1))
                sequences.append(keys)
                labels.append(label)
        except ValueError as error:
            raise InputError(f"{place}: {error}") from error
        if rows and sequences:
            raise InputError(f"{place}: events and sequences in one file: {ACCEPTED}")
    if rows:
        return rows
    return KeyedSessions(tuple(names), tuple(sequences), _all_or_none(labels))


def _all_or_none(labels: list[int | None]) -> tuple[int, ...] | None:
    """An entry without a label, where others have one, is normal."""
    if all(label is None for label in labels):
        return None
    return tuple(label or 0 for label in labels)


def _row(entry: dict[str, Any]) -> tuple[float, str, str, int | None]:
    missing = [name for name in EVENT_COLUMNS if entry.get(name) is None]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing: {ACCEPTED}")
    label = entry.get("label")
    return (
        time_of(entry["timestamp"]),
        key_of(entry["event"]),
        name_of(entry["machine"]),
        None if label is None else label_of(label),
    )


def _sequence(entry: object) -> tuple[str | None, tuple[str, ...], int | None]:
    if isinstance(entry, list):
        return None, tuple(map(key_of, entry)), None
    if not isinstance(entry, dict) or not isinstance(entry["keys"], list | str):
        raise ValueError(f"{str(entry)[:60]!r}: {ACCEPTED}")
    name, label, keys = entry.get("session"), entry.get("label"), entry["keys"]
    return (
        None if name is None else str(name),
        keys_of(keys) if isinstance(keys, str) else tuple(map(key_of, keys)),
        None if label is None else label_of(label),
    )


def _loaded(text: str, lines: TextLines, first_line: int) -> object:
    try:
        value: object = json.loads(
            text.rstrip()
        )  # so that a fault at the end is not said to be on the line after
    except json.JSONDecodeError as error:
        raise lines.fault(
            f"no JSON ({error.msg}, column {error.colno})", first_line + error.lineno - 1
        ) from error
    except (ValueError, RecursionError) as error:
        raise lines.fault(f"JSON that cannot be read: {error}", first_line) from error
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise lines.fault(
                "half a surrogate pair, which is no character and cannot be written", first_line
            ) from error
    return value
