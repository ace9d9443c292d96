"""The champion, and what people called false alarms since, to a version that knows these as normal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from deeplog_ops.config import SourceConfig
from deeplog_ops.db.feedback import KeptSession
from deeplog_ops.errors import ModelError
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.steps import opinions
from deeplog_ops.steps.fit_values import PART as VALUES
from deeplog_ops.steps.learnt import PART as LEARNT
from deeplog_ops.steps.learnt import learnt_by, learnt_part, name_of, with_their_templates
from deeplog_ops.steps.training_sessions import vouched_weight
from deeplog_ops.steps.vouched_values import letting_pass
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.model_version import ModelVersion, installed_libraries
from deeplog_ops.templates.catalogue import Catalogue

Keys = tuple[str, ...]


def updated_version(
    place: Workplace,
    source: SourceConfig,
    champion: ModelVersion,
    new: Sequence[KeptSession],
    old: Sequence[KeptSession] = (),
) -> ModelVersion:
    """A version that learnt the `new` sessions besides; those of `old` are learnt already, and rehearsed.

    Catalogue and vocabulary grow, and never change otherwise. Rates, workflows and thresholds are the champion's, and
    so are its training days. Equal sessions give the same version.
    """
    catalogue = with_their_templates(
        place,
        source.key,
        Catalogue.from_rows(champion.catalogue),
        (key for session in new for key in session.keys or ()),
    )
    learnt = sequences_of(new, catalogue)
    weight = vouched_weight(champion.training_sessions)
    weights = [weight * count for count in learnt.values()]
    evidence = champion.evidence.with_vouched(list(learnt), weights)
    rehearsed = rehearsal(champion, sequences_of(old, catalogue), weight)
    model, losses = champion.key_model().learnt_more(
        list(learnt), weights, list(rehearsed), list(rehearsed.values())
    )
    parts = {
        **champion.parts,
        **evidence.to_parts(),
        opinions.PART: opinions.with_normal(champion.parts[opinions.PART], list(learnt), weights),
        LEARNT: learnt_part([*learnt_by(champion), *map(name_of, new)]),
    }
    values = champion.part(VALUES)
    if values is not None and source.detection.values.enabled:
        parts[VALUES] = letting_pass(
            place, source.key, values, source.detection.values, new, catalogue.resolve
        )
    curve = tuple(
        {"epoch": loss.epoch, "train": loss.train, "validation": loss.validation} for loss in losses
    )
    return replace(
        champion,
        parent=champion.version,
        catalogue=tuple(catalogue.to_rows()),
        vocabulary=model.vocabulary.keys,
        weights=model.weights(),
        key_model_data=model.to_dict(),
        loss_curve=curve,
        library_versions=installed_libraries(),
        parts=parts,
        metrics=_metrics(champion, model, catalogue, rehearsed, len(new)),
    )


def sequences_of(sessions: Sequence[KeptSession], catalogue: Catalogue) -> dict[Keys, int]:
    """The distinct sequences of kept sessions, sorted, with how many have each; aliases resolved."""
    found = Counter(tuple(map(catalogue.resolve, session.keys)) for session in sessions if session.keys)
    return {keys: found[keys] for keys in sorted(found)}


def rehearsal(champion: ModelVersion, learnt: dict[Keys, int], weight: int) -> dict[Keys, int]:
    """Normal sequences that the champion knows, with their sessions: the commonest of its training, and what it was
    taught since. ModelError where it keeps none."""
    part = champion.part(opinions.PART)
    if part is None:
        raise ModelError(
            f"version {champion.version} keeps no normal sequences to rehearse: train {champion.source_key} again"
        )
    known = {
        tuple(keys): int(count)
        for keys, count in zip(part.data["sequences"], part.data["weights"], strict=True)
    }
    for keys, count in learnt.items():
        known.setdefault(keys, weight * count)
    return known


def _metrics(
    champion: ModelVersion, model: KeyModel, catalogue: Catalogue, rehearsed: dict[Keys, int], learnt: int
) -> dict[str, object]:
    before = champion.metrics.get("false_positives_learnt", 0)
    return {
        **champion.metrics,
        "false_positives_learnt": int(before) + learnt,
        "false_positives_learnt_by_update": learnt,
        "templates": len(catalogue.templates),
        "keys": len(model.vocabulary.keys),
        "rehearsed_surprise_before": round(mean_surprise(champion.key_model(), rehearsed), 6),
        "rehearsed_surprise": round(mean_surprise(model, rehearsed), 6),
    }


def mean_surprise(model: KeyModel, sequences: dict[Keys, int]) -> float:
    """Of a key, in nats: the mean over all events of these sequences, each as often as sessions have it."""
    total = events = 0.0
    for surprise, count in zip(
        model.score(list(sequences), expected=1)["surprise"].to_pylist(), sequences.values(), strict=True
    ):
        total += count * float(np.sum(surprise))
        events += count * len(surprise)
    return total / events
