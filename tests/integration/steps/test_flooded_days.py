"""Days of which nearly every session is an anomaly, each by another sequence: bounded, and as if all were in memory."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest

from benchmarks.flooded_day import flood, measured
from deeplog_ops.detection.incidents import group
from deeplog_ops.detection.severity import anomaly_severity
from deeplog_ops.detection.verdicts import anomalies, flagged
from deeplog_ops.records import Anomaly
from deeplog_ops.steps import context_lines, day_anomalies, detect, session_verdicts
from deeplog_ops.steps import stage_rows as rows
from deeplog_ops.steps.assign_keys import version_catalogue
from deeplog_ops.steps.publish import publish
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.steps.training_sessions import TrainingSessions, training_sessions
from tests.integration.steps.conftest import SCORED_DAYS, Sample
from tests.integration.steps.lake_rows import last_run, stage_rows

DAY = SCORED_DAYS[0]
STAGES = ("anomalies", "anomaly_lines", "incidents", "opinions", "day_health")


def configured(sample: Sample, buckets: int, published: int) -> None:
    path = sample.root / "sources" / "sample.yaml"
    text = path.read_text().split("publish:")[0].splitlines()
    text = [f"  buckets: {buckets}" if line.startswith("  buckets:") else line for line in text]
    path.write_text("\n".join([*text, f"publish: {{anomalies: {published}}}"]) + "\n")


def flooded(sample: Sample, key: str, sessions: int = 600) -> int:
    """A run of the day with its sessions replaced by a flood of odd ones; it is not judged again as yet."""
    sample.run(DAY, key)
    run = last_run(sample, DAY)
    flood(sample.place, run, sessions)
    return run


def judged(sample: Sample, key: str) -> dict[str, list[dict[str, Any]]]:
    detect.detect(sample.place, flooded(sample, key))
    return {name: stage_rows(sample, DAY, name) for name in STAGES}


def test_many_shards_and_small_pieces_give_the_rows_and_the_order_of_one(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(sample, buckets=1, published=200)
    whole = judged(sample, "whole")
    assert len(whole["anomalies"]) > 400
    assert any(row["locator"].endswith(":2") for row in whole["anomalies"])
    assert len({row["anomaly_id"] for row in whole["anomaly_lines"]}) == 200
    assert sum("diagnosis" in row["details"] for row in whole["anomalies"]) <= 200
    configured(sample, buckets=7, published=200)
    for module in (session_verdicts, detect, context_lines, rows):
        monkeypatch.setattr(module, "AT_ONCE", 30)
    monkeypatch.setattr(context_lines, "READ_AT_ONCE", 40)
    monkeypatch.setattr(session_verdicts, "TOLD_AT_ONCE", 20)
    assert day_anomalies.rows.AT_ONCE == 30
    pieces = judged(sample, "in pieces")
    for name in STAGES:
        assert pieces[name] == whole[name], name


def test_what_goes_through_the_disk_is_what_is_found_in_memory(sample: Sample) -> None:
    configured(sample, buckets=3, published=10_000)
    run = flooded(sample, "day")
    detect.detect(sample.place, run)
    opened = OpenRun.of(sample.place, run)
    found = in_memory(opened)
    incidents, belongs = group(
        found,
        resolve=version_catalogue(opened).resolve,
        texts=detect.run_texts(opened, version_catalogue(opened)),
    )
    told = stage_rows(sample, DAY, "anomalies")
    assert [row["anomaly_id"] for row in told] == [each.anomaly_id for each in found]
    assert [row["incident_id"] for row in told] == [belongs[each.anomaly_id] for each in found]
    assert [row["reason"] for row in told] == [each.reason for each in found]
    assert [(row["line_no"], row["score"], row["rank"]) for row in told] == [
        (each.where.line_no, each.score, each.rank) for each in found
    ]
    expected = rows.incident_table(incidents).to_pylist()
    assert stage_rows(sample, DAY, "incidents") == expected


def in_memory(opened: OpenRun) -> list[Anomaly]:
    """All anomalies of a run's day, the worst first, as who has memory without bounds would find them."""
    version, lake = opened.version, opened.place.lake
    assert version is not None
    detection, evidence = opened.source.detection, version.evidence
    scores = pa.concat_tables(lake.read(opened.partition("scores")))
    sessions = pa.concat_tables(lake.read(opened.partition("sessions")))
    said, _ = flagged(scores, evidence, detection, detect.run_texts(opened, version_catalogue(opened)))
    made = anomalies(
        sessions,
        said,
        scores["sequence_id"].combine_chunks(),
        evidence.thresholds(detection.false_alarms)[0],
        source_key=opened.source.key,
        day=opened.run.day,
        model_version=version.version,
    )
    found = [anomaly for anomaly, _ in made]
    for name in detect.FINDINGS:
        found += list(rows.anomalies(pa.concat_tables(lake.read(opened.partition(name))), opened.run))
    return sorted(found, key=lambda each: (-anomaly_severity(each), -each.score, each.anomaly_id))


def test_the_worst_of_a_flood_are_published_and_the_others_counted(sample: Sample) -> None:
    configured(sample, buckets=5, published=50)
    run = flooded(sample, "day")
    done = detect.detect(sample.place, run)
    assert publish(sample.place, run).anomalies == done.anomalies > 400
    results = sample.results()
    worst = {row["anomaly_id"] for row in stage_rows(sample, DAY, "anomalies")[:50]}
    assert {row[1] for row in results["anomalies"]} == worst
    assert {row[-1] for row in results["anomalies"]} == {row[1] for row in results["incidents"]}


def test_four_times_the_anomalies_take_no_more_memory(sample: Sample) -> None:
    """In a process of its own each, working on so few at once that both days are many times more; what is left to grow
    are some 100 bytes an anomaly."""
    configured(sample, buckets=64, published=500)
    run = flooded(sample, "day", 3_000)
    url = sample.place.engine.url.render_as_string(hide_password=False)
    few = measured(sample.place, url, run, most=250)
    flood(sample.place, run, 12_000)
    many = measured(sample.place, url, run, most=250)
    # To hold the 9,000 anomalies more in memory took 139 MiB; what is left is mostly how pools happen to grow.
    assert many["publish"]["peak_mb"] - few["publish"]["peak_mb"] <= 70, (few, many)


def learnt(sample: Sample, key: str, buckets: int, sequences: int, seed: int = 0) -> TrainingSessions:
    """What a training would learn from of a day with 3,000 distinct sequences."""
    configured(sample, buckets, published=50)
    path = sample.root / "sources" / "sample.yaml"
    text = re.sub(r"\n  sequences: .*", "", re.sub(r"seed: \d+, ", "", path.read_text()))
    text = text.replace("training:\n", f"training:\n  sequences: {sequences}\n")
    path.write_text(text.replace("model: {", f"model: {{seed: {seed}, "))
    opened = OpenRun.of(sample.place, flooded(sample, key, 3_000))
    return training_sessions(opened, version_catalogue(opened))


def test_of_too_many_distinct_sequences_a_training_takes_a_sample_of_the_sessions(sample: Sample) -> None:
    whole = learnt(sample, "whole", 4, 3_000)
    assert (len(whole.sequences), whole.sessions, whole.sampled_out) == (3_000, 3_000, 0)
    part = learnt(sample, "part", 4, 1_000)
    assert 500 < len(part.sequences) <= 1_000
    assert part.sessions + part.sampled_out == 3_000
    assert set(part.sequences) < set(whole.sequences)
    assert learnt(sample, "other shards", 7, 1_000) == part
    assert learnt(sample, "other seed", 4, 1_000, seed=1).sequences != part.sequences
