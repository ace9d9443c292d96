"""Surprises rated by how rarely normal sessions show them, and key models of three folds as one detector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.detection.tail import Tail
from deeplog_ops.errors import ModelError
from deeplog_ops.evaluation.judges import detector_candidate
from deeplog_ops.models import key_folds
from deeplog_ops.models.detectors import DETECTORS
from deeplog_ops.models.held_out import HoldsOut
from deeplog_ops.models.key_folds import OFTEN, KeyModelFolds, numbered
from deeplog_ops.models.key_rates import START, Events, KeyRates
from deeplog_ops.models.session_reader import SessionReader, SessionReading, Symbols

SETTINGS = KeyModelSettings(epochs=12, hidden=16, embedding=8, device="cpu", seed=7)
ROOT: list[tuple[str, ...]] = [
    ("open", "write", "write", "close"),
    ("open", "write", "check", "write", "close"),
    ("open", "write", "write", "write", "close"),
]
RARE = ("open", "write", "write", "close", "moved")


def rates(above: list[float], excess: list[float], sessions: int = 1_000) -> KeyRates:
    return KeyRates(sessions, np.array(above), np.array(excess))


def rarity(of: KeyRates, symbol: int, surprise: float, left_out: bool = False) -> float:
    return float(of.rarity(np.array([symbol]), np.array([surprise]), left_out=left_out)[0])


def test_of_each_key_in_each_session_the_most_surprising_event_counts() -> None:
    events = Events(np.array([0, 0, 0, 1, 1]), np.array([5, 4, 5, 4, 1]), np.array([1.0, 3.0, 7.0, 2.0, 0.5]))
    worst = events.worst_by_key()
    assert list(zip(worst.row, worst.symbol, worst.surprise, strict=True)) == [
        (0, 4, 3.0),
        (0, 5, 7.0),
        (1, 1, 0.5),
        (1, 4, 2.0),
    ]


def test_a_surprise_at_the_start_is_as_rare_as_the_sessions_that_have_one() -> None:
    assert rarity(rates([49.5, 0], [0, 0], sessions=999), 0, START) == pytest.approx(np.log(20))


def test_a_key_that_often_surprises_normal_sessions_is_rated_lower_than_one_that_never_does() -> None:
    found = rates([30, 0], [150, 0])
    assert rarity(found, 0, 12.0) < 7 < 12 < rarity(found, 1, 12.0)


@given(st.floats(0, 1_000), st.floats(0, 40), st.lists(st.floats(0, 40), min_size=2, max_size=9))
def test_rarity_never_falls_where_the_surprise_grows(
    above: float, each: float, surprises: list[float]
) -> None:
    told = rates([above], [above * each]).rarity(np.zeros(len(surprises), np.int64), np.sort(surprises))
    assert (np.diff(told) >= -1e-9).all()
    assert (told >= 0).all()


def test_a_session_that_was_counted_is_rated_by_the_others_alone() -> None:
    worst = Events(np.arange(3), np.array([0, 0, 1]), np.array([5.0, 9.0, 8.0]))
    common = np.ones(2, bool)
    of_all = KeyRates.of(worst, np.array([4, 1, 1]), 100, common)
    of_others = KeyRates.of(worst, np.array([4, 0, 1]), 100, common)
    assert rarity(of_all, 0, 9.0, left_out=True) == pytest.approx(rarity(of_others, 0, 9.0))
    assert rarity(of_all, 1, 8.0, left_out=True) == pytest.approx(rarity(rates([0, 0], [0, 0], 100), 1, 8.0))


def test_what_is_as_good_as_new_does_not_count() -> None:
    worst = Events(np.arange(2), np.array([0, 1]), np.array([9.0, 9.0]))
    found = KeyRates.of(worst, np.array([1, 1]), 5_000, np.array([True, False]))
    assert (found.above.tolist(), found.excess.tolist()) == ([1, 0], [5, 0])


def test_a_key_of_one_session_in_two_thousand_is_as_odd_as_a_new_one_and_one_of_twenty_is_not() -> None:
    lone = KeyModelFolds.fit([*ROOT, RARE], [1_000, 600, 399, 1], SETTINGS)
    several = KeyModelFolds.fit([*ROOT, RARE], [1_000, 600, 380, 20], SETTINGS)
    new = ("open", "write", "write", "close", "never seen")
    assert lone.session_scores([RARE])[0] >= lone.session_scores([new])[0]
    assert several.session_scores([RARE])[0] < several.session_scores([new])[0] / 2


def test_one_event_of_a_key_more_is_new_where_hardly_any_session_has_it_and_usual_in_a_loop() -> None:
    stored = [("open", *("stored",) * 3, *("read",) * reads, "close") for reads in range(6)]
    odd = ("open", *("stored",) * 4, "close")
    found = KeyModelFolds.fit([*stored, odd], [512, 256, 128, 64, 32, 16, 1], SETTINGS)
    common = dict(zip(found.vocabulary.keys, found.common[3:], strict=False))
    assert not common["4 stored"]
    assert common["3 stored"]
    assert common["5 read"]
    new = ("open", *("stored",) * 3, "never seen", "close")
    assert found.session_scores([odd])[0] >= found.session_scores([new])[0]


def test_keys_are_numbered_within_their_session_and_late_ones_are_alike() -> None:
    assert numbered(("a", "b", "a", "1 a")) == ("1 a", "1 b", "2 a", "1 1 a")
    assert numbered(("a",) * (OFTEN + 2))[-3:] == (f"{OFTEN} a",) * 3
    assert numbered(()) == ()


def test_a_numbered_key_is_one_object_however_many_events_have_it() -> None:
    first, again = numbered(("some", "key", "some")), numbered(("some", "key", "some"))
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_few_long_sessions_are_read_a_part_at_a_time_and_give_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = KeyModelFolds.fit(ROOT, [50, 30, 20], SETTINGS)
    scored = [*ROOT, RARE, (), ("open",) * 30, *ROOT]
    scores = whole.session_scores(scored)
    at_once: list[int] = []
    read = SessionReader.read

    def counting(reader: SessionReader, sessions: Sequence[Symbols]) -> SessionReading:
        if len(sessions) > 1:
            at_once.append(sum(map(len, sessions)))
        return read(reader, sessions)

    monkeypatch.setattr(key_folds, "EVENTS_AT_ONCE", 9)
    monkeypatch.setattr(SessionReader, "read", counting)
    parted = KeyModelFolds.fit(ROOT, [50, 30, 20], SETTINGS)
    assert np.array_equal(parted.held_out.score, whole.held_out.score)
    assert np.array_equal(parted.session_scores(scored), scores)
    assert max(at_once, default=0) <= 9


def test_a_step_too_many_shows_though_it_came_long_before_the_window() -> None:
    work = [("open", *("write",) * 2, *("check",) * waits, "close") for waits in range(12, 20)]
    found = KeyModelFolds.fit(work, [40] * len(work), SETTINGS)
    doubled = [("open", *("write",) * 3, *("check",) * waits, "close") for waits in range(12, 20)]
    assert found.session_scores(doubled).min() > 2 * found.session_scores(work).max()


def test_a_step_too_few_shows_though_whatever_else_comes_is_usual() -> None:
    work = [
        ("open", *("write",) * before, "check", *("write",) * (3 - before), "close") for before in (1, 2, 3)
    ]
    found = KeyModelFolds.fit([*work, *ROOT[:1]], [60, 50, 40, 0], SETTINGS)
    short = [
        ("open", *("write",) * before, "check", *("write",) * (2 - before), "close") for before in (1, 2)
    ]
    assert found.session_scores(short).min() > 2 * found.session_scores(work).max()


def test_every_training_session_is_scored_by_the_network_that_did_not_see_it() -> None:
    found = KeyModelFolds.fit([*ROOT, RARE], [100, 60, 39, 1], SETTINGS)
    assert isinstance(found, HoldsOut)
    assert len(found.readers) == 3
    assert found.held_out.sessions.sum() == 200
    rare = sorted([*ROOT, RARE]).index(
        RARE
    )  # alone in its fold: a new key to the only network that scores it
    [score] = found.held_out.score[found.held_out.sequence == rare]
    [moved] = found.vocabulary.encode(["1 moved"])
    [without] = [reader for reader in found.readers if not reader.usage.events[moved]]
    surprise = -np.log(without.usage.this_new_key)
    assert score == pytest.approx(np.log(201 / 0.5) + surprise - START)  # no other session has it above START


def test_a_single_session_is_learnt_but_nothing_can_be_held_out() -> None:
    found = KeyModelFolds.fit([("open", "close")], [1], SETTINGS)
    assert len(found.held_out.score) == 0
    with pytest.raises(ModelError, match="no sessions to learn from"):
        detector_candidate("key_lstm", DETECTORS["key_lstm"], SETTINGS, 0.001).fit(
            [("open", "close")], [1], 7
        )


def test_the_threshold_comes_from_the_sessions_held_out() -> None:
    judge = detector_candidate("key_lstm", DETECTORS["key_lstm"], SETTINGS, 0.001).fit(ROOT, [50, 30, 20], 7)
    held_out = KeyModelFolds.fit(ROOT, [50, 30, 20], SETTINGS).held_out
    margin = DETECTORS["key_lstm"].margin
    assert margin is not None
    tail = Tail.fit(
        held_out.score, held_out.sessions, largest=margin.largest, confidence=margin.confidence
    ).threshold(0.001)
    flagged, scores = judge.judge([*ROOT, ("open", "write", "burnt", "write", "close")])
    assert flagged.tolist() == (scores > tail).tolist()
    assert not flagged[:3].any()
