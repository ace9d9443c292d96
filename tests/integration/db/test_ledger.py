"""Runs keep what they were pinned to; stages, partitions and days say how they stand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from deeplog_ops.db import ledger, models, readers, sources
from deeplog_ops.db.publish import publish_day
from deeplog_ops.errors import DatabaseError, LakeError, ModelError
from deeplog_ops.records import DayState, PartitionRef
from tests.integration.db.day_results import DAY, MakeRun, register_model, result_of


def state_of(engine: Engine) -> readers.DayStatus:
    return readers.day_report(engine, "web", DAY).status


def test_the_same_key_is_the_same_run_with_its_pinned_version(
    engine: Engine, source: str, begin: MakeRun
) -> None:
    register_model(engine, "v1")
    register_model(engine, "v2")
    models.promote(engine, source, "v1", who="x", why="y")
    first = begin()
    models.promote(engine, source, "v2", who="x", why="y")
    again = begin()
    assert (again.run_id, again.version) == (first.run_id, "v1")
    assert begin(run_key="other").version == "v2"


def test_keep_takes_the_version_of_the_live_run_and_champion_the_newest(
    engine: Engine, source: str, begin: MakeRun
) -> None:
    assert begin(run_key="none yet").version is None
    register_model(engine, "v1")
    register_model(engine, "v2")
    models.promote(engine, source, "v1", who="x", why="y")
    assert begin(run_key="no live run", choice="keep").version == "v1"
    publish_day(engine, result_of(begin(run_key="a")))
    models.promote(engine, source, "v2", who="x", why="y")
    assert begin(run_key="b", choice="keep").version == "v1"
    assert begin(run_key="c", choice="champion").version == "v2"
    assert begin(run_key="d", choice="v1").version == "v1"
    with pytest.raises(ModelError, match=r"'v9' of web does not exist.*models list"):
        begin(run_key="e", choice="v9")


def test_a_run_is_read_as_it_was_begun(engine: Engine, begin: MakeRun) -> None:
    run = begin()
    assert ledger.get_run(engine, run.run_id) == run
    assert run.bounds.start - run.bounds.view_start == timedelta(hours=25)
    with pytest.raises(DatabaseError, match="no run 99"):
        ledger.get_run(engine, 99)


def test_the_five_states_of_a_day_are_five_different_things(
    engine: Engine, source: str, begin: MakeRun
) -> None:
    assert state_of(engine).reason == "no run has touched this day"
    run = begin()
    assert (state_of(engine).state, state_of(engine).anomalies) == (DayState.NOT_SCORED, None)
    ledger.finish_run(engine, run.run_id, "failed", "disk full")
    assert state_of(engine).state is DayState.FAILED
    assert (state_of(engine).reason, state_of(engine).anomalies) == ("disk full", None)
    publish_day(engine, result_of(begin(run_key="b"), anomalies=0))
    ledger.finish_run(engine, ledger.get_run(engine, run.run_id + 1).run_id, "done")
    assert (state_of(engine).state, state_of(engine).anomalies, state_of(engine).reason) == (
        DayState.SCORED,
        0,
        None,
    )
    assert ledger.mark_stale(engine, source, DAY, "app.log has grown")
    assert not ledger.mark_stale(engine, source, DAY, "again")
    assert (state_of(engine).state, state_of(engine).reason) == (DayState.STALE, "app.log has grown")
    assert state_of(engine).stale_since is not None
    publish_day(engine, result_of(begin(run_key="c")))
    assert (state_of(engine).state, state_of(engine).stale_since) == (DayState.SCORED, None)


def test_a_day_that_is_published_stays_when_a_later_run_fails(engine: Engine, begin: MakeRun) -> None:
    publish_day(engine, result_of(begin()))
    failed = begin(run_key="b")
    ledger.finish_run(engine, failed.run_id, "failed", "disk full")
    assert state_of(engine).state is DayState.SCORED
    with engine.connect() as connection:
        row = connection.execute(text("SELECT last_run_id, last_run_state FROM bi.days")).one()
    assert tuple(row) == (failed.run_id, "failed")


def test_a_superseded_run_is_not_called_done_afterwards(engine: Engine, begin: MakeRun) -> None:
    first, second = begin(run_key="a"), begin(run_key="b")
    publish_day(engine, result_of(first))
    publish_day(engine, result_of(second))
    ledger.finish_run(engine, first.run_id, "done")
    assert ledger.get_run(engine, first.run_id).state == "superseded"


def test_a_failed_training_says_nothing_of_the_day(engine: Engine, begin: MakeRun) -> None:
    training = begin(kind="train")
    ledger.finish_run(engine, training.run_id, "failed", "no sessions")
    assert state_of(engine).reason == "no run has touched this day"
    assert begin().run_id != training.run_id


def test_coverage_has_a_row_for_days_that_were_never_run(engine: Engine, source: str, begin: MakeRun) -> None:
    publish_day(engine, result_of(begin()))
    publish_day(engine, result_of(begin(DAY + timedelta(days=3))))
    found = readers.coverage(engine, source)
    assert [status.state.value for status in found] == ["scored", "not_scored", "not_scored", "scored"]
    assert [status.anomalies for status in found] == [5, None, None, 5]
    assert readers.coverage(engine, source, first=DAY + timedelta(days=2)) == found[2:]


def test_attempts_are_counted_and_one_that_never_ended_was_killed(engine: Engine, begin: MakeRun) -> None:
    run = begin()
    assert ledger.stage_started(engine, run.run_id, "ingest") == 1
    assert ledger.stage_started(engine, run.run_id, "ingest") == 2
    ledger.stage_finished(
        engine,
        run.run_id,
        "ingest",
        2,
        state="failed",
        seconds=1.5,
        message="disk \x00 full",
        peak_memory_mb=90,
    )
    assert ledger.stage_started(engine, run.run_id, "ingest") == 3
    ledger.stage_finished(engine, run.run_id, "ingest", 3, state="done", rows=7, bytes=70, seconds=2.0)
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT attempt, state, message FROM bi.stages ORDER BY attempt")
        ).all()
        total = connection.execute(text("SELECT seconds, retries FROM bi.runs")).one()
    assert [tuple(row) for row in found] == [
        (1, "killed", None),
        (2, "failed", "disk \u2400 full"),
        (3, "done", None),
    ]
    assert tuple(total) == (3.5, 2)
    with pytest.raises(DatabaseError, match="no attempt 9 at stage ingest"):
        ledger.stage_finished(engine, run.run_id, "ingest", 9, state="done")


def test_a_partition_is_what_was_committed_last(engine: Engine, begin: MakeRun) -> None:
    run = begin()
    with pytest.raises(
        LakeError, match=r"no partition of stage 'events' \(it has none\): run that stage first"
    ):
        ledger.partition(engine, run.run_id, "events")
    first = PartitionRef(run.run_id, "events", "events/source=web/a", 10, 100)
    second = PartitionRef(run.run_id, "events", "events/source=web/b", 11, 110)
    ledger.commit_partition(engine, first)
    ledger.commit_partition(engine, first)
    ledger.commit_partition(engine, second)
    assert ledger.partition(engine, run.run_id, "events") == second


def test_a_source_is_registered_once_and_keeps_its_key(engine: Engine, source: str) -> None:
    first = sources.registered(engine)[0]
    assert sources.register(engine, "web", "web", {"paths": ["/var/log/web"]}) == first
    sources.rename(engine, "web", "shop")
    assert [(found.key, found.name) for found in sources.registered(engine)] == [("web", "shop")]
    sources.register(engine, "mail", "web", {})  # the name is free now
    with pytest.raises(DatabaseError, match="exists already"):
        sources.rename(engine, "shop", "web")
    with pytest.raises(DatabaseError, match="belongs to the source with key 'web'"):
        sources.register(engine, "third", "shop", {})
    with pytest.raises(DatabaseError, match=r"no source is named 'nothing'; there are shop, web"):
        sources.rename(engine, "nothing", "x")


def test_removing_a_source_deletes_all_its_rows_and_no_others(
    engine: Engine, source: str, begin: MakeRun
) -> None:
    run = begin()
    register_model(engine, "v1")
    models.promote(engine, source, "v1", who="x", why="y")
    ledger.commit_partition(engine, PartitionRef(run.run_id, "events", "p", 1, 1))
    publish_day(engine, result_of(run))
    other = sources.register(engine, "mail", "mail", {})
    theirs = ledger.begin_run(
        engine, other.key, DAY, "r", trigger="cli", choice="champion", config={}, bounds=run.bounds
    )
    publish_day(engine, result_of(theirs))
    deleted = sources.remove(engine, source)
    assert (deleted["anomalies"], deleted["anomaly_lines"], deleted["runs"], deleted["models"]) == (
        5,
        15,
        1,
        1,
    )
    with engine.connect() as connection:
        for table in ("anomalies", "anomaly_lines", "template_counts", "templates", "days", "runs", "models"):
            left = connection.execute(text(f"SELECT DISTINCT source_id FROM deeplog.{table}")).scalars().all()
            assert left in ([], [other.source_id])
    assert [found.key for found in sources.registered(engine)] == ["mail"]
    with pytest.raises(DatabaseError, match="'web' is registered; there are mail"):
        sources.remove(engine, source)
    assert sources.register(engine, "web", "web", {}).key == "web"
