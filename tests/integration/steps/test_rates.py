"""Rates from raw lines to findings: everything real but the size."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from deeplog_ops.db import models as model_rows
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.simulate import read_labels
from deeplog_ops.steps.assign_keys import version_catalogue
from deeplog_ops.steps.fit_rates import fit_rates
from deeplog_ops.steps.promote import promote
from deeplog_ops.steps.score_rates import score_rates
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.templates.catalogue import Catalogue
from tests.integration.steps.conftest import SCORED_DAYS, TRAINED, Sample, at
from tests.integration.steps.lake_rows import last_run, stage_rows

KINDS = {
    "flood": ("rate_burst", "rate_new"),
    "rare_burst": ("rate_burst", "rate_new"),
    "missing_heartbeat": ("rate_drop", "rate_vanished"),
}


@pytest.fixture
def with_rates(sample: Sample) -> Sample:
    """The sample with a champion that holds the rates of its training days."""
    run_id = training_run(sample)
    name = model_rows.champion(sample.place.engine, "sample")
    assert name is not None
    opened = OpenRun.of(sample.place, run_id)
    version = sample.place.registry.read("sample", name)
    part = fit_rates(opened, Catalogue.from_rows(version.catalogue))
    assert part is not None
    if "rates" not in version.parts:
        version = replace(version, parts={**version.parts, "rates": part})
        model_rows.register(
            sample.place.engine,
            "sample",
            version.version,
            path=sample.place.registry.write(version),
            metrics=version.metrics,
            training_days=[SCORED_DAYS[0] - timedelta(days=day) for day in range(TRAINED, 0, -1)],
            parent=None,
            seed=0,
            library_versions=version.library_versions,
            created_by="test",
            templates=Catalogue.from_rows(version.catalogue).templates,
        )
        promote(sample.place, "sample", version.version, rule="yes", who="test")
    return sample


def training_run(sample: Sample) -> int:
    with sample.place.engine.connect() as connection:
        return int(
            connection.execute(text("SELECT run_id FROM deeplog.runs WHERE kind = 'train'")).scalar_one()
        )


def scored(sample: Sample, day: date) -> list[dict[str, Any]]:
    sample.run(day)
    score_rates(sample.place, last_run(sample, day))
    return stage_rows(sample, day, "rate_findings")


def test_floods_bursts_and_missing_heartbeats_are_found_at_their_lines(with_rates: Sample) -> None:
    labels = [label for label in read_labels(with_rates.root / "labels.csv") if label.kind in KINDS]
    assert {label.kind for label in labels} == set(KINDS)
    missed = []
    for day in SCORED_DAYS:
        found = scored(with_rates, day)
        for label in (label for label in labels if label.day == day):
            if not any(_tells(row, label) for row in found):
                missed.append(label)
    assert missed == []


def _tells(row: dict[str, Any], label: Any) -> bool:
    moment = datetime.fromisoformat(label.time)
    near = row["first_time"] - timedelta(hours=1) <= moment <= row["last_time"]
    return row["kind"] in KINDS[label.kind] and near


def test_a_burst_leads_to_its_first_line_and_says_how_many_came(with_rates: Sample) -> None:
    labels = [label for label in read_labels(with_rates.root / "labels.csv") if label.kind == "flood"]
    row = max(scored(with_rates, labels[0].day), key=lambda row: row["event_count"])
    lines = stage_rows(with_rates, labels[0].day, "lines")
    line = next(
        each for each in lines if (each["file_id"], each["line_no"]) == (row["file_id"], row["line_no"])
    )
    assert "refused" in line["message"]
    assert row["event_count"] >= 400
    assert f"came {row['event_count']} times from" in row["reason"]
    assert row["session"] is None


def test_a_run_again_gives_the_same_findings(with_rates: Sample) -> None:
    first = scored(with_rates, SCORED_DAYS[0])
    with_rates.run(SCORED_DAYS[0], key="again")
    score_rates(with_rates.place, last_run(with_rates, SCORED_DAYS[0]))
    assert stage_rows(with_rates, SCORED_DAYS[0], "rate_findings") == first


def test_of_a_day_that_is_not_over_only_the_hours_that_are_count(with_rates: Sample) -> None:
    day = SCORED_DAYS[0]
    noon = datetime(day.year, day.month, day.day, 12, 20, tzinfo=UTC)
    early = at(with_rates, noon)
    for path in early.raw.glob(f"*{day}-1[3-9]*"):
        path.unlink()
    for path in early.raw.glob(f"*{day}-2*"):
        path.unlink()
    found = scored(early, day)
    assert [
        row for row in found if row["kind"] in ("rate_drop", "rate_vanished") and row["last_time"] > noon
    ] == []
    assert all(row["last_time"] <= noon for row in found)


def test_a_run_of_a_day_that_is_not_over_says_how_far_it_was_and_the_clock_changes_nothing(
    with_rates: Sample,
) -> None:
    """Later, the hours that were not written would be drops of everything."""
    day = SCORED_DAYS[0]
    noon = datetime(day.year, day.month, day.day, 12, 20, tzinfo=UTC)
    early = at(with_rates, noon)
    for hour in range(13, 24):
        for path in early.raw.glob(f"*{day}-{hour}*"):
            path.unlink()
    assert "the day was not over: rates are judged up to 12:20 UTC" in early.run(day).reason
    run_id = last_run(early, day)
    found = stage_rows(early, day, "rate_findings")
    assert score_rates(at(with_rates, noon + timedelta(days=9)).place, run_id) == len(found)
    assert stage_rows(early, day, "rate_findings") == found
    again = at(with_rates, noon + timedelta(days=9)).run(day, key="again")
    assert "not over" not in (again.reason or "")
    assert len(stage_rows(early, day, "rate_findings")) > len(found), "another input: the day is over"
    with early.place.engine.connect() as connection:
        passed = connection.execute(
            text("SELECT passed_to FROM bi.runs WHERE kind = 'daily' ORDER BY run_id")
        ).scalars()
        assert list(passed) == [noon, datetime.combine(day + timedelta(days=1), noon.min.time(), UTC)]


def test_a_version_without_rates_has_no_findings(sample: Sample) -> None:
    day = SCORED_DAYS[0]
    sample.run(day)
    opened = OpenRun.of(sample.place, last_run(sample, day))
    assert version_catalogue(opened).templates
    if opened.version is not None and opened.version.part("rates") is None:
        assert score_rates(sample.place, last_run(sample, day)) == 0


def test_few_training_days_give_no_rates(sample: Sample) -> None:
    opened = OpenRun.of(sample.place, training_run(sample))
    rates = opened.source.detection.rates.model_copy(update={"least_days": TRAINED + 1})
    detection = opened.source.detection.model_copy(update={"rates": rates})
    short = replace(opened, source=opened.source.model_copy(update={"detection": detection}))
    assert fit_rates(short, Catalogue(())) is None
    part = fit_rates(opened, Catalogue(()))
    assert part is not None
    assert RateBaseline.restore(part).days == TRAINED
