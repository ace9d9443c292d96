"""Which form a file of keys has, by what it holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from deeplog_ops.errors import InputError

if TYPE_CHECKING:
    from deeplog_ops.keyed.text_lines import TextLines

Form = Literal["csv", "sessions", "text", "ndjson", "json"]
FORMS: tuple[str, ...] = get_args(Form)

EVENT_COLUMNS = ("timestamp", "event", "machine")
SESSION_COLUMNS = ("session", "keys")
DELIMITERS = ",;\t"
TIMEOUT = 86_400.0  # seconds; a machine that is silent for longer begins a new session

ACCEPTED = (
    "accepted are CSV with the columns timestamp,event,machine[,label], CSV with session,keys[,label] (keys with "
    "spaces between), text with one sequence a line, and NDJSON or JSON of such records, of arrays of keys, or of "
    'objects {"keys": [...], "label": ...}'
)


def form_of(head: Sequence[str]) -> Form:
    """The form of a file that begins with these lines. What looks like none of the others is text.

    A first line that has a comma is taken as a CSV's header: a wrong one is then an error, not a sequence.
    """
    first = next((line.strip() for line in head if line.strip()), "")
    if first.startswith("{"):
        return "ndjson" if _json(first) is not None else "json"
    if first.startswith("["):
        value = _json(first)
        if isinstance(value, list):
            return "json" if value and not isinstance(value[0], str | int) else "ndjson"
        if not first[1:].strip() or first[1:].lstrip()[0] in '[{"]-0123456789':
            return "json"
    names = {name for names in map(split_header, [first] * 3, DELIMITERS) for name in names}
    if names.issuperset(SESSION_COLUMNS):
        return "sessions"
    return "csv" if "," in first or names.issuperset(EVENT_COLUMNS) else "text"


def header_of(lines: TextLines) -> str:
    """The first line that is not blank."""
    while (line := lines.readline()) and not line.strip():
        pass
    return line


def split_header(line: str, delimiter: str) -> list[str]:
    """A header's names as they are compared: without quotes, spaces and capitals."""
    return [name.strip().strip('"').strip().lower() for name in line.strip().split(delimiter)]


def delimiter_of(header: str, wanted: Sequence[str], path: str, line: int = 1) -> str:
    """What stands between the columns. InputError when some of those wanted are not in the header."""
    for delimiter in DELIMITERS:
        if set(split_header(header, delimiter)).issuperset(wanted):
            return delimiter
    found = split_header(header, ",")
    missing = ", ".join(name for name in wanted if name not in found)
    raise InputError(
        f"{path}:{line}: the header {header.strip()[:80]!r} lacks {missing}: {ACCEPTED}; "
        "a text whose keys have commas is read when its form is named: text"
    )


def _json(line: str) -> object:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value
