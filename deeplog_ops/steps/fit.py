"""Train the key model on a training run's sessions and write a model version: immutable, named by its content."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta

import polars as pl
import pyarrow as pa

from deeplog_ops.db import ledger
from deeplog_ops.db import models as model_rows
from deeplog_ops.detection.calibration import Calibration
from deeplog_ops.errors import ModelError
from deeplog_ops.models.held_out import held_out_scores
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.key_training import EpochLoss, Progress
from deeplog_ops.steps.sequence_groups import distinct_sequences
from deeplog_ops.steps.stage import OpenRun, stage
from deeplog_ops.steps.stage_rows import template
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.registry import ModelVersion
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.parsing import CATCH_ALL

log = logging.getLogger(__name__)


def fit(
    place: Workplace,
    run_id: int,
    *,
    epochs: int | None = None,
    progress: Progress | None = None,
) -> str:
    """The name of the version that was trained and registered. Promoting it is another step."""
    opened = OpenRun.of(place, run_id)
    with stage(opened, "fit") as record:
        source, bounds = opened.source, opened.bounds
        catalogue = _catalogue(opened)
        sequences = distinct_sequences(opened)
        if not len(sequences):
            raise ModelError(
                f"no closed sessions of {source.name} between {bounds.start:%Y-%m-%d %H:%M} and "
                f"{bounds.end:%Y-%m-%d %H:%M} UTC: nothing to train on. Are there raw files for these days, and does "
                "the session setting name sessions in their lines? `deeplog-ops source check` shows both"
            )
        keys, weights = _resolved(sequences, catalogue)
        if sum(weights) < 2:
            raise ModelError(
                f"{source.name} has a single closed session from {bounds.start:%Y-%m-%d %H:%M} to "
                f"{bounds.end:%Y-%m-%d %H:%M} UTC: a model needs 2 at least, verdicts need "
                f"{source.detection.least_sessions} (detection.least_sessions). Train on more days, or cut sessions shorter"
            )
        settings = source.model if epochs is None else source.model.model_copy(update={"epochs": epochs})
        model, curve = KeyModel.fit(keys, weights, settings, progress=progress or _logged)
        held_out = held_out_scores(
            keys, weights, lambda some, counts: KeyModel.fit(some, counts, settings)[0]
        )
        calibration = Calibration.fit(held_out.score, held_out.sessions)
        version = ModelVersion.of(
            source_key=source.key,
            catalogue=catalogue.to_rows(),
            model=model,
            calibration=calibration,
            curve=curve,
            first_day=bounds.start.astimezone(source.timezone).date(),
            last_day=opened.run.day,
            sessions=sum(weights),
            sequences=len(keys),
            parent=opened.run.version,
            settings=source,
        )
        path = place.registry.write(version)
        days = (version.last_day - version.first_day).days + 1
        model_rows.register(
            place.engine,
            source.key,
            version.version,
            path=path,
            metrics=version.metrics,
            training_days=[version.first_day + timedelta(days=number) for number in range(days)],
            parent=version.parent,
            seed=version.seed,
            library_versions=version.library_versions,
            created_by=opened.run.run_key,
            templates=catalogue.templates,
        )
        record.rows = len(keys)
        record.message = f"version {version.version}: {sum(weights)} sessions, {len(keys)} distinct sequences"
    ledger.finish_run(place.engine, run_id, "done")
    return version.version


def _resolved(sequences: pl.DataFrame, catalogue: Catalogue) -> tuple[list[tuple[str, ...]], list[int]]:
    """Distinct sequences of keys that are no aliases, and how many sessions have each."""
    counts: Counter[tuple[str, ...]] = Counter()
    for keys, sessions in sequences.select("keys", "sessions").iter_rows():
        counts[tuple(map(catalogue.resolve, keys))] += sessions
    ordered = sorted(counts)
    return ordered, [counts[keys] for keys in ordered]


def _logged(loss: EpochLoss, epochs: int) -> None:
    log.info("epoch %s of %s: loss %.4f, held out %.4f", loss.epoch, epochs, loss.train, loss.validation)


def _catalogue(opened: OpenRun) -> Catalogue:
    rows = pa.concat_tables(opened.place.lake.read(opened.partition("catalogue"))).to_pylist()
    # What matches nothing at all has a key, but no template that later days should match.
    return Catalogue(tuple(template(row) for row in rows if row["template_id"] != CATCH_ALL.template_id))
