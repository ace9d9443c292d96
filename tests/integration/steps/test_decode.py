"""Workflows found anew: from the sessions of scored days, and from a stream whose tasks interleave."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from deeplog_ops.db import models
from deeplog_ops.db.workflows import workflows
from deeplog_ops.errors import MissingInput
from deeplog_ops.steps.decode import decode
from deeplog_ops.steps.fit_workflows import workflow_of
from deeplog_ops.steps.whole_runs import run_training
from deeplog_ops.steps.workflow_rows import read_workflows
from deeplog_ops.steps.workplace import Workplace
from tests.integration.steps.conftest import SCORED_DAYS, Sample
from tests.integration.steps.plain_source import plain_source
from tests.integration.steps.test_cli import Run, platform, run

__all__ = ["platform", "run"]
A, B, C = SCORED_DAYS
DAY = date(2026, 3, 2)
JOB = ("job accepted by the queue", "job copied its input", "job finished and left the queue")
SCAN = ("scan of the disk begins", "disk sector was read", "scan of the disk ends")


def rows_of(place: Workplace, source: str = "sample") -> list[tuple[int, str | None]]:
    champion = models.champion(place.engine, source)
    nodes, _ = workflows(place.engine, source, champion or "", "cooccurrence")
    return [(node.workflow, node.template_id) for node in nodes]


def test_sessions_of_scored_days_give_the_workflow_without_what_is_anomalous(sample: Sample) -> None:
    for day in (A, B):
        sample.run(day)
    champion = models.champion(sample.place.engine, "sample")
    before = sample.place.registry.read("sample", champion or "")
    done = decode(sample.place, "sample", A, days=5)
    assert (done.version, done.days, len(done.workflows)) == (champion, (A, B), 1)
    assert rows_of(sample.place) == [
        (0, node.key or None) for node in sorted(done.workflows[0].nodes, key=lambda node: node.node_id)
    ]
    shown = read_workflows(sample.place, "sample")
    assert set(shown.workflows[0].edges) == set(done.workflows[0].edges)
    trained = workflow_of(before)
    assert trained is not None
    steps = {node.key for node in done.workflows[0].nodes}
    assert len(steps) > 10
    assert steps <= {node.key for node in trained.nodes}, "what training never saw is anomalous"
    after = sample.place.registry.read("sample", champion or "")
    assert after.part("workflows") == before.part("workflows"), "a version never changes"


def test_days_that_the_lake_has_not_are_named_and_nothing_is_written(sample: Sample) -> None:
    before = rows_of(sample.place)
    with pytest.raises(MissingInput, match=f"the lake has none of the days asked for of sample \\({C}\\)"):
        decode(sample.place, "sample", C, days=1)
    assert rows_of(sample.place) == before


def interleaved(seed: int) -> list[str]:
    """Runs of two tasks, one run of each at a time, written as they come."""
    random = Random(seed)
    left = {JOB: list(JOB) * 120, SCAN: list(SCAN) * 120}
    written = []
    while any(left.values()):
        task = random.choice([task for task, lines in left.items() if lines])
        written.append(left[task].pop(0))
    return written


def test_tasks_that_interleave_in_a_stream_become_a_workflow_each(
    fresh_database: str, tmp_path: Path
) -> None:
    with plain_source(fresh_database, tmp_path, more="model: {epochs: 1}") as plain:
        start = datetime(DAY.year, DAY.month, DAY.day)
        for number, message in enumerate(interleaved(seed=5)):
            plain.write("day.log", start + timedelta(seconds=100 * number), message=message)
        run_training(plain.place, "plain", DAY, run_key="train", days=1, rule="yes")
        plain.run(DAY)
        done = decode(plain.place, "plain", DAY, days=1)
        texts = read_workflows(plain.place, "plain").texts
        found = [[texts.get(node.key, "") for node in flow.nodes if node.key] for flow in done.workflows]
        assert sorted(sorted(steps) for steps in found) == sorted([sorted(JOB), sorted(SCAN)])
        assert {number for number, _ in rows_of(plain.place, "plain")} == {0, 1}


def test_the_workflow_is_told_in_words_and_drawn(platform: Sample, run: Run) -> None:
    done = run("workflow", "show", "sample")
    assert done.code == 0, done.err
    assert "by cooccurrence: 1 workflow" in done.out
    assert "next: " in done.out
    picture, graph = platform.root / "flow.svg", platform.root / "flow.dot"
    done = run(
        "workflow", "show", "sample", "--svg", str(picture), "--dot", str(graph), "--method", "predictions"
    )
    assert done.out.splitlines() == [f"written to {picture}", f"written to {graph}"]
    assert picture.read_text().startswith("<svg ")
    assert graph.read_text().startswith("digraph")
    assert run("workflow", "show", "sample", "--version", "none").code == 5


def test_an_update_is_told_with_its_checks(platform: Sample, run: Run) -> None:
    assert run("feedback", "sample").out.startswith("nothing new: the champion")
