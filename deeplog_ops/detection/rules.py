"""Rules as data: which records are bad whatever training says. A column at a time, on an engine of linear time."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl
from polars.exceptions import ComputeError

from deeplog_ops.config_detection import Rule
from deeplog_ops.detection.levels import rank, ranks


def matches(rules: Sequence[Rule], lines: pl.DataFrame) -> list[pl.Series]:
    """For each rule which records it holds for (Boolean): all its conditions, and not its `unless`.

    `lines` has the columns level, component and message of schemas.LINES.
    """
    level = ranks(lines["level"])
    return [_holds(rule, lines, level) for rule in rules]


def _holds(rule: Rule, lines: pl.DataFrame, level: pl.Series) -> pl.Series:
    """The cheapest condition first: each looks only at the records that are left."""
    left = pl.int_range(lines.height, eager=True)
    if rule.level is not None:
        left = left.filter((level >= rank(rule.level)).fill_null(False))
    if rule.component is not None:
        left = left.filter(_found(lines["component"].gather(left), f"^(?:{rule.component})$"))
    if rule.words:
        left = left.filter(_found(lines["message"].gather(left), words_pattern(rule.words)))
    if rule.pattern is not None:
        left = left.filter(_found(lines["message"].gather(left), rule.pattern))
    if rule.unless is not None:
        left = left.filter(~_found(lines["message"].gather(left), rule.unless))
    found = pl.zeros(lines.height, pl.Boolean, eager=True)
    return found.scatter(left, True) if len(left) else found


def words_pattern(words: Sequence[str]) -> str:
    """A pattern that finds any of the words as a word of its own, in any case."""
    return rf"(?i)(?:^|\W)(?:{'|'.join(re.escape(word) for word in words)})(?:\W|$)"


def linear(pattern: str) -> bool:
    """Whether the engine of linear time takes the pattern: it knows neither look-around nor back-references."""
    try:
        pl.Series([""]).str.contains(pattern)
    except ComputeError:
        return False
    return True


def _found(texts: pl.Series, pattern: str) -> pl.Series:
    """Whether each text has the pattern; a missing text has none."""
    if linear(pattern):
        return texts.str.contains(pattern).fill_null(False)
    search = re.compile(pattern).search
    return pl.Series([text is not None and search(text) is not None for text in texts], dtype=pl.Boolean)
