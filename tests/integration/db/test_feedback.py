"""What training learns from verdicts, and what it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from deeplog_ops.db import feedback, verdicts
from deeplog_ops.db.feedback import KeptSession, LabelledSession, Target
from deeplog_ops.db.publish import publish_day
from deeplog_ops.db.verdict_subjects import Subject
from deeplog_ops.db.verdicts import VerdictKind
from deeplog_ops.errors import DatabaseError
from deeplog_ops.records import stable_id
from tests.integration.db.day_results import DAY, MakeRun, grouped, result_of

FALSE, TRUE = VerdictKind.FALSE_POSITIVE, VerdictKind.TRUE_POSITIVE
NEXT = DAY + timedelta(days=1)
MOMENT = datetime(2024, 3, 1, 9, 30, 1, 250, UTC)
Say = Callable[..., int]


@pytest.fixture
def say(engine: Engine, source: str) -> Say:
    def call(kind: VerdictKind, subject: Subject, *sessions: KeptSession) -> int:
        return verdicts.record_verdict(engine, source, kind, subject, who="ann", sessions=sessions)

    return call


def whole(name: str, piece: int = 0, **more: Any) -> KeptSession:
    """A session with all that can be odd in one: no time, odd text, what is no number, no parameters."""
    kept = KeptSession(
        DAY,
        name,
        piece,
        ("k1", "k2", "k1"),
        (MOMENT, None, MOMENT + timedelta(seconds=1)),
        (("10.0.0.7", "tab\t'quote\" {brace} \\ 漢"), (), ("inf",)),
        ((None, 1.5e-300), (), (float("inf"),)),
    )
    return replace(kept, **more)


def test_a_kept_session_comes_back_as_it_was_by_day_session_and_piece(
    engine: Engine, source: str, say: Say
) -> None:
    kept = [whole("b"), whole("a", 1), whole("a"), whole("z", day=DAY - timedelta(days=900))]
    say(FALSE, Subject.session("?"), *kept)
    assert list(verdicts.normal_sessions(engine, source)) == [kept[3], kept[2], kept[1], kept[0]]
    assert next(verdicts.labelled_sessions(engine, source)) == LabelledSession(
        kept[3].day, "z", ("k1", "k2", "k1"), anomalous=False
    )


def test_a_verdict_and_its_sessions_are_kept_together_or_not_at_all(
    engine: Engine, source: str, say: Say
) -> None:
    with pytest.raises(DatabaseError, match="violates check constraint"):
        say(FALSE, Subject.session("a"), whole("a"), whole("b", times=(None,)))
    assert verdicts.verdicts(engine) == []
    assert list(verdicts.normal_sessions(engine, source)) == []


def test_what_is_withdrawn_is_learnt_no_longer(engine: Engine, source: str, say: Say) -> None:
    number = say(FALSE, Subject.session("a"), whole("a"))
    say(FALSE, Subject.session("b"), whole("b"))
    verdicts.withdraw(engine, number, who="ann")
    assert [kept.session for kept in verdicts.normal_sessions(engine, source)] == ["b"]


def test_of_two_verdicts_on_a_session_training_takes_the_one_that_the_views_take(
    engine: Engine, source: str, say: Say
) -> None:
    say(FALSE, Subject.anomaly(DAY, "1234"), whole("a"))
    say(TRUE, Subject.session("a"), whole("a"))
    assert [kept.session for kept in verdicts.normal_sessions(engine, source)] == ["a"]
    assert verdicts.kept_out(engine, source, DAY, DAY) == set()
    later = say(TRUE, Subject.anomaly(DAY, "1234"), whole("a"))
    assert list(verdicts.normal_sessions(engine, source)) == []
    assert verdicts.kept_out(engine, source, DAY, DAY) == {(DAY, "a")}
    assert [row.anomalous for row in verdicts.labelled_sessions(engine, source)] == [True]
    verdicts.withdraw(engine, later, who="ann")
    assert [kept.session for kept in verdicts.normal_sessions(engine, source)] == ["a"]


def test_a_true_positive_whose_lines_are_gone_is_left_out_all_the_same_and_labels_nothing(
    engine: Engine, source: str, say: Say
) -> None:
    say(TRUE, Subject.anomaly(DAY, "1234"), KeptSession(DAY, "gone"))
    say(FALSE, Subject.anomaly(DAY, "5678"), KeptSession(DAY, "gone too"))
    assert verdicts.kept_out(engine, source, DAY, NEXT) == {(DAY, "gone")}
    assert verdicts.kept_out(engine, source, NEXT, NEXT) == set()
    assert list(verdicts.labelled_sessions(engine, source)) == []
    assert list(verdicts.normal_sessions(engine, source)) == []


def test_a_true_positive_on_an_incident_leaves_out_the_sessions_of_every_day_it_comes_back(
    engine: Engine, source: str, begin: MakeRun, say: Say
) -> None:
    say(TRUE, Subject.incident(stable_id("b")))
    for day in (DAY, NEXT):
        publish_day(engine, grouped(result_of(begin(day)), ["a", "b"]))
    of_b = {(day, f"session-{number}") for day in (DAY, NEXT) for number in (1, 3)}
    assert verdicts.kept_out(engine, source, DAY, NEXT) == of_b
    assert verdicts.kept_out(engine, source, NEXT, NEXT) == {pair for pair in of_b if pair[0] == NEXT}


def test_what_a_subject_names_is_found_with_its_sessions(engine: Engine, source: str, begin: MakeRun) -> None:
    results = [grouped(result_of(begin(day)), ["a", "b"]) for day in (DAY, NEXT)]
    for result in results:
        publish_day(engine, result)
    one = next(iter(results[0].anomalies))
    assert feedback.targets(engine, source, Subject.anomaly(DAY, one.anomaly_id)) == (
        1,
        [Target(DAY, "session-0", one.first_time, one.last_time)],
    )
    number, found = feedback.targets(engine, source, Subject.incident(stable_id("b")))
    assert number == 4
    assert [(target.day, target.session) for target in found] == [
        *((NEXT, "session-1"), (NEXT, "session-3")),
        *((DAY, "session-1"), (DAY, "session-3")),
    ]
    assert feedback.targets(engine, source, Subject.session("session-[4]"))[0] == 0
    assert feedback.targets(engine, source, Subject.session("re:session-[34]"))[0] == 4
    assert feedback.targets(engine, source, Subject.session("re:session-[34]"), until=DAY)[0] == 2
    template = str(one.template_id)
    same = sum(a.template_id == template for result in results for a in result.anomalies)
    assert feedback.targets(engine, source, Subject.template(template))[0] == same


def test_sessions_that_later_days_bring_to_a_verdict_are_found_until_they_are_kept(
    engine: Engine, source: str, begin: MakeRun, say: Say
) -> None:
    number = say(FALSE, Subject.session("session-1"), whole("session-1"))
    say(VerdictKind.MUTE, Subject.session("session-2"))
    for day in (DAY, NEXT):
        publish_day(engine, result_of(begin(day)))
    (found,) = feedback.unkept(engine, source)
    assert (found.verdict_id, found.normal, [target.day for target in found.targets]) == (
        number,
        True,
        [NEXT],
    )
    feedback.keep_more(engine, source, found, [whole("session-1", day=NEXT)])
    feedback.keep_more(engine, source, found, [whole("session-1", day=NEXT)])
    assert feedback.unkept(engine, source) == []
    assert [kept.day for kept in verdicts.normal_sessions(engine, source)] == [DAY, NEXT]
