"""Publishing replaces a day in one transaction, whatever happens meanwhile."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from deeplog_ops.db import engine as database
from deeplog_ops.db import ledger, months, publish, readers, sources
from deeplog_ops.db.publish import publish_day
from deeplog_ops.errors import DatabaseError, DatabaseUnavailable
from deeplog_ops.records import AnomalyLine, DayState
from tests.integration.db.day_results import DAY, MakeRun, grouped, published, result_of

DAYS = [DAY + timedelta(days=number) for number in range(-3, 5)]  # of two months


def rows(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(query)))


def test_a_day_run_twice_gives_the_same_rows(engine: Engine, begin: MakeRun) -> None:
    publish_day(engine, grouped(result_of(begin())))
    first = published(engine)
    counts = publish_day(engine, grouped(result_of(begin(run_key="again"))))
    assert counts.replaced_anomalies == counts.anomalies == 5
    assert counts.lines == 15
    assert published(engine) == first
    assert [row.state for row in rows(engine, "SELECT state FROM deeplog.runs ORDER BY run_id")] == [
        "superseded",
        "running",
    ]


def test_the_same_run_published_again_gives_the_same_rows_and_stays_live(
    engine: Engine, begin: MakeRun
) -> None:
    run = begin()
    publish_day(engine, result_of(run))
    first = published(engine)
    publish_day(engine, result_of(run))
    assert published(engine) == first
    assert ledger.get_run(engine, run.run_id).state == "running"


def test_a_run_that_finds_less_takes_away_what_it_did_not_find(engine: Engine, begin: MakeRun) -> None:
    publish_day(engine, result_of(begin(), anomalies=9, seed=1))
    publish_day(engine, result_of(begin(run_key="again"), anomalies=2, seed=2))
    report = readers.day_report(engine, "web", DAY)
    assert report.status.anomalies == len(report.anomalies) == 2
    assert len(published(engine)["anomaly_lines"]) == 6


def test_days_in_any_order_give_the_same_rows(engine: Engine, begin: MakeRun) -> None:
    for day in DAYS:
        publish_day(engine, grouped(result_of(begin(day))))
    in_order = published(engine)
    with engine.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE deeplog.anomalies, deeplog.anomaly_lines, deeplog.days, deeplog.templates, "
                "deeplog.template_counts, deeplog.incidents, deeplog.day_health, deeplog.detector_opinions CASCADE"
            )
        )
    shuffled = DAYS * 2
    random.Random(3).shuffle(shuffled)
    for number, day in enumerate(shuffled):
        publish_day(engine, grouped(result_of(begin(day, run_key=f"shuffled {number}"))))
    assert published(engine) == in_order


def test_days_published_at_once_give_the_rows_of_one_after_the_other(engine: Engine, begin: MakeRun) -> None:
    runs = [begin(day) for day in DAYS]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda run: publish_day(engine, grouped(result_of(run))), runs))
    at_once = published(engine)
    for run in runs:
        publish_day(engine, grouped(result_of(run)))
    assert published(engine) == at_once
    assert len(at_once["days"]) == len(DAYS)


def test_two_runs_of_a_day_wait_for_each_other(
    engine: Engine, begin: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [begin(run_key=f"r{number}") for number in range(4)]
    inside, most = [], []
    replace_rows = publish._replace

    def watched(connection: Any, result: Any) -> Any:
        inside.append(result.run.run_id)
        most.append(len(inside))
        counts = replace_rows(connection, result)
        connection.execute(text("SELECT pg_sleep(0.02)"))
        inside.remove(result.run.run_id)
        return counts

    monkeypatch.setattr(publish, "_replace", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda run: publish_day(engine, result_of(run, seed=run.run_id)), runs))
    assert max(most) == 1
    live = rows(engine, "SELECT run_id FROM deeplog.days")[0].run_id
    assert {row.run_id for row in rows(engine, "SELECT DISTINCT run_id FROM deeplog.anomalies")} == {live}
    states = {row.run_id: row.state for row in rows(engine, "SELECT run_id, state FROM deeplog.runs")}
    assert [run_id for run_id, state in states.items() if state != "superseded"] == [live]


def test_readers_see_the_old_day_or_the_new_and_do_not_wait(engine: Engine, begin: MakeRun) -> None:
    publish_day(engine, result_of(begin(), anomalies=3))
    halfway, go_on = threading.Event(), threading.Event()
    result = result_of(begin(run_key="second"), anomalies=7)

    def lines() -> Iterator[AnomalyLine]:
        halfway.set()
        assert go_on.wait(20)
        yield from result.lines

    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(publish_day, engine, replace(result, lines=lines()))
        assert halfway.wait(20)
        during = readers.day_report(engine, "web", DAY)
        go_on.set()
        publishing.result()
    after = readers.day_report(engine, "web", DAY)
    assert (during.status.anomalies, len(during.anomalies)) == (3, 3)
    assert (after.status.anomalies, len(after.anomalies)) == (7, 7)


def test_a_publish_killed_half_way_leaves_the_old_day_and_a_retry_gives_the_new(
    engine: Engine, begin: MakeRun, fresh_database: str
) -> None:
    publish_day(engine, result_of(begin(), anomalies=3))
    before = published(engine)
    result = result_of(begin(run_key="second"), anomalies=7)
    killer = database.connect(fresh_database)

    def killed_half_way() -> Iterator[AnomalyLine]:
        yield from list(result.lines)[:4]
        with database.transaction(killer) as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
                    "AND pid <> pg_backend_pid()"
                )
            )

    with pytest.raises(DatabaseUnavailable):
        publish_day(engine, replace(result, lines=killed_half_way()))
    assert published(engine) == before
    publish_day(engine, result)
    retried = published(engine)
    publish_day(engine, result_of(begin(run_key="never killed"), anomalies=7))
    assert published(engine) == retried
    killer.dispose()


def test_an_error_half_way_leaves_the_old_day(engine: Engine, begin: MakeRun) -> None:
    publish_day(engine, result_of(begin()))
    before = published(engine)
    result = result_of(begin(run_key="second"), seed=5)
    twice = replace(result, anomalies=[*result.anomalies, *result.anomalies])
    with pytest.raises(DatabaseError, match="duplicate key"):
        publish_day(engine, twice)
    assert published(engine) == before


def test_lines_of_an_anomaly_that_is_not_published_are_refused(engine: Engine, begin: MakeRun) -> None:
    result = result_of(begin())
    with pytest.raises(DatabaseError, match="not among those published"):
        publish_day(engine, replace(result, anomalies=list(result.anomalies)[1:]))


def test_an_anomaly_of_an_incident_that_is_not_there_is_refused_and_so_is_an_incident_without_its_worst(
    engine: Engine, begin: MakeRun
) -> None:
    publish_day(engine, result_of(begin()))
    before = published(engine)
    result = grouped(result_of(begin(run_key="second")), ["a", "b"])
    with pytest.raises(DatabaseError, match=r"belongs to incident \w+, which is not among those published"):
        publish_day(engine, replace(result, incidents=list(result.incidents)[1:]))
    loose = [replace(anomaly, incident_id=None) for anomaly in result.anomalies]
    with pytest.raises(DatabaseError, match="as its worst anomaly, which is not among those published"):
        publish_day(engine, replace(result, anomalies=loose))
    elsewhere = [replace(incident, day=DAY + timedelta(days=1)) for incident in result.incidents]
    with pytest.raises(DatabaseError, match=r"incident \w+ is of web on 2024-03-02, but run"):
        publish_day(engine, replace(result, incidents=elsewhere))
    assert published(engine) == before


def test_an_incident_whose_anomalies_are_too_many_to_publish_is_published_all_the_same(
    engine: Engine, begin: MakeRun
) -> None:
    result = grouped(result_of(begin()), ["a", "b"])
    some = list(result.anomalies)[:2]
    kept = {anomaly.anomaly_id for anomaly in some}
    lines = [line for line in result.lines if line.anomaly_id in kept]
    assert publish_day(engine, replace(result, anomalies=some, lines=lines)).incidents == 2


def test_a_run_without_health_and_opinions_takes_away_those_of_the_run_before(
    engine: Engine, begin: MakeRun
) -> None:
    publish_day(engine, grouped(result_of(begin())))
    assert [len(published(engine)[table]) for table in ("day_health", "detector_opinions")] == [1, 2]
    publish_day(engine, result_of(begin(run_key="second")))
    assert [len(published(engine)[table]) for table in ("day_health", "detector_opinions")] == [0, 0]


def test_what_text_cannot_hold_is_shown_and_everything_else_kept(engine: Engine, begin: MakeRun) -> None:
    odd = "tab\t back\\slash \\N nul\x00 lone\udc80 line\nnext\r end \u2028 ünï 漢字 🙂"
    result = result_of(begin(), anomalies=1)
    anomaly = replace(next(iter(result.anomalies)), reason=odd, locator=odd, session=odd)
    line = replace(next(iter(result.lines)), anomaly_id=anomaly.anomaly_id, text=odd, ordinal=0)
    publish_day(engine, replace(result, anomalies=[anomaly], lines=[line]))
    (found,) = readers.day_report(engine, "web", DAY).anomalies
    expected = odd.replace("\x00", "\u2400").replace("\udc80", "\\udc80")
    assert (found.reason, found.session, found.lines[0].text) == (expected, expected, expected)


def test_numbers_come_back_to_the_last_digit(engine: Engine, begin: MakeRun) -> None:
    draw = random.Random(1)
    scores = [draw.random() * 10 ** draw.randrange(-300, 300) for _ in range(50)] + [float("inf")]
    result = result_of(begin(), anomalies=1)
    one = next(iter(result.anomalies))
    found = [replace(one, locator=str(number), score=score) for number, score in enumerate(scores)]
    publish_day(engine, replace(result, anomalies=found, lines=[], anomalies_total=len(found)))
    stored = {row.locator: row.score for row in rows(engine, "SELECT locator, score FROM deeplog.anomalies")}
    assert stored == {anomaly.locator: anomaly.score for anomaly in found}


def test_a_training_publishes_no_day(engine: Engine, begin: MakeRun) -> None:
    with pytest.raises(DatabaseError, match="is a training"):
        publish_day(engine, result_of(begin(kind="train")))
    assert rows(engine, "SELECT * FROM deeplog.days") == []


def test_a_source_removed_meanwhile_stays_removed(engine: Engine, begin: MakeRun) -> None:
    run = begin()
    sources.remove(engine, "web")
    with pytest.raises(DatabaseError, match="'web' is registered"):
        publish_day(engine, result_of(run))
    assert all(not found for found in published(engine).values())


def test_publishing_waits_for_no_reader_when_it_makes_a_month(engine: Engine, begin: MakeRun) -> None:
    publish_day(engine, result_of(begin()))
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM bi.anomalies"))
        publish_day(engine, result_of(begin(DAY + timedelta(days=40))))
        assert reader.execute(text("SELECT count(*) FROM bi.anomalies")).scalar() == 10


def test_an_empty_month_is_dropped_and_made_again_and_a_full_one_is_kept(
    engine: Engine, begin: MakeRun
) -> None:
    later = DAY + timedelta(days=40)
    publish_day(engine, result_of(begin()))
    publish_day(engine, result_of(begin(later)))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM deeplog.anomaly_lines WHERE day = :day"), {"day": DAY})
        connection.execute(text("DELETE FROM deeplog.anomalies WHERE day = :day"), {"day": DAY})
    assert months.drop_empty_months(engine, later + timedelta(days=60)) == ["2024_03"]
    assert len(readers.day_report(engine, "web", later).anomalies) == 5
    publish_day(engine, result_of(begin(run_key="again")))
    assert len(readers.day_report(engine, "web", DAY).anomalies) == 5


def test_a_month_is_not_dropped_before_a_publishing_run_has_written_to_it(engine: Engine) -> None:
    months.ensure_month(engine, DAY)
    with database.transaction(engine) as connection:
        assert months.hold_month(connection, DAY)
        assert months.drop_empty_months(engine, DAY + timedelta(days=60)) == []
    assert months.drop_empty_months(engine, DAY + timedelta(days=60)) == ["2024_03"]
    with database.transaction(engine) as connection:
        assert not months.hold_month(connection, DAY)


def test_only_scored_and_warming_up_are_published(engine: Engine, begin: MakeRun) -> None:
    for state in (DayState.NOT_SCORED, DayState.STALE, DayState.FAILED):
        with pytest.raises(ValueError, match="scored or warming_up"):
            publish_day(engine, replace(result_of(begin()), state=state))
