"""What the default verdict promises of its numbers, whatever it learnt from and whatever it is asked."""

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
from tests.unit.detection.known_sessions import FIXED, Session, fitted, sessions, transfers, without

KEYS = "abcd"
some_sessions = st.lists(st.lists(st.sampled_from(KEYS), max_size=6).map(tuple), min_size=1, max_size=12)
any_sessions = st.lists(
    st.lists(st.sampled_from([*KEYS, "x", "y"]), max_size=30).map(tuple), min_size=1, max_size=8
)
some_weights = st.lists(st.integers(1, 400), min_size=12, max_size=12)
budgets = st.sampled_from([1e-5, 1e-3, 0.01, 0.2])


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


def test_the_p_value_at_the_threshold_is_the_budget() -> None:
    evidence = fitted(transfers(300, 1))
    new = [without(session, "write") for session in transfers(400, 2)]
    met = 0
    for session in set(new):
        low, high = 1e-7, 0.5  # the budget at which just this session is flagged, by halving
        if evidence.judge([session], low).strength[0] >= 1 or evidence.judge([session], high).strength[0] < 1:
            continue
        for _ in range(60):
            middle = float(np.sqrt(low * high))
            is_flagged = evidence.judge([session], middle).strength[0] >= 1
            low, high = (low, middle) if is_flagged else (middle, high)
        judged = evidence.judge([session], high)
        assert judged.strength[0] == pytest.approx(1)
        assert judged.p_value[0] == pytest.approx(high)
        met += 1
    assert met


@given(some_sessions, some_weights)
def test_few_or_even_sessions_never_make_the_threshold_much_lower_than_one_new_key(
    training: list[Session], weights: list[int]
) -> None:
    evidence = fitted(training, weights)
    one_new_key = ORDER_CAP + evidence.supported.counts.new_key
    at_sum, at_order = evidence.thresholds(0.9)
    assert 0.45 * one_new_key <= at_sum < one_new_key
    assert at_order >= ORDER_CAP


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


def stretches(number: int, seed: int) -> list[Session]:
    """What fifteen sessions of five workflows write at once: no two are alike."""
    generator = np.random.default_rng(seed)
    drawn = [
        [f"{kind} {key}" for key in session]
        for kind in range(5)
        for session in sessions(kind, 3 * number, seed)
    ]
    found = []
    for first in range(number):
        pool = drawn[first::number]
        turns = generator.permutation(np.repeat(np.arange(len(pool)), [len(keys) for keys in pool]))
        lines = [iter(keys) for keys in pool]
        found.append(tuple(next(lines[turn]) for turn in turns))
    return found


def test_where_most_sessions_are_unlike_all_others_that_alone_is_no_anomaly() -> None:
    evidence = fitted(stretches(100, 1))
    normal = stretches(100, 2)
    assert not evidence.capped
    assert evidence.new_keys_tell
    assert evidence.training_alarms == 0
    assert (evidence.judge(normal).strength >= 1).mean() <= 0.02
    new = [(*session[:40], "never seen", *session[40:]) for session in normal]
    thrice = [session * 3 for session in normal]
    assert (evidence.judge([*new, *thrice]).strength >= 1).all()
    restored = SessionEvidence.restore(evidence.to_parts())
    np.testing.assert_array_equal(restored.judge(normal).strength, evidence.judge(normal).strength)


def test_where_sessions_bring_keys_of_their_own_a_new_key_is_no_anomaly() -> None:
    varied = [(*session, f"own {number}") for number, session in enumerate(stretches(120, 1))]
    evidence = fitted(varied[:60])
    assert not evidence.capped
    assert not evidence.new_keys_tell
    assert (evidence.judge(varied[60:]).strength >= 1).mean() <= 0.02


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


def test_the_p_value_of_what_is_thousands_of_nats_away_is_not_0() -> None:
    evidence = fitted([tuple(f"step {number}" for number in range(500))], [100])
    judged = evidence.judge([()])
    assert judged.counts[0] > 2000
    assert 0 < judged.p_value[0] < 1e-250


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
