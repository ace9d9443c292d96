"""The online update: what people called a false alarm is found no more and stays so; what is true is found still."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from deeplog_ops.db import ledger, models, readers
from deeplog_ops.db.learning import learning, training_under_way
from deeplog_ops.db.verdicts import VerdictKind
from deeplog_ops.errors import ConfigError
from deeplog_ops.steps import feedback as feedback_step
from deeplog_ops.steps.begin import begin_training
from deeplog_ops.steps.feedback import Updated, update
from deeplog_ops.steps.find_files import find_files
from deeplog_ops.steps.learnt import learnt_by
from deeplog_ops.steps.promote import revert
from deeplog_ops.steps.say import say_verdict, subject_of
from deeplog_ops.steps.whole_runs import run_training
from tests.integration.steps.conftest import SCORED_DAYS, Sample
from tests.integration.steps.test_cli import Run, platform, run

__all__ = ["platform", "run"]

A, B, C = SCORED_DAYS
FALSE, TRUE = VerdictKind.FALSE_POSITIVE, VerdictKind.TRUE_POSITIVE


def found(sample: Sample, day: Any = A, hidden: bool = True) -> list[readers.PublishedAnomaly]:
    report = readers.day_report(sample.place.engine, "sample", day, hidden=hidden)
    return list(report.anomalies)


def by_detector(sample: Sample, detector: str, day: Any = A) -> list[readers.PublishedAnomaly]:
    return [each for each in found(sample, day) if each.detector == detector and each.session]


def say(sample: Sample, kind: VerdictKind, anomaly: readers.PublishedAnomaly) -> None:
    subject = subject_of(sample.place, "sample", anomaly=anomaly.anomaly_id)
    said = say_verdict(sample.place, "sample", kind, subject, who="ann")
    assert said.kept == 1


def updated(sample: Sample, key: str = "update", **more: Any) -> Updated:
    return update(sample.place, "sample", who="test", run_key=key, **more)


def champion(sample: Sample) -> str | None:
    return models.champion(sample.place.engine, "sample")


def runs(sample: Sample, kind: str = "feedback") -> list[tuple[str, str | None]]:
    with sample.place.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT state, error FROM deeplog.runs WHERE kind = :kind ORDER BY run_id"), {"kind": kind}
        )
        return [(row.state, row.error) for row in rows]


def alike(one: readers.PublishedAnomaly, other: readers.PublishedAnomaly) -> bool:
    return (one.kind, one.template_id) == (other.kind, other.template_id)


def different(sample: Sample, false: readers.PublishedAnomaly, day: Any = A) -> readers.PublishedAnomaly:
    """A real anomaly that has nothing to do with the false one."""
    return next(
        each
        for each in by_detector(sample, "sessions", day)
        if not alike(each, false) and each.session != false.session
    )


def test_a_false_positive_is_gone_after_the_update_and_a_true_one_is_found_still(sample: Sample) -> None:
    sample.run(A)
    before = champion(sample)
    false = by_detector(sample, "sessions")[0]
    true = different(sample, false)
    say(sample, FALSE, false)
    say(sample, TRUE, true)
    assert false.anomaly_id not in {each.anomaly_id for each in found(sample, hidden=False)}, "at once"

    done = updated(sample)
    assert done.promoted, done.reason
    assert (done.champion, done.learnt, champion(sample)) == (before, 1, done.version)
    assert [check.passed for check in done.checks] == [True] * 5
    assert runs(sample) == [("done", None)]

    sample.run(A, "again")
    sessions = {each.session for each in by_detector(sample, "sessions")}
    assert false.session not in sessions
    assert true.session in sessions
    version = sample.place.registry.read("sample", done.version or "")
    assert (version.parent, version.metrics["false_positives_learnt"]) == (before, 1)
    assert learnt_by(version) == {(A, false.session, 0)}
    entry = models.audit(sample.place.engine, "sample")[-1]
    assert entry.version == done.version
    assert "1 of 1 true positives that the champion finds are found" in entry.why
    assert "1 of 1 false positives are flagged no more" in entry.why


def test_it_does_not_come_back_with_the_next_training(sample: Sample) -> None:
    sample.run(A)
    false = by_detector(sample, "sessions")[0]
    true = different(sample, false)
    say(sample, FALSE, false)
    say(sample, TRUE, true)
    assert updated(sample).promoted
    version, decision = run_training(
        sample.place, "sample", A, run_key="sunday", days=3, rule="auto", epochs=2
    )
    assert decision.promoted, decision.reason
    sample.run(A, "after sunday")
    sessions = {each.session for each in by_detector(sample, "sessions")}
    assert false.session not in sessions
    assert true.session in sessions
    assert "nothing new" in updated(sample, "again").reason
    assert champion(sample) == version


def test_a_rare_value_that_was_called_normal_is_found_no_more_not_even_after_a_training(
    sample: Sample,
) -> None:
    for day in SCORED_DAYS:
        sample.run(day)
    values = [(day, each) for day in SCORED_DAYS for each in by_detector(sample, "values", day)]
    assert values, "the sample has values that are off"
    day, false = values[0]
    say(sample, FALSE, false)
    done = updated(sample)
    assert done.promoted, done.reason
    sample.run(day, "again")
    assert false.session not in {each.session for each in found(sample, day)}
    run_training(
        sample.place, "sample", A - timedelta(days=1), run_key="sunday", days=3, rule="yes", epochs=2
    )
    sample.run(day, "after sunday")
    assert false.session not in {each.session for each in found(sample, day)}


def with_export(sample: Sample, day: date, names: list[str]) -> set[str]:
    """Add a session for each name: a normal one of day A with one line that no training has seen; their ids."""
    raw = "".join(path.read_text() for path in sorted(sample.raw.glob(f"harbour-{A}*")))
    ids = dict.fromkeys(re.findall(r"\b(req-[0-9a-f]{10})\b", raw))
    odd = {each.session for each in found(sample)}
    normal = next(name for name in ids if name not in odd and raw.count(name) > 4)
    lines = [line.replace(str(A), str(day)) for line in raw.splitlines() if normal in line]
    made, written = set(), []
    for number, name in enumerate(names):
        new = f"req-{day.day:02}{number:08x}"
        export = lines[0].split(": ")[0] + f": {new} export for auditor {name} begins"
        written += [lines[0].replace(normal, new), export, *(line.replace(normal, new) for line in lines[1:])]
        made.add(new)
    (sample.raw / f"exports-{day}.log").write_text("\n".join(written) + "\n")
    return made


def test_a_template_that_came_with_a_false_positive_is_known_on_other_days(sample: Sample) -> None:
    """Among several lines of a day its variable part shows; a day with a single one would call it a new template."""
    for day in (A, B):
        sample.run(day)
    first = with_export(sample, A, ["anna", "bert", "carla", "emil", "frida", "gerd", "hans", "ida"])
    (second,) = with_export(sample, B, ["dora"])
    for day in (A, B):
        sample.run(day, "exports")
    assert {each.session for each in found(sample, A) if each.kind == "unknown_template"} >= first
    (unknown,) = (each for each in found(sample, B) if each.session == second)
    for each in found(sample, A):
        if each.session in first:
            say(sample, FALSE, each)
    assert unknown.template_id not in {each.template_id for each in found(sample, A)}
    before = sample.place.registry.read("sample", champion(sample) or "")
    done = updated(sample)
    assert done.promoted, done.reason
    after = sample.place.registry.read("sample", done.version or "")
    (added,) = after.catalogue[len(before.catalogue) :]
    assert added["text"].endswith("export for auditor <*> begins")
    assert after.catalogue[: len(before.catalogue)] == before.catalogue
    assert after.vocabulary == (*before.vocabulary, added["template_id"])
    for day in (A, B):
        sample.run(day, "updated")
        assert not {each.session for each in found(sample, day)} & {*first, second}


def test_the_same_verdicts_give_the_same_version_and_are_learnt_once(sample: Sample) -> None:
    sample.run(A)
    before = champion(sample)
    say(sample, FALSE, by_detector(sample, "sessions")[0])
    first = updated(sample)
    again = updated(sample, "again")
    assert (again.version, again.promoted, again.learnt) == (None, False, 0)
    assert again.reason == f"nothing new: the champion {first.version} learnt all that people said"
    assert len(runs(sample)) == 1
    assert revert(sample.place, "sample", who="test", why="tried") == before
    assert updated(sample, "once more").version == first.version


def test_without_verdicts_nothing_happens(sample: Sample) -> None:
    sample.run(A)
    before = champion(sample)
    done = updated(sample)
    assert (done.version, done.learnt, champion(sample), runs(sample)) == (None, 0, before, [])


def test_an_update_that_would_lose_a_true_positive_is_refused_with_the_reason(
    sample: Sample,
) -> None:
    sample.run(A)
    before = champion(sample)
    false = by_detector(sample, "sessions")[0]
    say(sample, FALSE, false)
    # Another session of the very same keys is known to be true.
    with sample.place.engine.begin() as connection:
        number = connection.execute(
            text(
                "INSERT INTO deeplog.verdicts (source_id, who, kind, scope, session_like) SELECT source_id, 'bob', "
                "'true_positive', 'session', 'the same' FROM deeplog.sources RETURNING verdict_id"
            )
        ).scalar_one()
        connection.execute(
            text(
                "INSERT INTO deeplog.feedback_sessions (source_id, verdict_id, day, session, normal, keys, times, "
                "parameters, numbers) SELECT source_id, :number, day, 'the same', false, keys, times, parameters, numbers "
                "FROM deeplog.feedback_sessions"
            ),
            {"number": number},
        )
    done = updated(sample)
    assert not done.promoted
    assert done.reason == (
        f"{done.version} was not promoted: 0 of 1 true positives that the champion finds are found; "
        f"lost is the same of {A}"
    )
    assert champion(sample) == before
    with sample.place.engine.connect() as connection:
        message, state = connection.execute(
            text(
                "SELECT s.message, r.state FROM deeplog.run_stages s JOIN deeplog.runs r USING (run_id) "
                "WHERE s.stage = 'feedback'"
            )
        ).one()
    assert done.reason in message
    assert state == "done"
    by_hand = updated(sample, "by hand", rule="yes")
    assert (by_hand.promoted, champion(sample)) == (True, done.version)
    assert (
        "asked for by hand, although 0 of 1 true positives"
        in models.audit(sample.place.engine, "sample")[-1].why
    )


def test_the_command_tells_what_was_learnt_how_it_did_and_what_was_decided(
    platform: Sample, run: Run
) -> None:
    platform.run(A)
    before = champion(platform)
    say(platform, FALSE, by_detector(platform, "sessions")[0])
    done = run("feedback", "sample", "--promote", "no")
    assert done.out.splitlines()[0].endswith(f"of champion {before}, with 1 false positive")
    assert "  passed  false positives: 1 of 1 false positives are flagged no more" in done.out
    assert f"{before} stays the champion." in done.out
    told = json.loads(run("feedback", "sample", "--json").out)
    assert (told["promoted"], told["champion"], champion(platform)) == (True, before, told["version"])
    assert run("feedback", "sample").out.startswith(f"nothing new: the champion {told['version']}")


def test_a_promotion_that_was_not_asked_for_leaves_the_champion(sample: Sample) -> None:
    sample.run(A)
    before = champion(sample)
    say(sample, FALSE, by_detector(sample, "sessions")[0])
    done = updated(sample, rule="no")
    assert (done.promoted, champion(sample)) == (False, before)
    assert done.version in {row.version for row in models.list_versions(sample.place.engine, "sample")}
    with pytest.raises(ConfigError, match="promotion 'maybe' is none of auto, yes, no"):
        updated(sample, rule="maybe")


def test_while_a_training_is_under_way_there_is_no_update(sample: Sample) -> None:
    sample.run(A)
    say(sample, FALSE, by_detector(sample, "sessions")[0])
    begin_training(sample.place, "sample", A, A, "sunday", trigger="cli")
    done = updated(sample)
    assert done.version is None
    assert "a training is under way" in done.reason
    assert runs(sample) == []


def test_a_training_of_long_ago_that_is_run_again_is_under_way_until_nothing_is_heard_of_it(
    sample: Sample,
) -> None:
    """Cleared, it is the same run and began when it did."""
    run_id = begin_training(sample.place, "sample", A, A, "sunday", trigger="cli")
    aged = text("UPDATE deeplog.runs SET started_at = now() - interval '9 days' WHERE run_id = :run_id")
    with sample.place.engine.begin() as connection:
        connection.execute(aged, {"run_id": run_id})
    longest = timedelta(hours=12)
    assert training_under_way(sample.place.engine, "sample", longest) is None
    find_files(sample.place, run_id)
    found = training_under_way(sample.place.engine, "sample", longest)
    assert found is not None
    assert found.run_id == run_id
    assert training_under_way(sample.place.engine, "sample", timedelta(0)) is None


def test_a_training_that_begins_while_an_update_is_under_way_goes_on_from_its_result(sample: Sample) -> None:
    sample.run(A)
    say(sample, FALSE, by_detector(sample, "sessions")[0])
    made = updated(sample, rule="no").version or ""
    engine = sample.place.engine
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with ThreadPoolExecutor(1) as pool:
        with learning(engine, "sample"):
            begun = pool.submit(begin_training, sample.place, "sample", A, A, "sunday", trigger="cli")
            with engine.connect() as connection:
                while not connection.execute(waiting).scalar():
                    assert not begun.done(), "it did not wait"
            models.promote(engine, "sample", made, who="test", why="as an update would")
        assert ledger.get_run(engine, begun.result()).version == made


def test_an_update_that_breaks_says_so_in_the_ledger_and_the_next_one_learns(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.run(A)
    say(sample, FALSE, by_detector(sample, "sessions")[0])
    with monkeypatch.context() as patch:
        patch.setattr(feedback_step, "checks", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            updated(sample)
    with sample.place.engine.begin() as connection:
        assert runs(sample) == [("failed", "ZeroDivisionError: division by zero")]
        connection.execute(text("UPDATE deeplog.runs SET state = 'running' WHERE kind = 'feedback'"))
    assert updated(sample, "again").promoted
    assert runs(sample) == [("failed", "the process ended before it"), ("done", None)]


def test_a_backfill_with_the_champion_before_promotes_nothing_and_finds_it_again(sample: Sample) -> None:
    sample.run(A)
    before = champion(sample)
    false = by_detector(sample, "sessions")[0]
    say(sample, FALSE, false)
    done = updated(sample)
    sample.run(A, "keep", choice=before)
    assert champion(sample) == done.version
    assert false.anomaly_id in {each.anomaly_id for each in found(sample)}
    assert false.anomaly_id not in {each.anomaly_id for each in found(sample, hidden=False)}
