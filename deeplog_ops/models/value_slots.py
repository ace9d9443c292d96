"""Amounts that a session mentions, looked up for the events that they may explain."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deeplog_ops.models.value_law import Slot

Floats = NDArray[np.float64]


def numbers_at(rows: pl.DataFrame, place: int) -> Floats:
    """The numbers at a wildcard (N,), NaN where there is none."""
    column = rows["numbers"].list.get(place, null_on_oob=True)
    return column.fill_null(float("nan")).to_numpy().astype(float)


def names_at(rows: pl.DataFrame, place: int) -> pl.Series:
    """The texts at a wildcard (N,), null where there is none."""
    return rows["parameters"].list.get(place, null_on_oob=True).alias("name")


class Amounts:
    """The amounts in whole sessions: rows of sequences.parameter_series.SERIES, in the order of each session."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows.filter(pl.col("session").is_not_null())
        self._units = int(rows["unit"].max() or 0) + 1  # type: ignore[arg-type]
        self._found: dict[Slot, Floats] = {}

    def of(self, slot: Slot, units: NDArray[np.int64]) -> Floats:
        """The number at a slot of each unit's session (N,), NaN where the session has none."""
        if slot not in self._found:
            self._found[slot] = self._first(slot)
        return self._found[slot][units]

    def _first(self, slot: Slot) -> Floats:
        amounts = np.full(self._units, np.nan)
        some = self._rows.filter(pl.col("key") == slot.key)
        numbers = numbers_at(some, slot.place)
        known = np.isfinite(numbers)
        units = some["unit"].to_numpy()[known]
        amounts[units[::-1]] = numbers[known][::-1]  # the first of a session is written last
        return amounts
