"""What is said of a day reads its sessions from the lake while it has them; what is gone is said to be gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from deeplog_ops.db import readers, verdicts
from deeplog_ops.db.verdict_subjects import Subject
from deeplog_ops.db.verdicts import KeptSession, VerdictKind
from deeplog_ops.steps import maintenance
from deeplog_ops.steps import say as say_step
from deeplog_ops.steps.say import keep_what_was_said, say_verdict, subject_of
from tests.integration.steps.conftest import SCORED_DAYS, Sample, at
from tests.integration.steps.lake_rows import stage_rows

A, B, C = SCORED_DAYS
FALSE, TRUE = VerdictKind.FALSE_POSITIVE, VerdictKind.TRUE_POSITIVE


def worst(sample: Sample, day: Any = A) -> readers.PublishedAnomaly:
    return readers.day_report(sample.place.engine, "sample", day).anomalies[0]


def say(sample: Sample, kind: VerdictKind, day: Any = A, **more: Any) -> Any:
    subject = subject_of(sample.place, "sample", anomaly=worst(sample, day).anomaly_id[:10])
    return say_verdict(sample.place, "sample", kind, subject, who="ann", **more)


def learnt(sample: Sample) -> list[KeptSession]:
    return list(verdicts.normal_sessions(sample.place.engine, "sample"))


def expire_lake(sample: Sample) -> None:
    settings = sample.place.source("sample").retention
    later = datetime(C.year, C.month, C.day, 12, tzinfo=UTC) + timedelta(days=settings.lake_days + 1)
    maintenance.expire(at(sample, later).place, "sample")


def test_a_false_positive_keeps_its_session_as_the_lake_has_it(sample: Sample) -> None:
    sample.run(A)
    found = worst(sample)
    done = say(sample, FALSE)
    assert (done.anomalies, done.kept, done.gone, done.beyond) == (1, 1, (), 0)
    (kept,) = learnt(sample)
    (row,) = [row for row in stage_rows(sample, A, "sessions") if row["session"] == found.session]
    events = {(event["file_id"], event["line_no"]): event for event in stage_rows(sample, A, "events")}
    own = [events[place] for place in zip(row["file_ids"], row["line_nos"], strict=True)]
    assert (kept.day, kept.session, kept.piece) == (A, found.session, row["piece"])
    assert kept.keys == tuple(row["keys"]) == tuple(event["key"] for event in own)
    assert kept.times == tuple(row["times"])
    assert kept.parameters == tuple(tuple(event["parameters"]) for event in own)
    assert kept.numbers == tuple(tuple(event["numbers"]) for event in own)
    assert any(kept.parameters)
    assert found.anomaly_id not in {
        anomaly.anomaly_id for anomaly in readers.day_report(sample.place.engine, "sample", A).anomalies
    }


def test_what_was_kept_outlives_the_lake_and_a_rerun(sample: Sample) -> None:
    sample.run(A)
    say(sample, FALSE)
    before = learnt(sample)
    expire_lake(sample)
    assert learnt(sample) == before
    sample.run(A, "again")
    assert learnt(sample) == before


def test_when_the_lines_are_gone_the_verdict_holds_and_training_learns_nothing_from_it(
    sample: Sample,
) -> None:
    sample.run(A)
    found = worst(sample)
    expire_lake(sample)
    done = say(sample, FALSE)
    assert (done.kept, done.gone) == (0, ((A, found.session),))
    assert learnt(sample) == []
    assert found.anomaly_id not in {
        anomaly.anomaly_id for anomaly in readers.day_report(sample.place.engine, "sample", A).anomalies
    }
    sample.run(A, "from the raw files again")
    assert keep_what_was_said(sample.place, "sample") == 1
    assert [kept.session for kept in learnt(sample)] == [found.session]


def test_files_that_were_lost_are_as_good_as_gone(sample: Sample) -> None:
    sample.run(A)
    for path in (sample.root / "lake" / "events").rglob(f"day={A}/**/*.parquet"):
        path.unlink()
    done = say(sample, FALSE)
    assert (done.anomalies, done.kept, len(done.gone)) == (1, 0, 1)


def test_a_true_positive_is_left_out_of_training_with_or_without_its_lines(sample: Sample) -> None:
    for day in (A, B):
        sample.run(day)
    first, second = worst(sample, A), worst(sample, B)
    say(sample, TRUE, A)
    expire_lake(sample)
    done = say(sample, TRUE, B)
    assert len(done.gone) == 1
    engine = sample.place.engine
    assert verdicts.kept_out(engine, "sample", A, B) == {(A, first.session), (B, second.session)}
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM deeplog.anomalies"))
    assert verdicts.kept_out(engine, "sample", A, B) == {(A, first.session), (B, second.session)}
    assert [(row.session, row.anomalous) for row in verdicts.labelled_sessions(engine, "sample")] == [
        (first.session, True)
    ]


@pytest.mark.parametrize("kind", [VerdictKind.EXPECTED, VerdictKind.MUTE])
def test_what_is_expected_or_muted_teaches_nothing(sample: Sample, kind: VerdictKind) -> None:
    sample.run(A)
    done = say(sample, kind, until=A)
    assert (done.anomalies, done.kept, done.gone) == (1, 0, ())
    assert learnt(sample) == []
    assert keep_what_was_said(sample.place, "sample") == 0


def test_a_verdict_keeps_so_many_sessions_and_no_more_however_often_training_asks(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(say_step, "MOST_SESSIONS", 1)
    for day in (A, B, C):
        sample.run(day)
    done = say_verdict(sample.place, "sample", FALSE, Subject.session("re:.+"), who="ann")
    with sample.place.engine.connect() as connection:
        named = connection.execute(
            text("SELECT count(DISTINCT (day, session)) FROM bi.anomalies WHERE session IS NOT NULL")
        ).scalar_one()
    assert (done.kept, done.beyond) == (1, named - 1)
    assert done.beyond > 0
    assert keep_what_was_said(sample.place, "sample") == 0
    found = [row.day for row in readers.coverage(sample.place.engine, "sample") if row.anomalies]
    assert [kept.day for kept in learnt(sample)] == found[-1:], "the latest"


def test_a_verdict_on_many_keeps_the_sessions_of_later_days_when_training_asks(sample: Sample) -> None:
    sample.run(A)
    done = say_verdict(sample.place, "sample", FALSE, Subject.session("re:.+"), who="ann")
    on_a = {kept.session for kept in learnt(sample)}
    assert done.anomalies == done.kept == len(on_a) > 0
    assert keep_what_was_said(sample.place, "sample") == 0
    sample.run(B)
    of_b = {
        row.session for row in readers.day_report(sample.place.engine, "sample", B, hidden=True).anomalies
    }
    assert keep_what_was_said(sample.place, "sample") == len(of_b) > 0
    assert {kept.session for kept in learnt(sample)} == on_a | of_b
    assert readers.day_report(sample.place.engine, "sample", B).anomalies == ()
