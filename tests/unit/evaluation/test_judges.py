"""Detectors as judges: where their thresholds stand."""

from __future__ import annotations

import random

import numpy as np
import pytest

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.evaluation.judges import detector_candidate
from deeplog_ops.models.detectors import DETECTORS
from tests.unit.detection.known_sessions import sessions

Session = tuple[str, ...]


def orders(count: int, seed: int) -> list[Session]:
    """Sessions with two branches that write at once and a loop."""
    drawn = random.Random(seed)
    found = []
    for _ in range(count):
        packed = ["pick", *["scan"] * drawn.randint(1, 4), "pack"]
        paid = ["ask", "pay"]
        woven = []
        while packed or paid:
            branch = drawn.choice([branch for branch in (packed, paid) if branch])
            woven.append(branch.pop(0))
        found.append(("start", *woven, "send", "end"))
    return found


def test_of_a_short_history_the_key_model_still_flags_a_key_that_nobody_knows() -> None:
    training, new = orders(50, 1), orders(200, 2)
    settings = KeyModelSettings(epochs=15)
    judge = detector_candidate("key_lstm", DETECTORS["key_lstm"], settings, 0.001).fit(training, [1] * 50, 0)
    flagged, _ = judge.judge([(*keys[:3], "burnt", *keys[3:]) for keys in new])
    assert flagged.all()
    assert judge.judge(new)[0].mean() <= 0.05


def false_alarms(name: str, training: int, workflows: int) -> float:
    """The share flagged of normal sessions of some workflows, after so many training sessions of each."""
    settings = KeyModelSettings(epochs=5, hidden=16, embedding=8, layers=1)
    candidate = detector_candidate(name, DETECTORS[name], settings, 0.001)
    shares = []
    for workflow in range(workflows):
        judge = candidate.fit(sessions(workflow, training), [1] * training, 0)
        shares.append(judge.judge(sessions(workflow, 300, drawn=1))[0].mean())
    return float(np.mean(shares))


@pytest.mark.parametrize("training", [3, 5])
def test_after_a_handful_of_sessions_the_key_model_does_not_flag_every_key_that_is_new_to_it(
    training: int,
) -> None:
    assert false_alarms("key_lstm", training, workflows=3) <= 0.01


@pytest.mark.parametrize("name", ["pca", "log_clustering"])
def test_of_too_few_sessions_for_a_tail_the_other_detectors_have_a_margin(name: str) -> None:
    assert false_alarms(name, 5, workflows=5) <= 0.02
