"""The files of sql/, found in a checkout and in an installed package alike (deeplog_ops/sql)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class SqlFile:
    """One file: `number` and `name` from NNNN_name.sql (number 0 where it has none), and its text."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@cache
def folder(name: str) -> tuple[SqlFile, ...]:
    """The .sql files of sql/`name`, in the order of their names."""
    found = []
    for entry in sorted(files("deeplog_ops").joinpath("sql", name).iterdir(), key=lambda entry: entry.name):
        match = re.fullmatch(r"(?:(\d+)_)?(\w+)\.sql", entry.name)
        if match:
            found.append(SqlFile(int(match[1] or 0), match[2], entry.read_text(encoding="utf-8")))
    return tuple(found)


def report(name: str) -> str:
    """The text of sql/reports/`name`.sql: one query with :named parameters."""
    return next(file.text for file in folder("reports") if file.name == name)
