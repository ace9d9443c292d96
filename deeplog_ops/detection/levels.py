"""Levels as programs write them, to one scale: that of syslog, with trace below."""

from __future__ import annotations

import polars as pl

from deeplog_ops.config_detection import Level

# From the mildest; a level's place is its rank.
SCALE: tuple[Level, ...] = (
    "trace",
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
)
_WRITTEN: dict[Level, str] = {
    "trace": "trace trc t verbose v finest finer all 10",
    "debug": "debug dbg deb d fine dbug 7 20",
    "info": "info inf i information informational config log 6 30",
    "notice": "notice note n 5",
    "warning": "warning warn wrn w 4 40",
    "error": "error err e severe fail failed failure fehler 3 50",
    "critical": "critical crit c fatal f ftl dpanic 2 60",
    "alert": "alert a 1",
    "emergency": "emergency emerg panic p 0",
}
RANKS: dict[str, int] = {word: rank for rank, level in enumerate(SCALE) for word in _WRITTEN[level].split()}
"""Every spelling known, in small letters. Digits are syslog's severities, tens those of JSON loggers (10 trace to 60 fatal)."""


def ranks(levels: pl.Series) -> pl.Series:
    """The rank of each level on SCALE (Int8); null where it is missing or no level that is known."""
    plain = levels.cast(pl.String).str.strip_chars(" \t[]<>():").str.to_lowercase()
    return plain.replace_strict(RANKS, default=None, return_dtype=pl.Int8)


def rank(level: Level) -> int:
    return SCALE.index(level)
