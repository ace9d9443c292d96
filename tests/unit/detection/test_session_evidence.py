"""What the default verdict promises: what is flagged, how often wrongly, and that nothing else matters to it."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from deeplog_ops.detection.session_evidence import ORDER_CAP, SessionEvidence
from deeplog_ops.errors import ModelError
from deeplog_ops.models.part import ModelPart
from tests.unit.detection.known_sessions import Session, doubled, sessions, transfers, without

FIXED = ("start", "lock", "read", "check", "write", "free", "close", "end")
KEYS = "abcd"
some_sessions = st.lists(st.lists(st.sampled_from(KEYS), max_size=6).map(tuple), min_size=1, max_size=12)
any_sessions = st.lists(
    st.lists(st.sampled_from([*KEYS, "x", "y"]), max_size=30).map(tuple), min_size=1, max_size=8
)
some_weights = st.lists(st.integers(1, 400), min_size=12, max_size=12)
budgets = st.sampled_from([1e-5, 1e-3, 0.01, 0.2])


def fitted(
    training: list[Session], weights: list[int] | None = None, budget: float = 0.001
) -> SessionEvidence:
    return SessionEvidence.fit(training, None if weights is None else weights[: len(training)], budget=budget)


def flagged(evidence: SessionEvidence, asked: list[Session], budget: float | None = None) -> float:
    return float((evidence.judge(asked, budget).strength >= 1).mean())


@given(some_sessions, some_weights, any_sessions, budgets, budgets)
def test_what_is_flagged_has_a_p_value_within_the_budget_and_p_values_fall_as_strength_rises(
    training: list[Session], weights: list[int], asked: list[Session], own: float, budget: float
) -> None:
    judged = fitted(training, weights, own).judge([*training, *asked], budget)
    order = np.argsort(judged.strength)
    assert (np.diff(judged.p_value[order]) <= 0).all()
    assert np.array_equal(judged.strength >= 1, judged.p_value <= budget)
    assert (judged.p_value > 0).all()
    assert (judged.p_value <= 1).all()


@given(some_sessions, some_weights, any_sessions)
def test_the_strength_is_1_where_a_score_is_at_its_threshold(
    training: list[Session], weights: list[int], asked: list[Session]
) -> None:
    evidence = fitted(training, weights)
    judged = evidence.judge(asked)
    at_sum, at_order = evidence.thresholds()
    total = np.minimum(judged.order, ORDER_CAP) + judged.counts
    anomalous = (total >= at_sum) | ((judged.counts == 0) & (judged.order >= at_order))
    if not evidence.left_out_sessions:
        assert np.array_equal(judged.strength >= 1, anomalous)
    else:
        assert not ((judged.strength >= 1) & ~anomalous & (judged.counts > 0)).any()


@given(some_sessions, some_weights, any_sessions)
def test_a_smaller_budget_flags_a_subset(
    training: list[Session], weights: list[int], asked: list[Session]
) -> None:
    evidence = fitted(training, weights)
    strengths = [evidence.judge(asked, budget).strength for budget in (0.3, 0.01, 0.001, 1e-6)]
    assert (np.diff(strengths, axis=0) <= 0).all()


@given(some_sessions, some_weights, any_sessions, budgets)
def test_every_number_is_finite(
    training: list[Session], weights: list[int], asked: list[Session], budget: float
) -> None:
    evidence = fitted(training, weights)
    judged = evidence.judge([*training, *asked], budget)
    for values in (judged.order, judged.counts, judged.strength, judged.p_value):
        assert np.isfinite(values).all()
    assert np.isfinite([*evidence.thresholds(budget), evidence.training_alarms]).all()
    assert json.dumps({name: dict(part.data) for name, part in evidence.to_parts().items()}, allow_nan=False)


@given(
    some_sessions,
    some_weights,
    st.integers(0, 11),
    st.integers(0, 6),
    st.sampled_from([1e-9, 1e-3]),
)
def test_an_unknown_key_in_a_surprising_place_is_flagged_for_any_budget(
    training: list[Session], weights: list[int], which: int, place: int, budget: float
) -> None:
    evidence = fitted(training, [100 + weight for weight in weights])
    session = training[which % len(training)]
    odd = (*session[:place], "never seen", *session[place:])
    judged = evidence.judge([odd], budget)
    if judged.order[0] >= ORDER_CAP:
        assert judged.strength[0] >= 1


def test_of_100_sessions_alike_every_step_unknown_left_out_or_doubled_is_flagged() -> None:
    evidence = fitted([FIXED], [100])
    odd = [without(FIXED, key) for key in FIXED] + [doubled(FIXED, key) for key in FIXED]
    odd += [(*FIXED[:place], "never seen", *FIXED[place:]) for place in range(len(FIXED) + 1)]
    assert flagged(evidence, odd) == 1
    assert flagged(evidence, [FIXED]) == 0


def test_a_step_of_concurrent_branches_left_out_or_doubled_is_flagged() -> None:
    for seed in range(6):
        evidence, short = fitted(transfers(1000, seed)), fitted(transfers(300, seed))
        new = transfers(200, seed + 100)
        for key in ("start", "lock", "grant", "close", "end"):
            stopped, twice = [without(s, key) for s in new], [doubled(s, key) for s in new]
            assert flagged(evidence, [*stopped, *twice]) == 1, key
            # Of a few hundred sessions some look so varied that the threshold is at its highest.
            assert flagged(short, stopped) >= 0.6, key
            assert flagged(short, twice) == 1, key


def test_any_weaving_and_any_number_of_repetitions_of_concurrent_branches_is_normal() -> None:
    evidence = fitted(transfers(300))
    new = transfers(4000, 5)
    assert len(set(new) - set(transfers(300))) > 50
    assert flagged(evidence, new) <= 0.001


@pytest.mark.parametrize(("training", "budget"), [(300, 0.001), (300, 0.01), (1000, 0.001), (1000, 0.01)])
def test_false_alarms_on_new_normal_sessions_of_random_workflows_are_within_the_budget(
    training: int, budget: float
) -> None:
    shares = [
        flagged(fitted(sessions(seed, training), budget=budget), sessions(seed, 2000, drawn=1))
        for seed in range(10)
    ]
    assert np.mean(shares) <= budget
    assert max(shares) <= 5 * budget


def test_of_random_workflows_most_sessions_with_a_step_left_out_are_flagged() -> None:
    found = []
    for seed in range(10):
        new = sessions(seed, 200, drawn=2)
        odd = [without(session, session[number % len(session)]) for number, session in enumerate(new)]
        found.append(flagged(fitted(sessions(seed, 1000)), odd))
    assert np.mean(found) > 0.8


def test_two_anomalies_in_training_do_not_hide_others_of_their_kind() -> None:
    one_each, two_alike = [], []
    for seed in range(6):
        training, new = transfers(2000, seed), transfers(200, seed + 100)
        kinds = [without(s, "lock") for s in new], [doubled(s, "grant") for s in new]
        evidence = fitted([*training, *(kind[0] for kind in kinds)])
        one_each += [flagged(evidence, kind[1:]) for kind in kinds]
        two_alike += [flagged(fitted([*training, *kind[:2]]), kind[2:]) for kind in kinds]
    assert np.mean(one_each) >= 0.95
    assert np.median(one_each) == 1
    # Two of one kind vouch for each other: most of their kind are found even so.
    assert np.mean(two_alike) >= 0.75


def test_an_anomaly_that_nothing_supports_is_left_out_of_training_and_still_flagged() -> None:
    odd = [("start", "burnt", "end"), ("lock", "lock", "lock")]
    evidence = fitted([*transfers(2000), *odd])
    assert evidence.left_out_sessions == 2
    assert flagged(evidence, [*odd, ("start", "burnt", "close", "end"), ("lock",) * 4]) == 1
    # Such scores raise the threshold to its highest, where other anomalies are still above it.
    assert flagged(evidence, [without(session, "lock") for session in transfers(200, 9)]) >= 0.95


def test_what_many_sessions_do_is_no_accident_and_is_learnt() -> None:
    rare = ("start", "help", "end")
    evidence = fitted([*transfers(2000), *[rare] * 5])
    assert evidence.left_out_sessions == 0
    assert flagged(evidence, [rare]) == 0


@given(some_sessions, some_weights, any_sessions, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_neither_order_nor_repetition_instead_of_weights_change_a_bit(
    training: list[Session], weights: list[int], asked: list[Session], random: object
) -> None:
    weighted = fitted(training, weights)
    several = [keys for keys, weight in zip(training, weights, strict=False) for _ in range(weight)]
    random.shuffle(several)  # type: ignore[attr-defined]
    same_judgement(weighted, fitted(several), asked)
    assert weighted.to_parts()["verdict"] == fitted(several).to_parts()["verdict"]


def same_judgement(one: SessionEvidence, other: SessionEvidence, asked: list[Session]) -> None:
    mine, yours = one.judge(asked), other.judge(asked)
    for name in ("order", "counts", "strength", "p_value"):
        assert np.array_equal(getattr(mine, name), getattr(yours, name)), name


def written_and_read(parts: dict[str, ModelPart]) -> dict[str, ModelPart]:
    return {
        name: ModelPart(
            json.loads(json.dumps(part.data, allow_nan=False)),
            load(save(dict(part.arrays))) if part.arrays else {},
        )
        for name, part in parts.items()
    }


@pytest.mark.parametrize("anomalies", [0, 1])
def test_evidence_written_and_read_judges_the_same(anomalies: int) -> None:
    new = transfers(300, 9)
    odd = [without(session, "lock") for session in new]
    evidence = fitted([*transfers(2000), *odd[:anomalies]])
    assert evidence.left_out_sessions == anomalies
    restored = SessionEvidence.restore(written_and_read(evidence.to_parts()))
    same_judgement(evidence, restored, [*new, *odd, (), ("never seen",)])
    assert restored.thresholds(0.01) == evidence.thresholds(0.01)


def test_a_part_that_lacks_something_is_refused() -> None:
    parts = fitted([FIXED], [50]).to_parts()
    for name in parts:
        with pytest.raises(ModelError, match=r"cannot be read|is missing"):
            SessionEvidence.restore({other: part for other, part in parts.items() if other != name})


@pytest.mark.parametrize(
    "training", [[()], [("a",)], [("a", "b"), ("a",)], [("a",), ("b",), ("c",), (), ("a", "a")]]
)
def test_the_fewest_sessions_are_enough_to_judge_any(training: list[Session]) -> None:
    judged = fitted(training).judge([(), ("a",), ("never",) * 3, *training])
    assert np.isfinite(judged.strength).all()
    assert (judged.strength[3:] < 1).all()


def test_sessions_of_no_event_one_and_50_000_are_judged() -> None:
    evidence = fitted(transfers(300))
    long = ("start", *("write",) * 50_000, "close", "end")
    unknown = tuple(f"key {number}" for number in range(50_000))
    started = time.process_time()
    judged = evidence.judge([(), ("end",), long, unknown])
    assert time.process_time() - started < 2
    assert (judged.strength >= 1).all()
    assert np.isfinite(judged.strength).all()
    assert (judged.p_value > 0).all()
    none = evidence.judge([])
    assert none.strength.shape == none.p_value.shape == none.order.shape == (0,)


@pytest.mark.parametrize("budget", [0.0, 1.0, -0.1, float("nan")])
def test_a_budget_that_is_no_share_is_refused(budget: float) -> None:
    with pytest.raises(ModelError, match="above 0 and below 1"):
        fitted([FIXED], [50], budget)
    with pytest.raises(ModelError, match="above 0 and below 1"):
        fitted([FIXED], [50]).judge([FIXED], budget)


def test_bad_weights_are_refused() -> None:
    with pytest.raises(ModelError, match="one each"):
        SessionEvidence.fit([FIXED], [1, 2], budget=0.001)
    with pytest.raises(ModelError, match="weight -1"):
        SessionEvidence.fit([FIXED], [-1], budget=0.001)
    with pytest.raises(ModelError, match="no sessions to train on"):
        SessionEvidence.fit([], budget=0.001)
