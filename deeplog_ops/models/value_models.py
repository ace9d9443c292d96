"""Parameter value models (DeepLog, section 3.2): of every template's numbers, elapsed times and names.

Scores are nats, -ln of how rare a value is at its place; larger is more anomalous. What a rare value is worth as an
alarm is a session's matter: `calibrations` say how rare a session's rarest value is among normal sessions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deeplog_ops.config_detection import Values
from deeplog_ops.errors import ModelError
from deeplog_ops.models.compute_device import choose_device
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.value_categories import BLOCKS, Category
from deeplog_ops.models.value_keys import (
    KeyValues,
    candidate_slots,
    fields_of,
    fit_key,
    names_of,
    near_amounts,
)
from deeplog_ops.models.value_predictor import Predictor, fit_predictor, fitted_to
from deeplog_ops.models.value_scaling import NORMAL_IQR
from deeplog_ops.models.value_scoring import DayScores, Family
from deeplog_ops.models.value_slots import Amounts
from deeplog_ops.models.value_training import Progress, VectorSeries

Floats = NDArray[np.float64]

HELD = 0.2  # of the sessions, the last by time, tell how good the models are
MOST_FIELDS = 12  # numbers of a vector that the network reads
LEAST_ERRORS = 30  # of the network on what was held out: with fewer it serves no series
LEAST_SPREAD = 0.01  # of the network's errors, in spreads of the numbers
LAWFUL = 100  # events of a template, to ask what explains its durations
LEAST_ROWS = 4  # events of a template: with fewer nothing is learnt


@dataclass(frozen=True)
class NormalScores:
    """The rarest value of each session of the training (N,), by family, and of each event without a session.

    Numbers of all sessions, since two or three figures describe a series; names of the held-out part alone.
    """

    sessions: Mapping[Family, Floats]
    events: Mapping[Family, Floats]


@dataclass(frozen=True)
class ValueModels:
    """Models of templates by key. Equal series, settings and seed give equal models, on a machine's CPU."""

    keys: Mapping[str, KeyValues]
    predictor: Predictor | None = field(default=None)

    @classmethod
    def fit(
        cls,
        rows: pl.DataFrame,
        settings: Values,
        *,
        seed: int = 0,
        device: Literal["auto", "cpu", "cuda"] = "cpu",
        progress: Progress | None = None,
    ) -> tuple[ValueModels, NormalScores]:
        """From series (sequences.parameter_series.SERIES, units numbered across all), in any order.

        What is typical is learnt from the first four fifths of the sessions by time, how far errors go from all, and
        how good the network is from the last fifth.
        """
        rows = rows.sort("time", "file_id", "line_no", nulls_last=False)
        rows = rows.with_columns(pl.col("unit").rank("dense").cast(pl.Int64) - 1)
        block = pl.int_range(pl.len()) * BLOCKS // max(len(rows), 1)
        rows = rows.with_columns(_past(rows), block.alias("block"))
        keys = _fit_keys(rows)
        predictor, keys = _with_network(rows, keys, settings, seed, device, progress)
        models = cls(keys, predictor)
        return models, models._normal_scores(rows)

    def day(self, least: Mapping[tuple[Family, bool], float]) -> DayScores:
        """A scorer for a day's series; `least` nats are those of a finding, by family and whether in a session."""
        return DayScores(self.keys, self.predictor, least)

    def _normal_scores(self, rows: pl.DataFrame) -> NormalScores:
        numbers = self._worst(rows)
        # A name that the later part has is known by now: what it would have scored, the models of the past know.
        past = _fit_names(rows.filter("past"))
        keys = {key: replace(values, names=past.get(key, {})) for key, values in self.keys.items()}
        later = ValueModels(keys)._worst(rows.filter(~pl.col("past")))

        def both(inside: bool) -> dict[Family, Floats]:
            return {"number": numbers.worst("number", inside), "name": later.worst("name", inside)}

        return NormalScores(sessions=both(True), events=both(False))

    def _worst(self, rows: pl.DataFrame) -> DayScores:
        scores = self.day({(family, inside): np.inf for family in FAMILIES for inside in (True, False)})
        scores.add(rows.with_columns(pl.col("unit").rank("dense").cast(pl.Int64) - 1))
        scores.findings()
        return scores

    def to_part(self) -> ModelPart:
        data: dict[str, Any] = {"keys": {key: values.to_dict() for key, values in sorted(self.keys.items())}}
        arrays: Mapping[str, NDArray[Any]] = {}
        if self.predictor is not None:
            network = self.predictor
            data["network"] = network.to_dict()
            arrays = network.weights()
        return ModelPart(data, arrays)

    @classmethod
    def restore(cls, part: ModelPart) -> ValueModels:
        """The models that `to_part` wrote. ModelError where something is missing or does not fit."""
        try:
            keys = {key: KeyValues.from_dict(values) for key, values in part.data["keys"].items()}
            network = part.data.get("network")
            if network is None:
                return cls(keys)
            return cls(keys, Predictor.restore(network, part.arrays))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the value models' description cannot be used: {error!r}") from error


