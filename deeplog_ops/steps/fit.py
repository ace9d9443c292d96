"""Learn all that a model version holds from a training run's days, and write it: immutable, named by its content."""

from __future__ import annotations

import logging
from datetime import timedelta

import pyarrow as pa

from deeplog_ops.db import feedback, ledger
from deeplog_ops.db import models as model_rows
from deeplog_ops.db.feedback_findings import said_rates
from deeplog_ops.db.training_doubts import answers
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.errors import ModelError
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.training_loop import EpochLoss, Progress
from deeplog_ops.steps.fit_rates import PART as RATES
from deeplog_ops.steps.fit_rates import fit_rates
from deeplog_ops.steps.fit_values import fit_values
from deeplog_ops.steps.fit_workflows import fit_workflows, publish_workflows
from deeplog_ops.steps.learnt import PART as LEARNT
from deeplog_ops.steps.learnt import learnt_part, with_their_templates
from deeplog_ops.steps.opinions import fit_opinions
from deeplog_ops.steps.say import keep_what_was_said
from deeplog_ops.steps.stage import OpenRun, stage
from deeplog_ops.steps.stage_rows import template
from deeplog_ops.steps.training_doubts import ask
from deeplog_ops.steps.training_sessions import TrainingSessions, training_sessions
from deeplog_ops.steps.vouched_values import letting_pass
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
    """The name of the version that was trained and registered. Promoting it is another step.

    What the training is in doubt of is asked behind it: the version stands without.
    """
    opened = OpenRun.of(place, run_id)
    with stage(opened, "fit") as record:
        source, bounds = opened.source, opened.bounds
        catalogue = _catalogue(opened)
        answered = answers(place.engine, source.key)
        keep_what_was_said(place, source.name)
        training = training_sessions(opened, catalogue)
        _enough(opened, training)
        vouched_keys = {key for sequence in training.vouched for key in sequence}
        vouched_keys |= {said.template_id for said in said_rates(place.engine, source.key, normal=True)}
        catalogue = with_their_templates(place, source.key, catalogue, vouched_keys)
        keys, weights = training.sequences, training.weights
        settings = source.model if epochs is None else source.model.model_copy(update={"epochs": epochs})
        evidence = SessionEvidence.fit(
            keys, weights, budget=source.detection.false_alarms, vouched=training.vouched
        )
        model, curve = KeyModel.fit(keys, weights, settings, progress=progress or _logged)
        parts = {
            **evidence.to_parts(),
            "values": _values(opened, catalogue, training),
            RATES: fit_rates(opened, catalogue),
            "workflows": fit_workflows(keys, weights, model),
            "opinions": fit_opinions(
                keys,
                weights,
                training.anomalous,
                budget=source.detection.false_alarms,
                seed=settings.seed,
            ),
            LEARNT: learnt_part(training.learnt),
        }
        version = ModelVersion.of(
            source_key=source.key,
            catalogue=catalogue.to_rows(),
            model=model,
            curve=curve,
            first_day=bounds.start.astimezone(source.timezone).date(),
            last_day=opened.run.day,
            sessions=training.sessions,
            sequences=len(keys),
            parent=opened.run.version,
            settings=source,
            parts={name: part for name, part in parts.items() if part is not None},
            metrics={
                "training_alarms": evidence.training_alarms,
                "unsupported_sessions": evidence.left_out_sessions,
                "false_positives_learnt": len(training.learnt),
                "true_positives_left_out": len(training.left_out),
                **({"sampled_out_sessions": training.sampled_out} if training.sampled_out else {}),
            },
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
        publish_workflows(place, version)
        record.rows = len(keys)
        record.message = (
            f"version {version.version}: {training.sessions} sessions, {len(keys)} distinct sequences; "
            f"{evidence.training_alarms:.2%} of these sessions would be flagged if they were new"
            + (
                f"; {training.sampled_out} more sessions are not in the sample (training.sequences)"
                if training.sampled_out
                else ""
            )
        )
    ask(opened, version.version, evidence, training, catalogue, answered)
    ledger.finish_run(place.engine, run_id, "done")
    return version.version


def _values(opened: OpenRun, catalogue: Catalogue, training: TrainingSessions) -> ModelPart | None:
    """The part "values", which lets pass what people called normal."""
    part = fit_values(opened, catalogue, training.keep)
    if part is None or not training.learnt:
        return part
    place, source = opened.place, opened.source
    kept = list(feedback.normal_sessions(place.engine, source.key))
    return letting_pass(place, source.key, part, source.detection.values, kept, catalogue.resolve)


def _enough(opened: OpenRun, training: TrainingSessions) -> None:
    source, bounds = opened.source, opened.bounds
    if not training.sequences:
        raise ModelError(
            f"no closed sessions of {source.name} between {bounds.start:%Y-%m-%d %H:%M} and "
            f"{bounds.end:%Y-%m-%d %H:%M} UTC: nothing to train on. Are there raw files for these days, and does "
            "the session setting name sessions in their lines? `deeplog-ops source check` shows both"
        )
    if training.sessions < 2:
        raise ModelError(
            f"{source.name} has a single closed session from {bounds.start:%Y-%m-%d %H:%M} to "
            f"{bounds.end:%Y-%m-%d %H:%M} UTC: a model needs 2 at least, verdicts need "
            f"{source.detection.least_sessions} (detection.least_sessions). Train on more days, or cut sessions shorter"
        )


def _logged(loss: EpochLoss, epochs: int) -> None:
    log.info("epoch %s of %s: loss %.4f, held out %.4f", loss.epoch, epochs, loss.train, loss.validation)


def _catalogue(opened: OpenRun) -> Catalogue:
    rows = pa.concat_tables(opened.place.lake.read(opened.partition("catalogue"))).to_pylist()
    # What matches nothing at all has a key, but no template that later days should match.
    return Catalogue(tuple(template(row) for row in rows if row["template_id"] != CATCH_ALL.template_id))
