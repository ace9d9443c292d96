"""Strange stretches, held against a slow search, and what they add to the verdict where sessions are never alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.wandering_programs import Machine
from deeplog_ops.config import Detection
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.session_findings import findings
from deeplog_ops.detection.strange_stretch import (
    LEAST,
    STRETCH,
    most_strange,
    reaching,
    strangest,
    strength,
    telling,
)
from tests.unit.detection.known_sessions import Session, flagged, transfers

sessions_of_flags = st.lists(st.lists(st.booleans(), min_size=1, max_size=50), max_size=6)


@given(sessions_of_flags)
def test_the_strangest_stretch_is_the_one_that_a_slow_search_finds(sessions: list[list[bool]]) -> None:
    starts = np.concatenate([[0], np.cumsum([len(each) for each in sessions])]).astype(np.int64)
    flat = np.array([flag for each in sessions for flag in each], bool)
    slow = [max(sum(each[place : place + STRETCH]) for place in range(len(each))) for each in sessions]
    assert most_strange(flat, starts).tolist() == slow
    for each, most in zip(sessions, slow, strict=True):
        found = strangest(np.array(each, bool))
        if not most:
            assert found is None
            continue
        assert found is not None
        assert found.strange == most == sum(each[found.first : found.last + 1])
        assert found.steps <= STRETCH
        assert each[found.first]
        assert each[found.last]


@given(st.lists(st.integers(0, 60), min_size=STRETCH, max_size=STRETCH))
def test_a_smaller_budget_never_needs_fewer_strange_steps(counts: list[int]) -> None:
    reached = sorted(counts, reverse=True)
    levels = [telling(reached, 10_000, budget) for budget in (0.0001, 0.001, 0.01)]
    assert levels == sorted(levels, reverse=True)
    assert all(LEAST <= level <= STRETCH or level == np.inf for level in levels)


def test_sessions_count_as_often_as_they_came() -> None:
    assert reaching(np.array([0, 7, 8, 16]), np.array([9, 5, 3, 2])) == (*(10,) * 7, 5, *(2,) * 8)


def test_a_step_repeated_over_and_over_is_one_strange_step() -> None:
    order = SessionEvidence.fit(transfers(200, 1), budget=0.001).every.order
    looping = ("start", *["end"] * 30)
    strange, _ = order.strange_steps([looping])
    assert strange.sum() == 2  # the end after the start, and the end after an end


def test_keys_that_training_never_saw_are_as_many_strange_steps() -> None:
    order = SessionEvidence.fit(transfers(200, 1), budget=0.001).every.order
    strange, starts = order.strange_steps(
        [("start", *(f"new {number}" for number in range(20))), ("new",) * 20]
    )
    assert np.add.reduceat(strange, starts[:-1]).tolist() == [21, 3]


def test_what_tells_is_more_than_any_session_of_training_has_or_all_but_one_that_stands_apart() -> None:
    def level(*most: int) -> float:
        ones = np.ones(50, np.int64)
        return telling(reaching(np.array([*most, *[1] * (50 - len(most))]), ones), 50, 0.001)

    assert level() == LEAST
    assert level(5, 5) == LEAST
    assert level(9, 9, 8) == 10
    assert level(16, 6) == 10
    assert level(16, 16) == np.inf
    assert level(13, 9) == 13


def test_sessions_that_people_vouch_for_leave_the_number_that_tells() -> None:
    evidence = replace(
        SessionEvidence.fit(transfers(100, 1), budget=0.01), strange=(100, *(3,) * (STRETCH - 1))
    )
    assert evidence.telling_strange() == np.inf
    assert evidence.with_vouched([("start", "end")], [1_000]).telling_strange() == np.inf


def test_one_odd_session_of_training_does_not_hide_the_next_foreign_ones() -> None:
    machine, generator = Machine.drawn(3, 4, 4, (60, 200)), np.random.default_rng(3)
    training = machine.normal(generator, 80)
    foreign = machine.strange(generator, 40)
    clean = SessionEvidence.fit(training, budget=0.001)
    assert flagged(clean, foreign) > 0.95
    contaminated = SessionEvidence.fit([*training, machine.foreign[0].session(generator)], budget=0.001)
    others = [session for program in machine.foreign[1:] for session in _some(program, generator)]
    assert flagged(contaminated, others) > 0.9


def test_sessions_that_are_never_alike_are_told_from_foreign_ones_and_only_by_strange_stretches() -> None:
    machine, generator = Machine.drawn(1, 6, 5, (60, 300)), np.random.default_rng(1)
    evidence = SessionEvidence.fit(machine.normal(generator, 100), budget=0.001)
    assert evidence.telling_strange() == LEAST
    assert flagged(evidence, machine.normal(generator, 200)) <= 0.01
    assert flagged(evidence, machine.strange(generator, 60)) >= 0.98
    assert flagged(evidence, machine.intruded(generator, 60)) >= 0.9


def test_a_workflow_has_no_strange_stretches_in_its_normal_sessions() -> None:
    evidence = SessionEvidence.fit(transfers(200, 1), budget=0.001)
    assert not any(evidence.strange[LEAST - 1 :])
    assert not any(evidence.strange_stretches(transfers(500, 2)))


def test_the_stretch_that_is_told_is_where_the_foreign_part_stands() -> None:
    machine, generator = Machine.drawn(2, 3, 4, (80, 120)), np.random.default_rng(2)
    evidence = SessionEvidence.fit(machine.normal(generator, 100), budget=0.001)
    own, foreign = machine.normal(generator, 1)[0], machine.strange(generator, 1)[0][:20]
    (stretch,) = evidence.strange_stretches([own[:30] + foreign + own[30:]])
    assert stretch is not None
    assert 30 <= stretch.first <= stretch.last <= 50


def test_each_strange_step_more_than_are_enough_is_a_nat_of_the_threshold() -> None:
    most = np.array([0, 3, 6, 7, STRETCH])
    assert strength(most, 6.0, 20.0).tolist() == [0, 0.5, 1, 1.05, 1.5]
    assert strength(most, np.inf, 20.0).tolist() == [0] * 5


def test_a_stretch_makes_no_session_rarer_than_its_steps_can_say() -> None:
    machine, generator = Machine.drawn(1, 6, 5, (60, 300)), np.random.default_rng(1)
    evidence = SessionEvidence.fit(machine.normal(generator, 100), budget=0.001)
    judged = evidence.judge(machine.strange(generator, 50))
    by_others = evidence.thresholds()[0] * (judged.strength - 1) > STRETCH - LEAST
    assert not by_others.all()
    assert (judged.p_value[~by_others] >= 0.001 * np.exp(LEAST - STRETCH) * 0.999).all()


def test_an_anomaly_tells_of_its_stretch_and_points_into_it() -> None:
    machine, generator = Machine.drawn(2, 3, 4, (80, 120)), np.random.default_rng(2)
    evidence = SessionEvidence.fit(machine.normal(generator, 100), budget=0.001)
    own, foreign = machine.normal(generator, 1)[0], machine.strange(generator, 1)[0][:20]
    keys = [*own[:30], *foreign, *own[30:]]
    row = {"keys": keys, "rank": [0] * (len(keys) + 1), "probability": [0.1] * (len(keys) + 1)}
    (found,) = findings([row], [2.0], [1e-5], evidence, Detection(), {})
    told = found.details["stretch"]
    assert told["first"] <= found.worst <= told["last"]
    steps = told["last"] - told["first"] + 1
    assert (
        f"In {steps} steps from step {told['first'] + 1} on, {told['strange']} different ones never came after the one"
        in found.reason
    )


def test_a_version_from_before_there_were_strange_stretches_judges_as_it_did() -> None:
    machine, generator = Machine.drawn(1, 6, 5, (60, 300)), np.random.default_rng(1)
    evidence = SessionEvidence.fit(machine.normal(generator, 60), budget=0.001)
    parts = evidence.to_parts()
    whole = SessionEvidence.restore(parts)
    assert whole.strange == evidence.strange
    parts["verdict"].data.pop("strange")  # type: ignore[attr-defined]
    old = SessionEvidence.restore(parts)
    assert old.telling_strange() == np.inf
    foreign = machine.strange(generator, 20)
    assert flagged(old, foreign) < flagged(whole, foreign)


def _some(program: object, generator: np.random.Generator) -> list[Session]:
    return [program.session(generator) for _ in range(10)]  # type: ignore[attr-defined]
