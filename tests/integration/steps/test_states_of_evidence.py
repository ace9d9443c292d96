"""Days on which a kind of evidence is missing, or all there is: each works, and says so."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import text

from deeplog_ops.db import models as model_rows
from deeplog_ops.db import readers
from deeplog_ops.records import DayState
from deeplog_ops.simulate import read_labels
from deeplog_ops.steps.promote import promote
from deeplog_ops.steps.whole_runs import run_training
from tests.integration.steps.conftest import FIRST, SCORED_DAYS, Sample
from tests.integration.steps.plain_source import NAME, hours, plain_source

OPTIONAL = ("values", "rates", "workflows", "opinions")


def test_a_version_without_some_parts_judges_by_the_others_and_the_stages_say_so(sample: Sample) -> None:
    place, day = sample.place, SCORED_DAYS[0]
    champion = model_rows.champion(place.engine, "sample")
    assert champion is not None
    whole = place.registry.read("sample", champion)
    assert set(OPTIONAL) <= set(whole.parts)
    bare = replace(whole, parts={name: part for name, part in whole.parts.items() if name not in OPTIONAL})
    path = place.registry.write(bare)
    model_rows.register(
        place.engine, "sample", bare.version, path=path, metrics=bare.metrics, training_days=[FIRST],
        parent=None, seed=0, library_versions={}, created_by="test",
    )  # fmt: skip
    promote(place, "sample", bare.version, rule="yes", who="test")
    assert sample.run(day).state is DayState.SCORED
    results = sample.results()
    assert {row[2] for row in results["anomalies"]} == {"sessions"}
    assert all("diagnosis" not in json.loads(row[21]) for row in results["anomalies"])
    assert results["opinions"] == []
    assert len(results["health"]) == 1
    with place.engine.connect() as connection:
        said = dict(
            connection.execute(text("SELECT stage, message FROM bi.stages WHERE stage LIKE 'score_%'")).all()
        )
    assert "learnt nothing of values" in said["score_values"]
    assert "no rates" in said["score_rates"]


def test_a_day_that_warms_up_has_what_its_rules_found(sample: Sample) -> None:
    configuration = sample.root / "sources" / "sample.yaml"
    rule = "{name: anything, reason: Lines of the gateway., component: 'gateway.*', at_least: 100000}"
    every = "{name: errors, reason: An error., level: info}"
    configuration.write_text(
        configuration.read_text() + f"detection: {{least_sessions: 100000, rules: [{rule}, {every}]}}\n"
    )
    done = sample.run(SCORED_DAYS[0])
    assert done.state is DayState.WARMING_UP
    results = sample.results()
    assert {row[2] for row in results["anomalies"]} >= {"rules"}
    assert not {row[2] for row in results["anomalies"]} & {"sessions", "values", "rates"}
    assert results["incidents"]
    assert results["health"] == []


def test_rates_of_a_day_that_warms_up_are_told_and_not_counted(sample: Sample) -> None:
    """The sample's first scored day has a flood."""
    configuration = sample.root / "sources" / "sample.yaml"
    day = next(label.day for label in read_labels(sample.root / "labels.csv") if label.kind == "flood")
    sample.run(day)
    assert "rates" in {row[2] for row in sample.results()["anomalies"]}
    configuration.write_text(configuration.read_text() + "detection: {least_sessions: 100000}\n")
    assert sample.run(day, key="again").state is DayState.WARMING_UP
    assert sample.results()["anomalies"] == []
    with sample.place.engine.connect() as connection:
        message = connection.execute(
            text("SELECT message FROM bi.stages WHERE stage = 'score_rates' ORDER BY run_id DESC LIMIT 1")
        ).scalar_one()
    assert "not counted (the day is warming up): rate_" in message


def test_rates_from_few_days_say_so_on_the_day_and_with_each_finding(sample: Sample) -> None:
    """Trained from Monday to Wednesday."""
    for day in SCORED_DAYS:
        sample.run(day)
    results = sample.results()
    assert {row[2] for row in results["days"]} == {
        "rates are warming up: learnt from 3 days, without Thursday, Friday, Saturday, Sunday"
    }
    found = [row for row in results["anomalies"] if row[2] == "rates"]
    assert found
    assert all("learnt from 3 days only" in row[19] for row in found)
    assert all(json.loads(row[21])["warming_up"] for row in found)


def test_a_stream_of_a_single_template_is_learnt_and_a_flood_of_it_is_told_in_few_words(
    fresh_database: str, tmp_path: Path
) -> None:
    with plain_source(
        fresh_database, tmp_path, more="training: {days: 3, schedule: null}\nmodel: {epochs: 1}"
    ) as plain:
        first = date(2026, 3, 2)
        for number in range(3):
            day = first + timedelta(days=number)
            plain.write(f"{day}.log", *[moment for moment in hours(day) for _ in range(5)])
        day = first + timedelta(days=3)
        flood = [hours(day)[9]] * 20_000
        plain.write(f"{day}.log", *hours(day, 0, 8), *flood, *hours(day, 10))
        run_training(plain.place, NAME, first + timedelta(days=2), run_key="train", rule="yes", who="test")
        began = time.monotonic()
        assert plain.run(day).state is DayState.SCORED
        assert time.monotonic() - began < 60
        found = readers.day_report(plain.place.engine, NAME, day).anomalies
        settings = plain.place.source(NAME).publish
    (flooded,) = [each for each in found if each.detector == "sessions" and each.event_count == 20_000]
    assert "20,000 times" in flooded.reason
    assert len(json.dumps(flooded.details)) < 4_000
    assert len(flooded.lines) <= settings.lines_per_anomaly + 2 * settings.context_lines
    assert len({each.incident_id for each in found}) < 10
