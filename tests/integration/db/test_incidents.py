"""New, ongoing and resolved are read from the days that were scored; severity and deploys from what lies beside."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from deeplog_ops.db import deploys, incidents, ledger, maintenance
from deeplog_ops.db.incidents import PublishedIncident
from deeplog_ops.db.publish import publish_day
from deeplog_ops.errors import DatabaseError
from deeplog_ops.records import DayState, stable_id
from tests.integration.db.day_results import DAY, MakeRun, grouped, published, result_of


def at(number: int) -> date:
    return DAY + timedelta(days=number)


@pytest.fixture
def publish(engine: Engine, begin: MakeRun) -> Any:
    def call(number: int, *fingerprints: str, severity: int = 40, key: str = "r1") -> None:
        run = begin(at(number), run_key=key)
        if fingerprints:
            publish_day(engine, grouped(result_of(run), fingerprints, severity))
        else:
            publish_day(engine, result_of(run, anomalies=0))

    return call


def statuses(engine: Engine) -> dict[tuple[int, str], tuple[str, str]]:
    return {
        ((row.day - DAY).days, row.title.removeprefix("burst ")): (row.status_then, row.status)
        for row in incidents.incidents(engine, "web", hidden=True)
    }


def one(engine: Engine, number: int, fingerprint: str = "a") -> PublishedIncident:
    found = incidents.incidents(engine, "web", at(number), hidden=True)
    return next(row for row in found if row.fingerprint == stable_id(fingerprint))


def test_an_incident_is_new_then_ongoing_then_resolved(engine: Engine, publish: Any) -> None:
    publish(0, "a", "b")
    assert statuses(engine) == {(0, "a"): ("new", "new"), (0, "b"): ("new", "new")}
    publish(1, "a")
    assert statuses(engine) == {
        (0, "a"): ("new", "new"),
        (0, "b"): ("new", "resolved"),
        (1, "a"): ("ongoing", "ongoing"),
    }
    publish(2)
    assert {status for _, status in statuses(engine).values()} == {"resolved"}
    assert statuses(engine)[1, "a"] == ("ongoing", "resolved")
    found = one(engine, 0)
    assert (found.first_day, found.last_day, found.days_seen) == (at(0), at(1), 2)


def test_a_day_that_was_not_scored_resolves_nothing_and_starts_nothing_anew(
    engine: Engine, publish: Any, begin: MakeRun
) -> None:
    publish(0, "a")
    begin(at(1))  # begun, never published
    ledger.leave_unscored(engine, begin(at(2)), "no raw files touch the day")
    publish_day(engine, replace(result_of(begin(at(3)), anomalies=0), state=DayState.WARMING_UP))
    ledger.finish_run(engine, begin(at(4)).run_id, "failed", "the disk is full")
    assert statuses(engine) == {(0, "a"): ("new", "new")}
    publish(40, "a")
    assert statuses(engine)[40, "a"] == ("ongoing", "ongoing"), "the day before it that was scored had it"
    assert ledger.mark_stale(engine, "web", at(40), "late")
    assert statuses(engine)[40, "a"] == ("ongoing", "ongoing"), "a stale day was scored"


@pytest.mark.parametrize(("gap", "status"), [(6, "ongoing"), (7, "new")])
def test_what_comes_back_after_seven_scored_days_without_it_is_new(
    engine: Engine, publish: Any, gap: int, status: str
) -> None:
    publish(0, "a")
    for number in range(1, gap + 1):
        publish(number)
    publish(gap + 1, "a")
    assert statuses(engine)[gap + 1, "a"] == (status, status)


def test_days_scored_in_any_order_give_the_same_statuses(engine: Engine, publish: Any) -> None:
    seen = {0: ["a"], 1: ["a", "b"], 2: [], 3: ["b"], 12: ["a"]}
    for number, fingerprints in seen.items():
        publish(number, *fingerprints)
    in_order = statuses(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM deeplog.incidents"))
        connection.execute(text("DELETE FROM deeplog.days"))
    shuffled = list(seen) * 2
    random.Random(5).shuffle(shuffled)
    for count, number in enumerate(shuffled):
        publish(number, *seen[number], key=f"again {count}")
    assert statuses(engine) == in_order


def test_a_rerun_that_no_longer_finds_an_incident_leaves_no_trace_of_it(engine: Engine, publish: Any) -> None:
    publish(0, "a")
    publish(1, "a", "b")
    publish(0, "b", key="second")
    assert statuses(engine) == {
        (0, "b"): ("new", "new"),
        (1, "a"): ("new", "new"),
        (1, "b"): ("ongoing", "ongoing"),
    }


def test_severity_is_kept_as_it_was_and_moves_half_way_to_its_place_among_other_days(
    engine: Engine, publish: Any
) -> None:
    publish(0, "a", severity=40)
    alone = one(engine, 0)
    assert (alone.severity, alone.severity_now) == (40, 40 + round(1 / 21 * (50 - 40) / 2))
    for number in range(1, 20):
        publish(number, "x", "y", severity=10)
    worse = one(engine, 0)
    share = 100 * (38 + 0.5) / 39
    assert worse.severity == 40
    assert worse.severity_now == round(40 + 39 / 59 * (share - 40) / 2)
    publish(60, "x", severity=90)
    assert one(engine, 60, "x").severity_now == round(90 + 1 / 21 * (50 - 90) / 2), (
        "older than 30 days count no more"
    )


def test_an_incident_names_the_deploy_of_the_day_before_it_and_no_other(engine: Engine, publish: Any) -> None:
    publish(0, "a")
    began = one(engine, 0).first_time
    assert began is not None
    for label, hours in (("too old", -25), ("older", -20), ("the one", -2), ("later", 1)):
        deploys.mark_deploy(engine, "web", began + timedelta(hours=hours), label, who="ann")
    found = one(engine, 0)
    assert (found.deploy, found.deploy_at) == ("the one", began - timedelta(hours=2))
    numbers = {row.label: row.deploy_id for row in deploys.deploys(engine, "web")}
    deploys.withdraw_deploy(engine, "web", numbers["the one"], who="ann")
    assert one(engine, 0).deploy == "older"
    with pytest.raises(DatabaseError, match="was withdrawn already; there are"):
        deploys.withdraw_deploy(engine, "web", numbers["the one"], who="ann")
    with pytest.raises(DatabaseError, match="deploy 99 of web does not exist"):
        deploys.withdraw_deploy(engine, "web", 99, who="ann")


def test_a_deploy_marked_twice_is_one(engine: Engine, source: str) -> None:
    moment = datetime.fromisoformat("2024-03-01T10:00+01:00")
    first = deploys.mark_deploy(engine, source, moment, "1.2", who="ann")
    assert deploys.mark_deploy(engine, source, moment, "1.2", who="bob") == first
    assert deploys.mark_deploy(engine, source, moment, "1.3", who="bob") != first


def test_an_incident_is_shown_with_its_anomalies_by_the_beginning_of_its_id(
    engine: Engine, publish: Any
) -> None:
    publish(0, "a", "b")
    whole = one(engine, 0, "b")
    found = incidents.incident(engine, whole.incident_id[:8].upper())
    assert found.incident == whole
    assert len(found.anomalies) == 2
    assert {anomaly.incident_id for anomaly in found.anomalies} == {whole.incident_id}
    assert found.anomalies[0].lines
    with pytest.raises(DatabaseError, match="no incident with id 'ffff0000'"):
        incidents.incident(engine, "ffff0000")
    publish(1, "b")
    with pytest.raises(DatabaseError, match="begins more than one incident"):
        incidents.incident(engine, whole.fingerprint)


def test_incidents_and_health_expire_with_their_day(engine: Engine, publish: Any) -> None:
    publish(0, "a")
    publish(1, "a")
    maintenance.expire_results(engine, "web", at(1))
    left = published(engine)
    assert [len(left[table]) for table in ("incidents", "day_health", "detector_opinions")] == [1, 1, 2]
    assert statuses(engine) == {(1, "a"): ("new", "new")}


def test_health_tells_zero_from_not_measured(engine: Engine, publish: Any, begin: MakeRun) -> None:
    publish(0, "a")
    publish(1)
    ledger.finish_run(engine, begin(at(2)).run_id, "failed", "no")
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT day, state, level, unknown_share FROM bi.day_health ORDER BY day")
        ).all()
        opinions = connection.execute(
            text(
                "SELECT detector, flagged, agreed_with_verdict, enabled FROM bi.detector_opinions ORDER BY 1"
            )
        ).all()
    assert [tuple(row) for row in rows] == [
        (at(0), "scored", "watch", 0.01),
        (at(1), "scored", None, None),
        (at(2), "failed", None, None),
    ]
    assert [tuple(row) for row in opinions] == [("order", 5, 5, True), ("pca", 7, 5, False)]
