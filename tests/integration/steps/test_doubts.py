"""What a training asks a person: two anomalies of one kind among its sessions hide the next, until somebody answers."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from deeplog_ops.db import models, sources
from deeplog_ops.db.engine import transaction
from deeplog_ops.db.feedback import normal_sessions
from deeplog_ops.db.training_doubts import AskedDoubt, awaiting, delete_doubts, doubts_of, hand_on_doubts
from deeplog_ops.db.verdicts import VerdictKind, withdraw
from deeplog_ops.steps import maintenance
from deeplog_ops.steps.feedback import update
from deeplog_ops.steps.say import Said, say_verdict, subject_of
from deeplog_ops.steps.whole_runs import run_training
from tests.integration.steps.conftest import FIRST, SCORED_DAYS, Sample, at
from tests.integration.steps.test_cli import Run, platform, run
from tests.integration.steps.test_feedback import found

__all__ = ["platform", "run"]

A = SCORED_DAYS[0]
TRUE, FALSE = VerdictKind.TRUE_POSITIVE, VerdictKind.FALSE_POSITIVE
LAST = A - timedelta(days=1)


def odd_sessions(sample: Sample, day: date, number: int) -> set[str]:
    """Add sessions to a day: a normal one of the first day in which a line comes twice that no other has; their ids."""
    raw = "".join(path.read_text() for path in sorted(sample.raw.glob(f"harbour-{FIRST}*")))
    ids = dict.fromkeys(re.findall(r"\b(req-[0-9a-f]{10})\b", raw))
    normal = next(name for name in ids if raw.count(name) > 4)
    lines = [line.replace(str(FIRST), str(day)) for line in raw.splitlines() if normal in line]
    odd = lines[0].split(": ")[0] + f": {normal} lease was lost by the keeper"
    made = [f"req-{day.day:02}{turn:08x}" for turn in range(number)]
    written = [line.replace(normal, new) for new in made for line in (*lines[:2], odd, odd, *lines[2:])]
    (sample.raw / f"odd-{day}.log").write_text("\n".join(written) + "\n")
    return set(made)


def trained(sample: Sample, key: str) -> str:
    version, _ = run_training(sample.place, "sample", LAST, run_key=key, days=3, rule="yes", epochs=1)
    return version


def asked(sample: Sample, version: str) -> list[AskedDoubt]:
    return doubts_of(sample.place.engine, "sample", version)


def of_lease(sample: Sample, version: str) -> AskedDoubt:
    (found,) = (each for each in asked(sample, version) if "lease was lost" in each.reason)
    return found


def answer(sample: Sample, kind: VerdictKind, doubt: AskedDoubt) -> Said:
    subject = subject_of(sample.place, "sample", doubt=doubt.doubt_id[:8])
    return say_verdict(sample.place, "sample", kind, subject, who="ann")


def is_found(sample: Sample, session: str, key: str) -> bool:
    sample.run(A, key)
    return session in {each.session for each in found(sample, A)}


def test_two_anomalies_of_a_kind_are_asked_about_and_once_answered_the_next_is_found(sample: Sample) -> None:
    two = odd_sessions(sample, FIRST + timedelta(days=1), 2)
    (next_one,) = odd_sessions(sample, A, 1)
    first = trained(sample, "first")
    doubt = of_lease(sample, first)
    assert (doubt.sessions, doubt.sequences, doubt.verdict) == (2, 1, None)
    assert doubt.session in two
    assert (doubt.day, doubt.line_no) == (FIRST + timedelta(days=1), 1)
    assert (doubt.path or "").endswith(f"odd-{FIRST + timedelta(days=1)}.log")
    assert '"<*> lease was lost by the keeper" came twice, there never' in doubt.reason
    assert not is_found(sample, next_one, "before"), "two of a kind vouch for each other"

    said = answer(sample, TRUE, doubt)
    assert (said.kept, said.gone, said.anomalies) == (1, (), 0)
    assert of_lease(sample, first).verdict == "true_positive"
    # What comes to the training days later and is like it is left out as well.
    odd_sessions(sample, FIRST + timedelta(days=2), 1)
    second = trained(sample, "second")
    assert sample.place.registry.read("sample", second).metrics["true_positives_left_out"] == 3
    assert not [each for each in asked(sample, second) if "lease was lost" in each.reason]
    assert is_found(sample, next_one, "after")

    # The later answer counts.
    assert answer(sample, FALSE, doubt).kept == 1
    third = trained(sample, "third")
    assert sample.place.registry.read("sample", third).metrics["true_positives_left_out"] == 0
    assert not is_found(sample, next_one, "at last")


def test_what_was_called_normal_is_learnt_and_is_no_doubt_any_more(sample: Sample) -> None:
    odd_sessions(sample, FIRST + timedelta(days=1), 2)
    (next_one,) = odd_sessions(sample, A, 1)
    doubt = of_lease(sample, trained(sample, "first"))
    said = answer(sample, FALSE, doubt)
    assert said.kept == 1
    done = update(sample.place, "sample", who="test", run_key="tonight")
    assert done.version is None, "the champion has learnt these sessions: there is nothing to update"
    assert (
        "answers to its doubts count with the next training: deeplog-ops train --source sample" in done.reason
    )
    second = trained(sample, "second")
    assert not [each for each in asked(sample, second) if "lease was lost" in each.reason]
    assert not is_found(sample, next_one, "after")
    # It stays normal when its days are no longer among those of the training.
    (sample.raw / f"odd-{FIRST + timedelta(days=1)}.log").unlink()
    trained(sample, "third")
    assert not is_found(sample, next_one, "later")


def test_withdrawn_an_answer_is_a_doubt_again(sample: Sample) -> None:
    odd_sessions(sample, FIRST, 2)
    first = trained(sample, "first")
    said = answer(sample, TRUE, of_lease(sample, first))
    withdraw(sample.place.engine, said.verdict_id, who="ann")
    assert of_lease(sample, first).verdict is None
    again = trained(sample, "second")
    assert of_lease(sample, again).doubt_id == of_lease(sample, first).doubt_id


def test_doubts_are_the_same_run_again_are_handed_on_and_go_with_their_version(sample: Sample) -> None:
    engine = sample.place.engine
    odd_sessions(sample, FIRST, 2)
    first = trained(sample, "first")
    before = asked(sample, first)
    assert [each.rank for each in before] == list(range(1, len(before) + 1))
    assert trained(sample, "again") == first
    assert asked(sample, first) == before
    other = next(row.version for row in models.list_versions(engine, "sample") if row.version != first)
    hand_on_doubts(engine, "sample", first, other)
    assert asked(sample, other) == before
    with transaction(engine) as connection:
        delete_doubts(connection, 1, [other])
    assert asked(sample, other) == []
    assert asked(sample, first) == before
    assert sources.remove(engine, "sample")["training_doubts"] == len(before)


def test_an_answer_when_the_lake_has_forgotten_holds_by_the_name_of_the_example(sample: Sample) -> None:
    odd_sessions(sample, FIRST, 2)
    doubt = of_lease(sample, trained(sample, "first"))
    settings = sample.place.source("sample").retention
    late = datetime.combine(A + timedelta(days=settings.lake_days + 5), datetime.min.time(), UTC)
    maintenance.expire(at(sample, late).place, "sample")
    said = answer(sample, TRUE, doubt)
    assert (said.kept, said.gone) == (0, ((FIRST, doubt.session),))
    second = trained(sample, "second")
    assert sample.place.registry.read("sample", second).metrics["true_positives_left_out"] == 1


def test_an_answer_that_taught_nothing_is_asked_again_by_the_next_training(sample: Sample) -> None:
    odd_sessions(sample, FIRST, 6)
    first = trained(sample, "first")
    doubt = of_lease(sample, first)
    settings = sample.place.source("sample").retention
    late = datetime.combine(A + timedelta(days=settings.lake_days + 5), datetime.min.time(), UTC)
    maintenance.expire(at(sample, late).place, "sample")
    said = answer(sample, TRUE, doubt)
    assert of_lease(sample, first).verdict == "true_positive"
    second = trained(sample, "second")
    again = of_lease(sample, second)
    assert (again.doubt_id, again.sessions) == (doubt.doubt_id, doubt.sessions - 1)
    assert again.verdict is None, "the five others were learnt from all the same"
    assert awaiting(sample.place.engine, "sample", second) == len(asked(sample, second))
    # Now the lake has them.
    assert answer(sample, TRUE, again).kept == 1
    assert of_lease(sample, second).verdict_id not in (None, said.verdict_id)
    third = trained(sample, "third")
    assert not [each for each in asked(sample, third) if "lease was lost" in each.reason]


def test_an_answer_that_a_training_knew_when_it_was_run_again_is_no_answer_to_what_it_asks(
    sample: Sample,
) -> None:
    """Cleared and run again, it is the same run and began when it did: what it had read is what counts."""
    odd_sessions(sample, FIRST, 6)
    version = trained(sample, "first")
    doubt = of_lease(sample, version)
    settings = sample.place.source("sample").retention
    late = datetime.combine(A + timedelta(days=settings.lake_days + 5), datetime.min.time(), UTC)
    maintenance.expire(at(sample, late).place, "sample")
    answer(sample, TRUE, doubt)
    again = trained(sample, "first")
    assert of_lease(sample, again).doubt_id == doubt.doubt_id
    assert of_lease(sample, again).verdict is None, "five of the six were learnt in spite of it"
    assert of_lease(sample, version).verdict == "true_positive", (
        "the version of before asked before it was given"
    )
    answer(sample, TRUE, of_lease(sample, again))
    assert of_lease(sample, again).verdict == "true_positive"


def test_a_training_that_cannot_ask_stands_and_says_so(
    run: Run, platform: Sample, caplog: pytest.LogCaptureFixture
) -> None:
    odd_sessions(platform, FIRST, 2)
    engine = platform.place.engine
    with transaction(engine) as connection:
        connection.execute(text(_REFUSES))
    version = trained(platform, "first")
    assert models.champion(engine, "sample") == version
    (record,) = (one for one in caplog.records if "stands, but asks nothing" in one.getMessage())
    assert record.exc_info, "with its traceback"
    with engine.connect() as connection:
        stages = connection.execute(
            text(
                "SELECT s.state, s.message FROM deeplog.run_stages s JOIN deeplog.runs USING (run_id) "
                "WHERE run_key = 'first' AND stage IN ('fit', 'doubts') ORDER BY stage"
            )
        ).all()
        kept = connection.execute(text("SELECT doubts_error FROM bi.models WHERE champion")).scalar_one()
        state = connection.execute(
            text("SELECT state FROM deeplog.runs WHERE run_key = 'first'")
        ).scalar_one()
    assert [row.state for row in stages] == ["failed", "done"]
    assert "no room for doubts" in stages[0].message
    assert "no room for doubts" in kept
    assert state == "done"
    for command in ("health", "doubts"):
        told = run(command, "--source", "sample")
        assert told.code == 0, told.err
        assert "no room for doubts" in told.out
    assert (
        "no room for doubts" in json.loads(run("health", "--source", "sample", "--json").out)["doubts_error"]
    )
    platform.run(A)

    with transaction(engine) as connection:
        connection.execute(text("DROP TRIGGER refuses ON deeplog.training_doubts"))
    assert trained(platform, "second") == version, "what it asks is no part of what it is"
    assert of_lease(platform, version).sessions == 2
    assert "no room" not in run("health", "--source", "sample").out


_REFUSES = """
CREATE FUNCTION deeplog.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no room for doubts''; END';
CREATE TRIGGER refuses BEFORE INSERT ON deeplog.training_doubts EXECUTE FUNCTION deeplog.refuse();
"""


def test_called_normal_is_the_session_that_was_shown(sample: Sample) -> None:
    odd_sessions(sample, FIRST + timedelta(days=1), 2)
    doubt = of_lease(sample, trained(sample, "first"))
    (other,) = {f"req-{FIRST.day + 1:02}{turn:08x}" for turn in range(2)} - {doubt.session}
    with transaction(sample.place.engine) as connection:
        connection.execute(
            text("UPDATE deeplog.training_doubts SET session = :other WHERE doubt_id = :doubt_id"),
            {"other": other, "doubt_id": doubt.doubt_id},
        )
    assert answer(sample, FALSE, doubt).kept == 1
    (kept,) = normal_sessions(sample.place.engine, "sample")
    assert kept.session == other


def test_doubts_are_listed_and_answered_by_command(run: Run, platform: Sample) -> None:
    odd_sessions(platform, FIRST, 2)
    version = trained(platform, "first")
    total = len(asked(platform, version))
    doubt = of_lease(platform, version)
    listed = run("doubts", "--source", "sample")
    assert listed.code == 0, listed.err
    command = f"deeplog-ops verdict add sample --doubt {doubt.doubt_id[:8]}"
    for words in (f"{total} doubts, {total} without an answer", doubt.session, f"{command} --true-positive"):
        assert words in listed.out
    assert f"{total} doubts of its training await an answer" in run("health", "--source", "sample").out

    done = run("verdict", "add", "sample", "--doubt", doubt.doubt_id[:8], "--true-positive")
    assert done.code == 0, done.err
    assert "The next training leaves out these sessions (1 sequence) and what is like them." in done.out
    assert "answered: true positive, verdict 1" in run("doubts", "--source", "sample").out
    told = json.loads(run("doubts", "--source", "sample", "--version", version, "--json").out)
    answered = [each for each in told["doubts"] if each["verdict"]]
    assert (told["version"], [each["doubt_id"] for each in answered]) == (version, [doubt.doubt_id])
    assert json.loads(run("health", "--source", "sample", "--json").out)["doubts"] == total - 1
    assert f"training doubt {doubt.doubt_id}" in run("verdict", "list", "sample").out
    assert f"{total} doubts" not in run("health", "--source", "sample").out


def test_what_is_no_answer_to_a_doubt_is_refused(run: Run, platform: Sample) -> None:
    mute = run("verdict", "add", "sample", "--doubt", "abcd", "--mute")
    assert "a doubt is answered by --true-positive" in mute.err
    unknown = run("verdict", "add", "sample", "--doubt", "abcd1234", "--true-positive")
    assert "sample has no doubt with id 'abcd1234'" in unknown.err
    assert "no version 'v0'" in run("doubts", "--source", "sample", "--version", "v0").err
