"""Detectors as judges: where their thresholds stand."""

from __future__ import annotations

import random

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.evaluation.judges import detector_candidate
from deeplog_ops.models.detectors import DETECTORS

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