FAMILIES: tuple[Family, Family] = ("number", "name")


def _past(rows: pl.DataFrame) -> pl.Series:
    """Which rows belong to the first units by time: those of sessions, and those of events without one."""
    begun = (
        rows.with_row_index("at")
        .group_by("unit")
        .agg(pl.col("at").min(), pl.col("session").first().is_not_null().alias("inside"))
        .sort("at")
        .with_columns(((pl.int_range(pl.len()) + 1) / pl.len()).over("inside").alias("share"))
    )
    past = begun.filter(pl.col("share") <= 1 - HELD)["unit"]
    return rows["unit"].is_in(past.implode()).alias("past")


def _fit_keys(rows: pl.DataFrame) -> dict[str, KeyValues]:
    of_key = {part["key"][0]: part for part in rows.partition_by("key", maintain_order=True)}
    of_key = {key: of_key[key] for key in sorted(of_key) if len(of_key[key]) >= LEAST_ROWS}
    fields = {key: fields_of(part) for key, part in of_key.items()}
    slots = candidate_slots(fields, of_key)
    amounts, tick = Amounts(rows), _tick(rows)
    found = {}
    for key, part in of_key.items():
        lawful = len(part) >= LAWFUL
        near = near_amounts(slots, amounts, part["unit"].to_numpy()) if lawful else {}
        found[key] = fit_key(part, part["past"].to_numpy(), fields[key], near, lawful, tick)
    return found


def _tick(rows: pl.DataFrame) -> float:
    """The seconds that the time stamps tell apart: hardly any two events are nearer, unless at once."""
    apart = rows.filter(pl.col("elapsed") > 0)["elapsed"]
    return float(apart.quantile(0.001) or 0.0)


def _fit_names(rows: pl.DataFrame) -> dict[str, Mapping[int, tuple[Category, ...]]]:
    return {
        part["key"][0]: names_of(part, fields_of(part))
        for part in rows.partition_by("key", maintain_order=True)
    }


def _with_network(
    rows: pl.DataFrame,
    keys: dict[str, KeyValues],
    settings: Values,
    seed: int,
    device: Literal["auto", "cpu", "cuda"],
    progress: Progress | None,
) -> tuple[Predictor | None, dict[str, KeyValues]]:
    """The network, where it predicts some template better than its center does, and the series it then serves."""
    amounts = Amounts(rows)
    read = {
        key: values
        for key, values in keys.items()
        if values.places and values.events >= settings.least_events
    }
    if not read:
        return None, keys
    parts = {part["key"][0]: part for part in rows.partition_by("key", maintain_order=True)}
    fields = min(MOST_FIELDS, max(len(values.places) for values in read.values()))
    vectors = {key: values.vectors(parts[key], amounts) for key, values in read.items()}
    predictor, helped = fit_predictor(
        {
            key: VectorSeries(fitted_to(each, fields), parts[key]["past"].to_numpy())
            for key, each in vectors.items()
        },
        history=settings.history,
        hidden=settings.hidden,
        epochs=settings.epochs,
        seed=seed,
        device=choose_device(device),
        progress=progress,
    )
    served = {
        key: _predicted(keys[key], parts[key], vectors[key] - predictor.predict(key, vectors[key]), better)
        for key, better in helped.items()
        if predictor is not None
    }
    return predictor, {**keys, **served}


def _predicted(values: KeyValues, rows: pl.DataFrame, errors: Floats, better: NDArray[np.bool_]) -> KeyValues:
    """The series that the network serves, with the tails of its errors (N, places)."""
    past = rows["past"].to_numpy()
    series = []
    for each, chosen, _ in values.numbers_of(rows):
        column = values.places.index(each.place)
        off = errors[chosen, column]
        known = np.isfinite(off)
        learnt, held = off[known & past[chosen]], off[known & ~past[chosen]]
        useful = column < len(better) and better[column] and len(held) >= LEAST_ERRORS
        if useful:
            # What was learnt from tells more of rare errors, once widened to the size of the others.
            wider = max(1.0, np.abs(held).mean() / max(np.abs(learnt).mean(), 1e-9))
            every = np.concatenate([wider * learnt, held])
            spread = max(float(np.subtract(*np.quantile(every, (0.75, 0.25)))) / NORMAL_IQR, LEAST_SPREAD)
            each = replace(each.with_errors(every, spread), predicted=True)
        series.append(each)
    return replace(values, numbers=tuple(series))
