"""The nightly job under a real scheduler: backfill, by hand for a date, by form, without a date, and a killed task."""

from __future__ import annotations

import os
import re
import signal
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psutil
import pytest
from sqlalchemy import text

from tests.e2e.conftest import DAYS, PATIENCE, Installation
from tests.integration.steps.conftest import RESULTS

pytestmark = pytest.mark.e2e
DAILY = "sample__daily"


def results(installation: Installation, day: date) -> dict[str, list[Any]]:
    with installation.engine.connect() as connection:
        found = {name: [tuple(row) for row in connection.execute(text(sql))] for name, sql in RESULTS.items()}
    return {name: [row for row in rows if row[0] == day] for name, rows in found.items()}


def runs(installation: Installation, day: date) -> list[tuple[str, str]]:
    with installation.engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT trigger, state FROM deeplog.runs WHERE kind = 'daily' AND day = :day ORDER BY run_id"
            ),
            {"day": day},
        )
        return [(row.trigger, row.state) for row in found]


def finished(installation: Installation, **body: Any) -> None:
    """Trigger the daily DAG as the API does, and wait for its end."""
    api = installation.api
    answer = api._request("POST", f"/api/v2/dags/{DAILY}/dagRuns", {"logical_date": None, **body})
    api.wait_for_run(DAILY, answer["dag_run_id"], PATIENCE, lambda _: None)


def test_a_backfill_scores_each_of_its_days_once(installation: Installation) -> None:
    first, last = DAYS[0], DAYS[1]
    installation.api.backfill(DAILY, first, last, max_active_runs=2, seconds=PATIENCE, say=lambda _: None)
    for day in (first, last):
        found = results(installation, day)
        assert [row[1] for row in found["days"]] == ["scored"]
        assert found["days"][0][4] > 1000
        assert runs(installation, day) == [("backfill", "done")]
    assert any(results(installation, day)["anomalies"] for day in (first, last))


def test_a_backfill_of_a_day_that_has_run_takes_the_champion_of_the_moment(
    installation: Installation,
) -> None:
    """After another version became champion, a backfill is what rescores the days of the one before."""
    day = DAYS[1]
    before = results(installation, day)
    with installation.engine.begin() as connection:
        pinned = connection.execute(
            text("UPDATE deeplog.runs SET version = NULL WHERE day = :day RETURNING version"), {"day": day}
        ).all()
    assert len(pinned) == 1
    installation.api.backfill(DAILY, day, day, max_active_runs=1, seconds=PATIENCE, say=lambda _: None)
    assert runs(installation, day) == [("backfill", "superseded"), ("backfill", "done")]
    assert results(installation, day)["anomalies"] == before["anomalies"]


def test_a_run_by_hand_for_a_date_is_for_that_date(installation: Installation) -> None:
    finished(installation, logical_date=f"{DAYS[2]}T00:00:00Z")
    assert runs(installation, DAYS[2]) == [("manual", "done")]
    assert [row[1] for row in results(installation, DAYS[2])["days"]] == ["scored"]


def test_the_day_in_the_form_wins(installation: Installation) -> None:
    finished(installation, conf={"day": str(DAYS[3])})
    assert runs(installation, DAYS[3]) == [("manual", "done")]


def test_a_run_without_a_date_is_for_the_last_whole_day(installation: Installation) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    before = runs(installation, yesterday)
    finished(installation, conf={"wait": False})
    assert runs(installation, yesterday)[len(before) :] == [("manual", "done")]
    assert not results(installation, yesterday)["anomalies"]


def test_a_day_that_is_none_is_refused_by_the_form(installation: Installation) -> None:
    with pytest.raises(Exception, match="400"):
        finished(installation, conf={"day": "the day before yesterday"})


@pytest.mark.parametrize(("stage", "table"), [("ingest", "file_accounts"), ("publish", "template_counts")])
def test_a_task_killed_in_the_middle_is_retried_and_gives_the_same_rows(
    installation: Installation, stage: str, table: str
) -> None:
    """A lock on a table holds the task where it has done half of its work: there it is killed."""
    day, api = DAYS[0], installation.api
    expected = results(installation, day)
    with installation.engine.connect() as holder:
        holder.execute(text(f"LOCK TABLE deeplog.{table} IN SHARE MODE"))
        body = {"logical_date": None, "conf": {"day": str(day)}}
        run = api._request("POST", f"/api/v2/dags/{DAILY}/dagRuns", body)["dag_run_id"]
        wait_until_held(installation, table)
        for pid in tasks_under_way(installation):
            os.kill(pid, signal.SIGKILL)
        holder.rollback()
    api.wait_for_run(DAILY, run, PATIENCE, lambda _: None)
    with installation.engine.connect() as connection:
        attempts = connection.execute(
            text(
                "SELECT s.state FROM deeplog.run_stages s JOIN deeplog.runs r USING (run_id) "
                "WHERE r.run_key = :run AND stage = :stage ORDER BY attempt"
            ),
            {"run": run, "stage": stage},
        ).scalars()
        assert list(attempts) == ["killed", "done"]
    assert results(installation, day) == expected


def wait_until_held(installation: Installation, table: str) -> None:
    until = time.monotonic() + PATIENCE
    waiting = text("SELECT count(*) FROM pg_locks WHERE relation = CAST(:table AS regclass) AND NOT granted")
    with installation.engine.connect() as connection:
        while not connection.execute(waiting, {"table": f"deeplog.{table}"}).scalar():
            connection.rollback()
            assert time.monotonic() < until, f"no task came to {table}"
            time.sleep(0.05)


def tasks_under_way(installation: Installation) -> list[int]:
    """The processes that run tasks: each has the id of its task instance for a title, unlike its supervisor."""
    scheduler = psutil.Process(installation.state.processes["scheduler"].pid)
    found = [
        process.pid
        for process in scheduler.children(recursive=True)
        if re.search(r"airflow worker -- [0-9a-f]{8}-", title(process))
    ]
    assert found, "no task runs"
    return found


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # gone, or a zombie
        return ""
