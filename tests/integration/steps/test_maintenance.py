"""What is old goes, what is live stays, and what a killed attempt left is garbage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from deeplog_ops.db import models, readers
from deeplog_ops.steps import maintenance
from deeplog_ops.steps.whole_runs import run_training
from tests.integration.steps.conftest import SCORED_DAYS, Sample, at

A, B, C = SCORED_DAYS


def parts(sample: Sample) -> list[Path]:
    return sorted((sample.root / "lake").rglob("*.parquet"))


def later(days: float) -> datetime:
    """By the clock of the files, which were written now."""
    return datetime.now(UTC) + timedelta(days=days)


def test_garbage_of_a_killed_attempt_goes_once_it_is_old_and_live_files_stay(sample: Sample) -> None:
    sample.run(A)
    live = parts(sample)
    writer = sample.place.lake.attempt("sample", A, "lines", 999, 1)
    writer.close()
    assert len(parts(sample)) == len(live) + 1
    young = at(sample, datetime.now(UTC))
    assert maintenance.collect_garbage(young.place, "sample") == {"partitions": 0, "versions": 0}
    assert maintenance.collect_garbage(at(sample, later(3)).place, "sample")["partitions"] == 1
    assert parts(sample) == live
    sample.run(A, "again")
    assert sample.run(A, f"test-{A}").events > 0


def test_old_partitions_and_old_results_expire_each_at_its_time(sample: Sample) -> None:
    for day in (A, B):
        sample.run(day)
    before = sample.results()
    settings = sample.place.source("sample").retention
    noon = datetime(B.year, B.month, B.day, 12, tzinfo=UTC)
    done = maintenance.expire(at(sample, noon + timedelta(days=settings.lake_days)).place, "sample")
    assert done["rows"] == 0
    assert {path.parts[-3] for path in parts(sample)} == {f"day={B}"}
    assert sample.results() == before, "results outlive the lake"
    done = maintenance.expire(at(sample, noon + timedelta(days=settings.results_days)).place, "sample")
    assert done["rows"] > 0
    left = sample.results()
    assert {row[0] for row in left["days"]} == {B}
    assert {row[0] for row in left["anomalies"]} <= {B}
    assert left["templates"] == before["templates"], "ids are for ever"
    sample.run(A, "from the raw files again")
    assert [row for row in sample.results()["anomalies"] if row[0] == A] == [
        row for row in before["anomalies"] if row[0] == A
    ]


def test_pruning_keeps_champions_and_versions_that_days_refer_to(sample: Sample) -> None:
    sample.run(A)
    used = readers.coverage(sample.place.engine, "sample")[0].model_version
    configuration = sample.place.sources / "sample.yaml"
    configuration.write_text(configuration.read_text() + "retention: {versions: 2}\n")
    versions = []
    for number in range(1, 6):
        text_now = configuration.read_text()
        configuration.write_text(text_now.replace("epochs: 6", f"epochs: 1, seed: {number}"))
        version, _ = run_training(
            sample.place,
            "sample",
            A - timedelta(days=1),
            run_key=f"train-{number}",
            days=1,
            rule="no",
            who="test",
        )
        versions.append(version)
        configuration.write_text(text_now)
    assert len(set(versions)) == 5
    doomed = maintenance.prune_versions(sample.place, "sample")
    assert len(doomed) == 3
    assert not set(doomed) & {used, models.champion(sample.place.engine, "sample")}
    assert set(sample.place.registry.list("sample")) == {used, *versions} - set(doomed)
    assert sample.run(A, "still", choice="keep").state == "scored"
    assert maintenance.prune_versions(sample.place, "sample") == []


def test_maintenance_of_a_source_that_never_ran_finds_nothing(sample: Sample) -> None:
    path = sample.place.sources / "young.yaml"
    path.write_text(
        (sample.place.sources / "sample.yaml").read_text().replace("name: sample\n", "name: young\n", 1)
    )
    with sample.place.engine.connect() as connection:
        before = connection.execute(text("SELECT count(*) FROM deeplog.sources")).scalar_one()
    assert maintenance.expire(sample.place, "young") == {"rows": 0, "partitions": 0}
    assert maintenance.collect_garbage(sample.place, "young") == {"partitions": 0, "versions": 0}
    assert maintenance.prune_versions(sample.place, "young") == []
    with sample.place.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM deeplog.sources")).scalar_one() >= before
