"""What is blotted out before anything leaves this room."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from deeplog_ops.config import Redaction
from deeplog_ops.formats.engine import COLUMNS, checked_pattern


class Redactor:
    """Patterns act on every line before its header is read, and once more on records of several lines.

    Fields act on the column, and on every place of the value in the record's text. Where a line could not be
    read, a redacted field cannot be found in it: of such a line no text is kept.
    """

    def __init__(self, rules: Sequence[Redaction]) -> None:
        self._patterns = [
            (rule.pattern, _literal(rule.replacement)) for rule in rules if rule.pattern is not None
        ]
        self._fields = [(rule.field, rule.replacement) for rule in rules if rule.field is not None]
        for pattern, _ in self._patterns:
            checked_pattern(pattern, "the redaction pattern")

    def __bool__(self) -> bool:
        return bool(self._patterns or self._fields)

    @property
    def by_field(self) -> bool:
        return bool(self._fields)

    def text(self, texts: pl.Series) -> pl.Series:
        for pattern, replacement in self._patterns:
            texts = texts.str.replace_all(pattern, replacement)
        return texts

    def records(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Blots fields out of a frame with COLUMNS, `fields`, `message` and `raw`."""
        for name, replacement in self._fields:
            if name == "message":
                frame = frame.with_columns(message=pl.lit(replacement), raw=pl.lit(replacement))
                continue
            if name in COLUMNS:
                value = frame[name]
            else:
                value = frame["fields"].str.json_path_match("$['" + name.replace("'", "\\'") + "']")
            rows = value.is_not_null() & (value != "")
            if not rows.any():
                continue
            swapped = {
                column: pl.Series(
                    column,
                    [
                        text.replace(secret, replacement) if secret and text else text
                        for text, secret in zip(frame[column], value, strict=True)
                    ],
                    pl.String,
                )
                for column in ("message", "raw", "fields")
            }
            frame = frame.with_columns(**swapped)
            if name in COLUMNS:
                frame = frame.with_columns(
                    pl.when(rows).then(pl.lit(replacement)).otherwise(pl.col(name)).alias(name)
                )
        return frame


def _literal(replacement: str) -> str:
    return replacement.replace("$", "$$")
