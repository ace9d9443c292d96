"""A training run's events to the value models of a model version."""

from __future__ import annotations

import logging
from collections.abc import Callable

import polars as pl

from deeplog_ops.detection.value_calibration import ValueCalibration
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.value_models import ValueModels
from deeplog_ops.models.value_training import Progress
from deeplog_ops.sequences.parameter_sample import SeriesSample
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.steps.value_events import parameter_series
from deeplog_ops.templates.catalogue import Catalogue

log = logging.getLogger(__name__)

PART = "values"


def fit_values(
    opened: OpenRun,
    catalogue: Catalogue,
    keep: Callable[[str], bool] | None = None,
    progress: Progress | None = None,
) -> ModelPart | None:
    """What the run's events say of values: the part "values" of a version; None where values are not watched.

    `keep` tells which sessions are learnt from (by name; all). One pass over the events, of which a bounded sample
    is kept: sessions drawn by a hash of their names.
    """
    source = opened.source
    settings = source.detection.values
    if not settings.enabled:
        return None
    sample = SeriesSample(seed=source.model.seed)
    for rows in parameter_series(opened, catalogue.resolve):
        sample.add(rows if keep is None else _kept(rows, keep))
    if not sample.events:
        return None
    models, normal = ValueModels.fit(
        sample.rows(), settings, seed=source.model.seed, device=source.model.device, progress=progress
    )
    calibration = ValueCalibration.fit(normal, sessions=sample.units[True], events=sample.units[False])
    watched = sum(bool(values.numbers or values.names) for values in models.keys.values())
    log.info("values of %s templates are watched, learnt from %s events", watched, sample.events)
    part = models.to_part()
    return ModelPart({**part.data, "calibration": calibration.to_dict()}, part.arrays)


def _kept(rows: pl.DataFrame, keep: Callable[[str], bool]) -> pl.DataFrame:
    names = rows["session"].drop_nulls().unique()
    left_out = [name for name in names.to_list() if not keep(name)]
    if not left_out:
        return rows
    return rows.filter(~rows["session"].is_in(left_out).fill_null(False))
