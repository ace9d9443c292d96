"""Series to findings: how rare each value is, and the rarest of each session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deeplog_ops.models.value_keys import KeyValues
from deeplog_ops.models.value_numbers import NumberSeries
from deeplog_ops.models.value_predictor import Predictor
from deeplog_ops.models.value_slots import Amounts, names_at

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Family = Literal["number", "name"]

_LINE = ["unit", "session", "piece", "time", "file_id", "line_no", "byte_offset", "key", "previous"]


@dataclass(frozen=True)
class Found:
    """Events (`rows`: the columns of _LINE) whose value at one place is rare: `nats` (N,) is -ln of how rare.

    For numbers `series` is their model, `actual`, `amount` and `expected` (N,) the numbers, what they were
    explained by, and the network's prediction. For names `level` is the place among the template's categories.
    """

    family: Family
    place: int
    rows: pl.DataFrame
    nats: Floats
    series: NumberSeries | None = None
    actual: Floats | None = None
    amount: Floats | None = None
    expected: Floats | None = None
    names: pl.Series | None = None
    level: int = 0

    def of(self, rows: Ints, places: Ints) -> Found:
        """Some of the findings: `places` (M,) of the arrays, which are about these rows (M,)."""
        return replace(
            self,
            rows=self.rows.select(_LINE)[rows],
            nats=self.nats[places],
            actual=None if self.actual is None else self.actual[places],
            amount=None if self.amount is None else self.amount[places],
            expected=None if self.expected is None else self.expected[places],
            names=None if self.names is None else self.names.gather(places),
        )


class DayScores:
    """Scores the rows of whole sessions (SERIES), any number of times; then the findings of all.

    Numbers that the network predicts wait for `findings`, since a template's series runs through all sessions.
    Memory: those numbers, one score a session, and the values rarer than `least` nats.
    """

    def __init__(
        self,
        keys: Mapping[str, KeyValues],
        predictor: Predictor | None,
        least: Mapping[tuple[Family, bool], float],
    ) -> None:
        self._keys = keys
        self._predictor = predictor
        self._least = least  # by family, and whether the event has a session
        self._waiting: dict[str, list[pl.DataFrame]] = {}
        self._found: list[Found] = []
        self._worst: dict[Family, Floats] = {"number": np.zeros(0), "name": np.zeros(0)}
        self._in_session = np.zeros(0, dtype=bool)

    def add(self, rows: pl.DataFrame) -> None:
        if not len(rows):
            return
        rows = rows.with_columns(pl.col("unit") + len(self._in_session))
        more = int(rows["unit"].max()) + 1 - len(self._in_session)  # type: ignore[arg-type]
        for family, worst in self._worst.items():
            self._worst[family] = np.concatenate([worst, np.zeros(more)])
        self._in_session = np.concatenate([self._in_session, np.zeros(more, dtype=bool)])
        self._in_session[rows.filter(pl.col("session").is_not_null())["unit"].to_numpy()] = True
        amounts = Amounts(rows)
        for part in rows.partition_by("key", maintain_order=True):
            values = self._keys.get(part["key"][0])
            if values is not None:
                self._score(part, values, amounts)

    def findings(self) -> list[Found]:
        """All that is rare. Call it once, after the last `add`."""
        for key in sorted(self._waiting):
            self._score_predicted(key, pl.concat(self._waiting[key]))
        return self._found

    def worst(self, family: Family, in_session: bool) -> Floats:
        """The nats of the rarest value of each session, or of each event without one (those below 1 are 0)."""
        return self._worst[family][self._in_session == in_session]

    def _score(self, rows: pl.DataFrame, values: KeyValues, amounts: Amounts) -> None:
        units = rows["unit"].to_numpy()
        vectors = values.vectors(rows, amounts)
        for series, chosen, numbers in values.numbers_of(rows):
            if not series.predicted:
                amount = None if series.law is None else amounts.of(series.law.slot, units[chosen])
                errors = vectors[chosen, values.places.index(series.place)]
                found = Found("number", series.place, rows, series.nats(errors), series, numbers, amount)
                self._note(found, chosen)
        if values.predicted and self._predictor is not None:
            columns = {f"z{place}": vectors[:, column] for column, place in enumerate(values.places)}
            kept = rows.select(*_LINE, "elapsed", "numbers").with_columns(**columns)
            self._waiting.setdefault(rows["key"][0], []).append(kept)
        for place, categories in values.names.items():
            names = names_at(rows, place)
            for level, category in enumerate(categories):
                new = np.flatnonzero(category.unknown(names).to_numpy())
                if len(new):
                    nats = np.full(len(new), category.nats)
                    self._note(Found("name", place, rows, nats, names=names[new], level=level), new)

    def _score_predicted(self, key: str, rows: pl.DataFrame) -> None:
        assert self._predictor is not None
        values = self._keys[key]
        rows = rows.sort("time", "file_id", "line_no", nulls_last=False)
        vectors = rows.select(f"z{place}" for place in values.places).to_numpy()
        predicted = self._predictor.predict(key, vectors)
        for series, chosen, numbers in values.numbers_of(rows):
            if series.predicted:
                column = values.places.index(series.place)
                expected = predicted[chosen, column]
                nats = series.nats(vectors[chosen, column] - expected)
                self._note(Found("number", series.place, rows, nats, series, numbers, None, expected), chosen)

    def _note(self, found: Found, chosen: Ints) -> None:
        """Keep what is rare of a finding; its arrays (M,) are about the rows `chosen` (M,)."""
        worth = np.flatnonzero(found.nats >= 1.0)
        chosen, nats = chosen[worth], found.nats[worth]
        units = found.rows["unit"].gather(chosen).to_numpy()
        np.maximum.at(self._worst[found.family], units, nats)
        in_session = self._in_session[units]
        least = np.where(in_session, self._least[found.family, True], self._least[found.family, False])
        rare = np.flatnonzero(nats >= least)
        if not len(rare):
            return
        self._found.append(found.of(chosen[rare], worth[rare]))
