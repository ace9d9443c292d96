"""What every DAG of the platform has, and what parsing them may not need."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
KINDS = ("daily", "train", "feedback", "decode", "maintenance")


def test_every_source_has_its_dags_and_no_file_breaks(dag_bag: Any) -> None:
    assert not dag_bag.import_errors
    assert set(dag_bag.dags) == {f"{name}__{kind}" for name in ("blocks", "large", "torn") for kind in KINDS}


def test_every_dag_has_docs_tags_owner_retries_and_timeouts(dag_bag: Any) -> None:
    for dag in dag_bag.dags.values():
        name, kind = dag.dag_id.split("__")
        assert dag.doc_md, dag.dag_id
        assert {"deeplog", kind} <= set(dag.tags), dag.dag_id
        assert not dag.catchup, dag.dag_id
        if name == "torn":
            continue
        assert name in dag.tags
        for task in dag.tasks:
            assert task.owner == "storage", task
            assert task.execution_timeout is not None, task
            assert task.execution_timeout >= timedelta(hours=1), task
            assert task.retries >= 1 or task.task_id == "close_run", task
            assert task.doc_md or task.python_callable.__doc__, task


def test_the_daily_dag_shows_every_stage_in_order(dag_bag: Any) -> None:
    dag = dag_bag.dags["blocks__daily"]
    stages = [
        "name_day",
        "wait_for_files",
        "begin",
        "find_files",
        "ingest",
        "assign_keys",
        "sequence",
        "score",
        "detect",
        "publish",
    ]
    order = [task.task_id for task in dag.topological_sort()]
    assert [name for name in order if name in stages] == stages
    evidence = {"score_values", "score_rates", "apply_rules"}
    assert set(order) == {*stages, *evidence, "close_run"}
    assert evidence < dag.get_task("detect").upstream_task_ids
    for before, after in pairwise(stages):
        assert before in dag.get_task(after).upstream_task_ids


def test_a_failure_anywhere_is_recorded_and_still_fails_the_run(dag_bag: Any) -> None:
    for kind, last in (("daily", "publish"), ("train", "promote")):
        dag = dag_bag.dags[f"blocks__{kind}"]
        recorder = dag.get_task("close_run")
        assert recorder.is_teardown
        assert not recorder.on_failure_fail_dagrun
        assert last in recorder.upstream_task_ids
        # A teardown does not decide how a run ends: the last stage does.
        assert not recorder.downstream_task_ids


def test_the_day_is_the_calendar_day_of_the_source(dag_bag: Any) -> None:
    timetable = dag_bag.dags["blocks__daily"].timetable
    assert "Europe/Berlin" in repr(timetable) or "Europe/Berlin" in str(getattr(timetable, "timezone", ""))


def test_a_source_without_a_schedule_can_still_be_run_by_hand(dag_bag: Any) -> None:
    assert dag_bag.dags["large__daily"].schedule is None


def test_the_form_has_a_date_field_and_the_sources_own_options(dag_bag: Any) -> None:
    daily, train = dag_bag.dags["blocks__daily"], dag_bag.dags["blocks__train"]
    assert daily.params.get_param("day").schema["format"] == "date"
    assert set(daily.params) == {"day", "model", "wait"}
    assert set(train.params) == {"last_day", "days", "epochs", "promote"}
    assert train.params["days"] == 14


def test_training_runs_one_at_a_time_and_only_the_fit_asks_for_a_worker(dag_bag: Any) -> None:
    assert dag_bag.dags["blocks__train"].max_active_runs == 1
    large = dag_bag.dags["large__train"]
    assert {task.task_id for task in large.tasks if task.queue == "gpu"} == {"fit"}
    assert {task.task_id for task in large.tasks if task.pool == "gpu"} == {"fit"}
    assert not {task.task_id for task in dag_bag.dags["blocks__train"].tasks if task.queue == "gpu"}


def test_updates_run_nightly_one_at_a_time_and_never_while_they_are_not_wanted(dag_bag: Any) -> None:
    from airflow.sdk import CronTriggerTimetable

    nightly, by_hand = dag_bag.dags["blocks__feedback"], dag_bag.dags["large__feedback"]
    assert nightly.schedule == CronTriggerTimetable("0 3 * * *", timezone="Europe/Berlin")
    assert by_hand.schedule is None
    for dag in (nightly, by_hand):
        assert dag.max_active_runs == 1
        assert set(dag.params) == {"promote"}
        assert dag.task_ids == ["learn_feedback"]
    assert by_hand.get_task("learn_feedback").pool == "gpu"


def test_workflows_are_found_anew_by_hand_only(dag_bag: Any) -> None:
    dag = dag_bag.dags["blocks__decode"]
    assert dag.schedule is None
    assert set(dag.params) == {"first_day", "days"}
    assert dag.params.get_param("first_day").schema["format"] == "date"


def test_a_broken_configuration_breaks_only_its_own_dags_and_says_where(dag_bag: Any) -> None:
    broken = dag_bag.dags["torn__daily"]
    assert "broken-configuration" in broken.tags
    assert "torn.yaml:4: sesions is not a setting; did you mean sessions?" in broken.doc_md
    with pytest.raises(Exception, match="did you mean sessions"):
        broken.get_task("configuration").python_callable()


def test_dag_files_are_thin() -> None:
    for path in sorted((REPOSITORY / "dags").glob("*.py")):
        assert len(path.read_text().splitlines()) <= 120, path
        assert ast.get_docstring(ast.parse(path.read_text())), path


@pytest.mark.parametrize("kind", KINDS)
def test_parsing_a_dag_file_needs_neither_torch_nor_a_data_frame_library(kind: str, dag_bag: Any) -> None:
    code = (
        f"import sys, runpy; runpy.run_path({str(REPOSITORY / 'dags' / (kind + '.py'))!r}); "
        "heavy = {'torch', 'polars', 'pandas', 'pyarrow', 'sklearn', 'drain3'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ.copy())
    assert done.returncode == 0, done.stderr[-2000:]
