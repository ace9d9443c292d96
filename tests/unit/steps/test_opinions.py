"""What the detectors beside the default verdict learn from, and what they flag of normal sessions."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from benchmarks.generated_workflows import sessions
from deeplog_ops.models.part import ModelPart
from deeplog_ops.steps.opinions import SEQUENCES, fit_opinions, opinions

TRAINED = 20_000
BUSY = 4  # a workflow with so many branches at once that hardly two of its sessions are the same


@pytest.fixture(scope="module")
def busy() -> ModelPart:
    training = Counter(sessions(BUSY, TRAINED))
    return fit_opinions(list(training), list(training.values()), [], budget=0.001, seed=0)


def test_of_very_many_distinct_sequences_a_sample_of_the_sessions_is_learnt_from(busy: ModelPart) -> None:
    assert len(Counter(sessions(BUSY, TRAINED))) > 5 * SEQUENCES
    assert len(busy.data["sequences"]) == SEQUENCES
    usual = np.mean([len(keys) for keys in sessions(BUSY, TRAINED)])
    learnt = np.average([len(keys) for keys in busy.data["sequences"]], weights=busy.data["weights"])
    assert learnt == pytest.approx(usual, rel=0.02)


def test_new_normal_sessions_are_hardly_flagged_where_hardly_two_are_the_same(busy: ModelPart) -> None:
    new = sessions(BUSY, 2_000, drawn=1)
    flagged = {each.detector: int(each.flagged.sum()) for each in opinions(busy, new)}
    assert max(flagged.values()) <= 20, (
        flagged
    )  # the sequences that most sessions have, and no others: hundreds


def test_what_is_learnt_depends_neither_on_the_order_nor_on_another_run(busy: ModelPart) -> None:
    training = Counter(sessions(BUSY, TRAINED))
    turned = list(training)[::-1]
    again = fit_opinions(turned, [training[keys] for keys in turned], [], budget=0.001, seed=0)
    assert json.dumps(again.data) == json.dumps(busy.data)


def test_a_threshold_of_an_older_version_means_what_it_did() -> None:
    training = Counter(sessions(1, 200))
    part = fit_opinions(list(training), list(training.values()), [], budget=0.001, seed=0)
    old = {key: value for key, value in part.data.items() if key != "in_nats"}
    new = part.data["thresholds"]["one_class_svm"]
    old["thresholds"] = {"one_class_svm": 1 - np.exp(-new)}  # one minus the similarity
    (told,) = opinions(ModelPart(old), sessions(1, 50, drawn=1))
    assert told.threshold == pytest.approx(new)
    old["thresholds"] = {"one_class_svm": 1.05}  # what no score reached
    (told,) = opinions(ModelPart(old), [("new",) * 9])
    assert not told.flagged.any()
