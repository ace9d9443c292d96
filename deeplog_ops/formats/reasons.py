"""Why a line stands aside: the columns `reason` and `detail` of joining.LINE_COLUMNS."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl


def reason_columns(rows: int, reasons: Mapping[int, tuple[str, str]]) -> dict[str, pl.Expr | pl.Series]:
    """Both columns, with a word and its detail at some places."""
    if not reasons:
        return {"reason": pl.lit(None, pl.String), "detail": pl.lit(None, pl.String)}
    words: list[str | None] = [None] * rows
    details: list[str | None] = [None] * rows
    for place, (word, detail) in reasons.items():
        words[place], details[place] = word, detail
    return {"reason": pl.Series(words, dtype=pl.String), "detail": pl.Series(details, dtype=pl.String)}


def with_reason(lines: pl.DataFrame, where: np.ndarray, reason: str, detail: str) -> pl.DataFrame:
    """The lines with one reason at some of them."""
    mask = pl.Series(where)
    return lines.with_columns(
        reason=pl.when(mask).then(pl.lit(reason)).otherwise("reason"),
        detail=pl.when(mask).then(pl.lit(detail)).otherwise("detail"),
    )
