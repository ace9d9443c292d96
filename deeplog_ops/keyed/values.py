"""Single values of records: times, labels and keys, and what is said of those that are none."""

from __future__ import annotations

import ast
import math
from datetime import UTC, datetime

LATEST = 253_402_300_800.0  # the year 10000 in seconds since 1970
LABELS = {
    "normal": 0, "false": 0, "anomalous": 1, "abnormal": 1, "anomaly": 1, "true": 1,
}  # fmt: skip


def time_of(value: object) -> float:
    """Seconds: a number as it is, a date and time (ISO 8601, UTC where it names no zone) since 1970.

    ValueError says what is accepted. What would be after the year 9999 is in smaller units: read as seconds, every
    pause would be too long for a session.
    """
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            seconds = float(value)
        except (ValueError, OverflowError):
            seconds = _iso(str(value))
        if abs(seconds) >= LATEST and math.isfinite(seconds):
            raise ValueError(f"timestamp {value!r}: this is no number of seconds; milliseconds or the like?")
        if math.isfinite(seconds):
            return seconds
    raise ValueError(f"timestamp {value!r}: seconds are expected, or a time such as 2026-11-07T04:00:00Z")


def _iso(text: str) -> float:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return math.nan
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def label_of(value: object) -> int:
    """A whole number, 0 for normal; or a word. ValueError says what is accepted."""
    if isinstance(value, bool | int):
        return int(value)
    text = str(value).strip().lower()
    if text in LABELS:
        return LABELS[text]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number.is_integer() or abs(number) >= 2**63:
        raise ValueError(
            f"label {value!r}: a whole number is expected, 0 for normal, or one of {', '.join(LABELS)}"
        )
    return int(number)


def name_of(value: object) -> str:
    """The name of a machine. ValueError where it is empty, or neither text nor a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"machine {value!r}: the name of what the event came from is expected")
    text = str(value).strip()
    if not text:
        raise ValueError("an empty machine: the name of what the event came from is expected")
    return text


def keys_of(text: str) -> tuple[str, ...]:
    """Keys with spaces between, or a list as Python or JSON writes it: `['E5', 'E22']`, as loglizer's files have them.

    A key may itself begin and end with brackets; so what has neither quotes nor commas in it is no list. ValueError where a
    list holds what is no key.
    """
    inside = text.strip()
    if inside == "[]":
        return ()
    if inside.startswith("[") and inside.endswith("]") and any(mark in inside for mark in ("'", '"', ",")):
        try:
            listed = ast.literal_eval(inside)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return tuple(text.split())
        if isinstance(listed, list):
            return tuple(map(key_of, listed))
    return tuple(text.split())


def key_of(value: object) -> str:
    """A key as text. ValueError where it is empty, or neither text nor a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"event {value!r}: a key is expected, text or a number")
    text = str(value).strip()
    if not text:
        raise ValueError("an empty event: a key is expected")
    return text
