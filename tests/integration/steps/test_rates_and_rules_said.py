"""What people say of odd rates is learnt; a rule that they call a false positive is not shown again for its template."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from deeplog_ops.db import models as model_rows
from deeplog_ops.db import readers
from deeplog_ops.db.verdicts import VerdictKind, withdraw
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.simulate import read_labels
from deeplog_ops.steps.feedback import update
from deeplog_ops.steps.say import Said, say_verdict, subject_of
from deeplog_ops.steps.whole_runs import run_training
from tests.integration.steps.conftest import SCORED_DAYS, Sample
from tests.integration.steps.plain_source import NAME, Plain, hours, plain_source

FALSE, TRUE = VerdictKind.FALSE_POSITIVE, VerdictKind.TRUE_POSITIVE
RULES = (
    "detection:\n  rules:\n    - {name: lost, reason: It is lost, words: [lost]}\n"
    "    - {name: gone, reason: It is gone, words: [gone]}\n"
)


def say(place: Any, source: str, kind: VerdictKind, anomaly_id: str) -> Said:
    return say_verdict(place, source, kind, subject_of(place, source, anomaly=anomaly_id), who="ann")


def rates(sample: Sample, day: date) -> list[readers.PublishedAnomaly]:
    report = readers.day_report(sample.place.engine, "sample", day, hidden=True)
    return [each for each in report.anomalies if each.detector == "rates"]


def learnt(sample: Sample) -> set[str]:
    name = model_rows.champion(sample.place.engine, "sample")
    assert name is not None
    part = sample.place.registry.read("sample", name).part("rates")
    assert part is not None
    return {each.anomaly_id for each in RateBaseline.restore(part).vouched}


@pytest.fixture
def flooded(sample: Sample) -> tuple[Sample, date, readers.PublishedAnomaly]:
    """A day of the sample with a flood, scored, and the flood."""
    day = next(label.day for label in read_labels(sample.root / "labels.csv") if label.kind == "flood")
    sample.run(day)
    return sample, day, max(rates(sample, day), key=lambda each: each.event_count)


def test_a_false_positive_of_a_rate_is_gone_after_the_update(
    flooded: tuple[Sample, date, readers.PublishedAnomaly],
) -> None:
    sample, day, flood = flooded
    others = {each.anomaly_id for each in rates(sample, day)} - {flood.anomaly_id}
    said = say(sample.place, "sample", FALSE, flood.anomaly_id)
    assert (said.rates, said.kept) == (1, 0)
    done = update(sample.place, "sample", who="test", run_key="u1")
    assert (done.learnt, done.promoted) == (1, True)
    assert learnt(sample) == {flood.anomaly_id}
    sample.run(day, key="again")
    assert {each.anomaly_id for each in rates(sample, day)} == others
    again = update(sample.place, "sample", who="test", run_key="u2")
    assert (again.version, again.learnt) == (None, 0), "it is learnt once, though the row is gone"


def test_training_learns_it_too_and_not_once_it_is_withdrawn(
    flooded: tuple[Sample, date, readers.PublishedAnomaly],
) -> None:
    sample, _, flood = flooded
    said = say(sample.place, "sample", FALSE, flood.anomaly_id)
    last = SCORED_DAYS[0] - timedelta(days=1)
    run_training(sample.place, "sample", last, run_key="t1", rule="yes", who="test")
    assert learnt(sample) == {flood.anomaly_id}
    withdraw(sample.place.engine, said.verdict_id, who="ann")
    run_training(sample.place, "sample", last, run_key="t2", rule="yes", who="test")
    assert learnt(sample) == set()


def test_a_real_rate_that_would_pass_keeps_the_champion(
    flooded: tuple[Sample, date, readers.PublishedAnomaly],
) -> None:
    """The same anomaly stands for one of its like: another id, kept for a true positive."""
    sample, _, flood = flooded
    false = say(sample.place, "sample", FALSE, flood.anomaly_id)
    with sample.place.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO deeplog.verdicts (source_id, who, kind, scope, day, anomaly_id) "
                "SELECT source_id, who, 'true_positive', scope, day, 'another' FROM deeplog.verdicts"
            )
        )
        connection.execute(
            text(
                "INSERT INTO deeplog.feedback_findings (source_id, verdict_id, day, anomaly_id, detector, normal, "
                "template_id, rising, begins_at, ends_at, events, counts) SELECT source_id, verdict_id + 1, day, 'another', "
                "detector, false, template_id, rising, begins_at, ends_at, events, counts FROM deeplog.feedback_findings"
            )
        )
    assert false.verdict_id == 1
    before = learnt(sample)
    done = update(sample.place, "sample", who="test", run_key="u1")
    assert not done.promoted
    assert "0 of 1 real ones stay odd; lost: another" in done.reason
    assert learnt(sample) == before


@pytest.mark.parametrize("by", ["update", "training"])
def test_a_new_template_whose_rate_was_called_normal_is_known_on_later_days_by_its_own_text(
    fresh_database: str, tmp_path: Path, by: str
) -> None:
    """The next day would mine another text from its own messages, and so another template."""
    monday = date(2026, 3, 2)
    last, first, second = (monday + timedelta(days=number) for number in (6, 7, 8))
    with plain_source(fresh_database, tmp_path, more="model: {epochs: 1}\n") as source:
        for number in range(9):
            day = monday + timedelta(days=number)
            source.write("a.log", *(moment for moment in hours(day) for _ in range(5 + moment.hour % 3)))
        for word in ("alpha", "beta", "gamma", "delta", "epsilon", "zeta"):
            source.write(
                "b.log",
                *[datetime(first.year, first.month, first.day, 10)] * 80,
                message=f"crane {word} rests",
            )
        source.write(
            "c.log", *[datetime(second.year, second.month, second.day, 10)] * 80, message="crane omega rests"
        )
        run_training(source.place, NAME, last, run_key="t1", days=7, rule="yes", who="test")
        source.run(first)
        (odd,) = odd_rates(source, first)
        assert odd.template == "crane <*> rests"
        say(source.place, NAME, FALSE, odd.anomaly_id)
        if by == "update":
            done = update(source.place, NAME, who="test", run_key="u1")
            assert (done.learnt, done.promoted) == (1, True)
        else:
            run_training(source.place, NAME, last, run_key="t2", days=7, rule="yes", who="test")
        source.run(second)
        assert odd_rates(source, second) == []


def odd_rates(source: Plain, day: date) -> list[readers.PublishedAnomaly]:
    report = readers.day_report(source.place.engine, NAME, day, hidden=True)
    return [each for each in report.anomalies if each.detector == "rates"]


def shown(source: Plain) -> set[tuple[date, str, bool]]:
    with source.place.engine.connect() as connection:
        rows = connection.execute(text("SELECT day, kind, locator, template, shown FROM bi.anomalies"))
        return {(row.day, f"{row.locator} {row.template}", row.shown) for row in rows}


def test_a_rule_that_was_a_false_positive_is_hidden_for_its_template_alone_until_that_is_withdrawn(
    fresh_database: str, tmp_path: Path
) -> None:
    first, second = date(2026, 3, 2), date(2026, 3, 3)
    with plain_source(fresh_database, tmp_path, more=RULES) as source:
        for day in (first, second):
            for hour, message in ((1, "lease lost"), (3, "packet is lost for ever"), (5, "lease gone")):
                source.write("a.log", datetime(day.year, day.month, day.day, hour), message=message)
            source.run(day)
        lease = [(day, row) for day, row, _ in shown(source) if "lost" in row and "lease" in row]
        assert len(lease) == 2
        with source.place.engine.connect() as connection:
            one = connection.execute(
                text("SELECT anomaly_id FROM bi.anomalies WHERE day = :day AND template = 'lease lost'"),
                {"day": first},
            ).scalar_one()
        before = shown(source)
        assert all(each for _, _, each in before)
        said = say(source.place, NAME, FALSE, one)
        assert [rule for rule, _ in said.rules] == ["lost"]
        hidden = {(day, row) for day, row, seen in shown(source) if not seen}
        assert hidden == set(lease), "of both days, and neither the other template nor the other rule"
        with source.place.engine.connect() as connection:
            told = connection.execute(text("SELECT rule, template, who FROM bi.rule_suppressions")).all()
        assert [tuple(row) for row in told] == [("lost", "lease lost", "ann")]
        source.run(second, key="again")
        assert {(day, row) for day, row, seen in shown(source) if not seen} == set(lease)
        withdraw(source.place.engine, said.verdict_id, who="ann")
        assert shown(source) == before


def test_a_false_positive_of_a_rules_incident_hides_it_too(fresh_database: str, tmp_path: Path) -> None:
    with plain_source(fresh_database, tmp_path, more=RULES) as source:
        source.write("a.log", datetime(2026, 3, 2, 1), message="lease lost")
        source.run(date(2026, 3, 2))
        with source.place.engine.connect() as connection:
            (incident,) = connection.execute(text("SELECT incident_id FROM bi.incidents")).scalars()
        subject = subject_of(source.place, NAME, incident=incident)
        said = say_verdict(source.place, NAME, FALSE, subject, who="ann")
        assert [rule for rule, _ in said.rules] == ["lost"]
        assert {seen for _, _, seen in shown(source)} == {False}


def test_a_nearer_verdict_than_the_rules_counts(fresh_database: str, tmp_path: Path) -> None:
    first, second = date(2026, 3, 2), date(2026, 3, 3)
    with plain_source(fresh_database, tmp_path, more=RULES) as source:
        ids = {}
        for day in (first, second):
            source.write("a.log", datetime(day.year, day.month, day.day, 1), message="lease lost")
            source.run(day)
            with source.place.engine.connect() as connection:
                ids[day] = connection.execute(
                    text("SELECT anomaly_id FROM bi.anomalies WHERE day = :day"), {"day": day}
                ).scalar_one()
        say(source.place, NAME, TRUE, ids[second])
        say(source.place, NAME, FALSE, ids[first])
        assert {day: seen for day, _, seen in shown(source)} == {first: False, second: True}
