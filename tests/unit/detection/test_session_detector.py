from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from deeplog_ops.config import Detection, KeyModelSettings
from deeplog_ops.detection.session_detector import SessionDetector
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.strange_stretch import STRETCH
from deeplog_ops.errors import ModelError
from deeplog_ops.keyed.findings import findings
from deeplog_ops.keyed.sessions import KeyedSessions
from tests.unit.detection.known_sessions import transfers, without

SMALL = KeyModelSettings(epochs=1, hidden=4, embedding=4, device="cpu", seed=7)
TRAINING = transfers(200)
ASKED = [*transfers(50, 1), *(without(session, "lock") for session in transfers(20, 2)), (), ("never seen",)]


@pytest.fixture(scope="module")
def detector() -> SessionDetector:
    return SessionDetector.fit(TRAINING, settings=SMALL)


def test_it_flags_what_the_evidence_flags_and_the_key_model_has_no_say(detector: SessionDetector) -> None:
    judged = SessionEvidence.fit(TRAINING, budget=Detection().false_alarms).judge(ASKED)
    assert np.array_equal(detector.flag(ASKED), judged.strength >= 1)
    assert np.array_equal(detector.p_values(ASKED), judged.p_value)
    other = SessionDetector.fit(TRAINING, settings=SMALL.model_copy(update={"seed": 8}))
    assert np.array_equal(other.p_values(ASKED), detector.p_values(ASKED))
    assert detector.flag(ASKED)[50:].all()
    assert not detector.flag(ASKED)[:50].any()


def test_a_larger_budget_flags_no_less(detector: SessionDetector) -> None:
    assert (detector.flag(ASKED, 0.2) >= detector.flag(ASKED)).all()


@pytest.mark.parametrize("budget", [None, 1e-6, 0.01, 0.2])
def test_what_is_flagged_is_as_rare_as_the_budget_that_was_asked_for(
    detector: SessionDetector, budget: float | None
) -> None:
    allowed = detector.evidence.budget if budget is None else budget
    rare = detector.p_values(ASKED, budget) <= allowed * (1 + 1e-12)
    assert np.array_equal(detector.flag(ASKED, budget), rare)


@pytest.mark.parametrize("budget", [None, 0.5])
def test_a_strange_stretch_is_told_of_where_it_tells_at_the_budget_that_was_asked_for(
    detector: SessionDetector, budget: float | None
) -> None:
    evidence = replace(detector.evidence, strange=(200, *(30,) * (STRETCH - 1)))
    foreign = tuple(f"foreign {number}" for number in range(20))
    sessions = KeyedSessions(("one",), (foreign,), None)
    (found,) = findings(sessions, replace(detector, evidence=evidence), [1e-9], [True], budget)
    assert ("never came after the one before" in found.reason) == (budget == 0.5)


@pytest.mark.parametrize("sessions", [1, 2, 5])
def test_few_sessions_are_learnt_from_and_said_to_be_few(sessions: int) -> None:
    small = SessionDetector.fit(TRAINING[:sessions], settings=SMALL)
    assert small.warming_up
    assert small.training_sessions == sessions
    assert np.isfinite(small.p_values(ASKED)).all()


def test_from_least_sessions_on_it_is_not_warming_up() -> None:
    detection = Detection(least_sessions=5)
    assert SessionDetector.fit(TRAINING[:2], [2, 2], SMALL, detection).warming_up
    assert not SessionDetector.fit(TRAINING[:2], [2, 3], SMALL, detection).warming_up


def test_a_detector_written_and_read_judges_the_same(detector: SessionDetector) -> None:
    data = json.loads(json.dumps(detector.to_dict(), allow_nan=False))
    restored = SessionDetector.restore(data, load(save(detector.arrays())))
    assert np.array_equal(restored.p_values(ASKED), detector.p_values(ASKED))
    assert np.array_equal(restored.key_model.session_scores(ASKED), detector.key_model.session_scores(ASKED))
    assert restored.least_sessions == detector.least_sessions


def test_what_is_no_detector_is_refused(detector: SessionDetector) -> None:
    with pytest.raises(ModelError, match="no detector of sessions: KeyError"):
        SessionDetector.restore({}, {})
    with pytest.raises(ModelError):
        SessionDetector.restore(detector.to_dict(), {})


def test_nothing_to_train_on_is_a_clear_error() -> None:
    with pytest.raises(ModelError, match="no sessions to train on"):
        SessionDetector.fit([], settings=SMALL)
