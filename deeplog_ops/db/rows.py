"""Rows into PostgreSQL: COPY, and text that the database can hold."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

_CHUNK_CHARACTERS = 4 * 2**20
_SPECIAL = re.compile("[\\\\\t\n\r\x00\ud800-\udfff]")
_BYTE_OF_A_NAME = re.compile(r"\\u(dc[89a-f][0-9a-f])")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def visible(value: str) -> str:
    """The text with what PostgreSQL cannot hold made visible: NUL as U+2400, a lone surrogate as \\udcNN."""
    if "\x00" in value:
        value = value.replace("\x00", "\u2400")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value


def opened_by(path: str) -> str:
    """The path that opens a file whose `visible` path this is: bytes of a name that are no text are bytes again."""
    return _BYTE_OF_A_NAME.sub(lambda found: chr(int(found[1], 16)), path) if "\\udc" in path else path


def visible_or_none(value: str | None) -> str | None:
    return None if value is None else visible(value)


def json_text(value: Any) -> str:
    """JSON with sorted keys, free of what jsonb refuses (NUL, lone surrogates, NaN)."""
    return json.dumps(_clean(value), sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain)


def copy(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Append rows by COPY within the connection's transaction; returns how many. Memory is bounded by a chunk.

    `table` and `columns` come from this program, never from data.
    """
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    cursor = connection.connection.cursor()
    buffer, count = io.StringIO(), 0
    try:
        for row in rows:
            buffer.write("\t".join(map(_field, row)) + "\n")
            count += 1
            if buffer.tell() >= _CHUNK_CHARACTERS:
                _send(cursor, statement, buffer)
                buffer = io.StringIO()
        _send(cursor, statement, buffer)
    finally:
        cursor.close()
    return count


def _send(cursor: Any, statement: str, buffer: io.StringIO) -> None:
    if buffer.tell():
        buffer.seek(0)
        cursor.copy_expert(statement, buffer)


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value if _SPECIAL.search(value) is None else visible(value).translate(_ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        return json_text(value).translate(_ESCAPES)
    return repr(value)  # of a float: the shortest text that reads back the same


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [_clean(item) for item in items]
    if isinstance(value, float) and value - value != 0:
        return repr(value)  # nan, inf: JSON has no number for them
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if hasattr(value, "item"):  # a numpy scalar
        return value.item()
    return str(value)
