"""When training contradicts that a session unlike all others is an anomaly."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from deeplog_ops.detection.ceiling import CONTRADICTED, SHORT, SURE, ceiling_holds
from deeplog_ops.detection.session_evidence import SessionEvidence
from tests.unit.detection.known_sessions import Session, flagged, transfers


def noisy(number: int, seed: int, share: float) -> list[Session]:
    """Transfers, of which a share is of a kind that is never alike: words of a person, say."""
    generator = np.random.default_rng([9, seed])
    return [
        tuple(f"word {word}" for word in generator.integers(0, 40, generator.integers(4, 12)))
        if generator.random() < share
        else session
        for session in transfers(number, seed)
    ]


@given(st.integers(1, 5000), st.floats(0, 1))
def test_more_sessions_above_it_never_bring_the_ceiling_back(sessions: int, share: float) -> None:
    above = int(share * sessions)
    if above < sessions and not ceiling_holds(above, sessions):
        assert not ceiling_holds(above + 1, sessions)


@given(st.integers(SHORT, 5000))
def test_by_chance_alone_a_share_that_is_allowed_hardly_ever_takes_the_ceiling_away(sessions: int) -> None:
    least = next(above for above in range(sessions) if not ceiling_holds(above, sessions))
    assert binom.sf(least - 1, sessions, CONTRADICTED) <= 1 - SURE


def test_the_budget_holds_where_one_session_in_eight_is_like_no_other() -> None:
    evidence = SessionEvidence.fit(noisy(400, 1, 0.12), budget=0.001)
    assert not evidence.capped
    assert flagged(evidence, noisy(1000, 2, 0.12)) <= 0.005


def test_a_few_sessions_like_no_other_leave_the_ceiling_and_are_flagged() -> None:
    evidence = SessionEvidence.fit(noisy(400, 1, 0.01), budget=0.001)
    assert evidence.capped
    assert flagged(evidence, noisy(200, 2, 1.0)) > 0.9
    assert flagged(evidence, transfers(500, 3)) <= 0.005


def test_a_short_training_keeps_the_ceiling_until_half_of_it_lies_above() -> None:
    assert SessionEvidence.fit(noisy(60, 1, 0.3), budget=0.001).capped
    assert not SessionEvidence.fit(noisy(60, 1, 0.8), budget=0.001).capped
