"""What a training should ask: groups that only vouch for each other, whatever the order of its sessions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplog_ops.detection.doubts import KEY_COUNTS, KEY_ORDER, Doubt, doubts
from deeplog_ops.detection.doubts_words import reasons
from deeplog_ops.detection.session_evidence import SessionEvidence
from tests.unit.detection.known_sessions import (
    Session,
    doubled,
    fitted,
    flagged,
    sessions,
    transfers,
    without,
)

NORMAL = transfers(2000)
SOME = transfers(12, seed=1)
UNREAD = [without(session, "read") for session in SOME[:2]]
TWICE = [doubled(session, "close") for session in SOME[2:5]]
FAILED = [(*session[:-1], "failed") for session in SOME[5:7]]
PLANTED = {*UNREAD, *TWICE, *FAILED}


def distinct(training: list[Session]) -> tuple[list[Session], list[int]]:
    counted = sorted(Counter(training).items())
    return [keys for keys, _ in counted], [count for _, count in counted]


def asked(training: list[Session], **more: object) -> list[Doubt]:
    keys, counts = distinct(training)
    return doubts(keys, counts, SessionEvidence.fit(keys, counts, budget=0.001), **more)  # type: ignore[arg-type]


def exchanged(session: Session, one: str, other: str) -> Session:
    return tuple({one: other, other: one}.get(key, key) for key in session)


@pytest.fixture(scope="module")
def found() -> list[Doubt]:
    return asked([*NORMAL, *PLANTED])


def of(found: list[Doubt], session: Session) -> Doubt:
    (one,) = (doubt for doubt in found if session in doubt.sequences)
    return one


def test_anomalies_that_vouch_for_each_other_are_asked_about_kind_by_kind(found: list[Doubt]) -> None:
    assert flagged(fitted([*NORMAL, *PLANTED]), [without(each, "read") for each in transfers(50, 3)]) < 0.5
    for kind in (UNREAD, TWICE, FAILED):
        doubt = of(found, kind[0])
        assert set(doubt.sequences) == set(kind)
        assert (doubt.sessions, doubt.kind) == (len(kind), KEY_COUNTS)
        assert doubt.example in kind


def test_what_is_asked_about_is_mostly_what_is_wrong(found: list[Doubt]) -> None:
    assert sum(doubt.sessions for doubt in found if not PLANTED.issuperset(doubt.sequences)) <= 10
    assert {keys for doubt in found[:3] for keys in doubt.sequences} == PLANTED


def test_left_out_of_the_next_training_the_next_of_a_kind_are_found(found: list[Doubt]) -> None:
    real = {keys for doubt in found for keys in doubt.sequences if PLANTED.issuperset(doubt.sequences)}
    again = fitted([session for session in [*NORMAL, *PLANTED] if session not in real])
    new = transfers(300, 3)
    assert flagged(again, [without(session, "read") for session in new]) == 1
    assert flagged(again, [doubled(session, "close") for session in new]) == 1
    assert flagged(again, new) <= 0.01


def test_an_odd_order_with_usual_counts_is_a_group_of_its_own() -> None:
    swapped = [exchanged(session, "start", "close") for session in transfers(4, seed=51)]
    doubt = of(asked([*NORMAL, *swapped]), swapped[0])
    assert doubt.kind == KEY_ORDER
    assert set(doubt.sequences) == set(swapped)


def test_a_group_with_a_session_that_people_vouched_for_is_asked_about_no_more(found: list[Doubt]) -> None:
    settled = of(found, UNREAD[0])
    left = asked([*NORMAL, *PLANTED], vouched={settled.example})
    assert left == [doubt for doubt in found if doubt != settled]


def test_the_list_has_no_more_than_was_asked_for_and_the_same_first(found: list[Doubt]) -> None:
    assert asked([*NORMAL, *PLANTED], most=2) == found[:2]


def test_what_many_sessions_do_is_in_no_doubt() -> None:
    rare = [doubled(session, "close") for session in NORMAL[:200]]
    assert all(not set(doubt.sequences) & set(rare) for doubt in asked([*NORMAL[200:], *rare]))


def test_where_every_session_is_unlike_all_others_nothing_is_asked() -> None:
    generator = np.random.default_rng(5)
    varied = [tuple(f"k{key}" for key in generator.integers(0, 30, 60)) for _ in range(300)]
    assert asked(varied) == []


@pytest.mark.parametrize("training", [[("a", "b")], [("a",), ("b",)], [("a", "b")] * 50, [()] * 3 + [("a",)]])
def test_small_trainings_are_read(training: list[Session]) -> None:
    assert all(doubt.sessions for doubt in asked(training))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), flow=st.integers(0, 5))
def test_the_order_of_the_sessions_changes_nothing_and_no_session_is_in_two_groups(
    seed: int, flow: int
) -> None:
    normal = sessions(flow, 400)
    odd = [without(session, session[len(session) // 2]) for session in sessions(flow, 5, 1)]
    keys, counts = distinct([*normal, *odd])
    evidence = SessionEvidence.fit(keys, counts, budget=0.001)
    order = np.random.default_rng(seed).permutation(len(keys))
    first = doubts(keys, counts, evidence)
    assert doubts([keys[row] for row in order], [counts[row] for row in order], evidence) == first
    told = [each for doubt in first for each in doubt.sequences]
    assert len(told) == len(set(told))
    known = dict(zip(keys, counts, strict=True))
    assert all(doubt.sessions == sum(known[each] for each in doubt.sequences) for doubt in first)
    assert all(doubt.example in doubt.sequences for doubt in first)


def test_each_doubt_is_told_in_words(found: list[Doubt]) -> None:
    keys, counts = distinct([*NORMAL, *PLANTED])
    texts = {"read": "file was read", "failed": "transfer failed"}
    said = dict(zip((doubt.sequences for doubt in found), reasons(found, keys, counts, texts), strict=True))
    assert '"file was read" is missing' in said[of(found, UNREAD[0]).sequences]
    assert '"close" came twice, there once' in said[of(found, TWICE[0]).sequences]
    assert '"transfer failed" came once, there never' in said[of(found, FAILED[0]).sequences]


def test_a_session_cut_short_is_told_by_where_it_ended() -> None:
    cut = [session[: session.index("close") + 1] for session in SOME[:3]]
    training = [*NORMAL, *cut]
    found = asked(training)
    said = reasons(found, *distinct(training), {})
    (told,) = (why for doubt, why in zip(found, said, strict=True) if set(doubt.sequences) == set(cut))
    assert told.startswith('The session ended after "close"')
    assert 'expected "end"' in told
