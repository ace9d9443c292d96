"""Incidents, verdicts and deploys by command: what is printed, and what wrong use is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from deeplog_ops.db import ledger
from deeplog_ops.records import DayHealth, DetectorOpinion, Incident
from deeplog_ops.schemas import STAGES
from deeplog_ops.steps import stage_rows as rows
from deeplog_ops.steps.publish import publish
from deeplog_ops.steps.stage import OpenRun, commit, writer
from tests.integration.steps.conftest import SCORED_DAYS, Sample
from tests.integration.steps.lake_rows import last_run
from tests.integration.steps.test_cli import Run, platform, run

__all__ = ["platform", "run"]
DAY, NEXT, _ = SCORED_DAYS


def group(sample: Sample, day: Any) -> list[Incident]:
    """Make one incident of all anomalies of a day that ran, as a stage of the run would, and publish it again."""
    place, run_id = sample.place, last_run(sample, day)
    opened = OpenRun.of(place, run_id)
    found = list(rows.anomalies(pa.concat_tables(place.lake.read(opened.partition("anomalies"))), opened.run))
    incident = Incident(
        source_key="sample",
        day=day,
        locator="all of them",
        kind="burst",
        fingerprint="feedbeefcafe0000",
        severity=60,
        title="Replication stalls",
        reason="several sessions stop after the same step",
        anomalies=len(found),
        sessions=len({anomaly.session for anomaly in found}),
        worst_anomaly_id=found[0].anomaly_id,
        first_time=min(anomaly.first_time for anomaly in found if anomaly.first_time),
        last_time=max(anomaly.last_time for anomaly in found if anomaly.last_time),
        first=found[0].where,
        worst=found[0].where,
        details={"step": "commit"},
    )
    members = [replace(anomaly, incident_id=incident.incident_id) for anomaly in found]
    health = DayHealth(100, 0.01, level="watch", advice="1 % of the events are unknown")
    opinions = [DetectorOpinion("pca", 100, 3, 1, enabled=False)]
    tables = {
        "incidents": rows.incident_table([incident]),
        "anomalies": rows.anomaly_table(members),
        "day_health": rows.health_table(health),
        "opinions": rows.opinion_table(opinions),
    }
    for name, table in tables.items():
        with writer(opened, name, 99) as out:
            out.write_batch(table)
            out.close()
            commit(opened, out)
    publish(place, run_id)
    assert rows.health(tables["day_health"]) == health
    assert rows.opinions(tables["opinions"]) == opinions
    return list(rows.incidents(rows.incident_table([incident]), opened.run))


def emptied(sample: Sample, day: Any) -> None:
    """A day that ran, published again as one on which nothing was found."""
    run_id = last_run(sample, day)
    opened = OpenRun.of(sample.place, run_id)
    for name in ("anomalies", "anomaly_lines", "incidents"):
        with writer(opened, name, 99) as out:
            out.write_batch(STAGES[name].empty_table())
            out.close()
            commit(opened, out)
    publish(sample.place, run_id)


@pytest.fixture
def incident(platform: Sample) -> Incident:
    platform.run(DAY)
    (found,) = group(platform, DAY)
    return found


def anomalies(run: Run, *more: str) -> list[dict[str, Any]]:
    done = run("report", "-s", "sample", "-d", DAY, "--json", *more)
    return list(json.loads(done.out)["anomalies"])


def test_a_false_alarm_is_said_hidden_listed_and_taken_back(run: Run, platform: Sample) -> None:
    platform.run(DAY)
    first, *others = anomalies(run)
    done = run(
        "verdict",
        "add",
        "sample",
        "--anomaly",
        first["anomaly_id"][:8],
        "--false-positive",
        "--note",
        "nightly",
    )
    assert done.code == 0, done.err
    assert "1 published anomaly, hidden from now on" in done.out
    assert "Kept for training, for good: 1 session." in done.out
    assert [row["anomaly_id"] for row in anomalies(run)] == [row["anomaly_id"] for row in others]
    assert len(anomalies(run, "--all")) == len(others) + 1
    report = run("report", "-s", "sample", "-d", DAY).out
    assert "1 of them hidden" in report if others else "1 anomaly, hidden" in report
    assert "1 by verdict 1, false positive of an anomaly" in report
    assert ": nightly" in report
    (listed,) = json.loads(run("verdict", "list", "sample", "--json").out)
    assert (listed["kind"], listed["state"], listed["sessions_kept"]) == ("false_positive", "holds", 1)
    told = run("verdict", "list").out
    assert f"false positive  anomaly {first['anomaly_id']} of {DAY}" in told
    assert ": nightly; 1 session kept for training" in told
    done = run("verdict", "withdraw", 1)
    assert "is withdrawn" in done.out
    assert "models revert --source sample" in done.out
    assert len(anomalies(run)) == len(others) + 1
    assert "nothing was said yet" in run("verdict", "list", "sample").out
    assert len(json.loads(run("verdict", "list", "sample", "--all", "--json").out)) == 1


def test_incidents_are_listed_shown_in_full_and_spoken_of(
    run: Run, platform: Sample, incident: Incident
) -> None:
    listed = run("incidents", "sample")
    assert listed.code == 0, listed.err
    assert f"sample {DAY}: 1 incident" in listed.out
    assert "Replication stalls" in listed.out
    assert "new" in listed.out
    shown = run("incidents", "show", incident.incident_id[:7])
    assert shown.code == 0, shown.err
    for words in (incident.reason, "What to do next", "--false-positive", "> "):
        assert words in shown.out
    full = json.loads(run("incidents", "show", incident.incident_id[:7], "--json").out)
    assert full["incident"]["details"] == {"step": "commit"}
    assert full["anomalies"][0]["lines"]
    done = run(
        "verdict", "add", "sample", "--incident", incident.incident_id[:9], "--expected", "--until", NEXT
    )
    assert done.code == 0, done.err
    assert f"expected until {NEXT}" in done.out
    assert "0 incidents" in run("incidents", "sample").out
    assert "1 incident more, hidden by verdicts" in run("incidents", "sample", "--day", DAY).out
    assert "(hidden: expected)" in run("incidents", "sample", "--all").out
    assert anomalies(run) == []
    platform.run(NEXT)
    emptied(platform, NEXT)
    assert f"sample {NEXT}: 0 incidents" in run("incidents", "sample").out
    (row,) = json.loads(run("incidents", "sample", "--all", "--json").out)["incidents"]
    assert row["status"] == "resolved"


def test_what_stages_say_of_the_day_is_published_with_it(platform: Sample, incident: Incident) -> None:
    with platform.place.engine.connect() as connection:
        day = connection.execute(
            text("SELECT day, level, unknown_share, alarm_rate FROM bi.day_health")
        ).one()
        opinion = connection.execute(
            text("SELECT detector, flagged, enabled FROM bi.detector_opinions")
        ).one()
        found = connection.execute(text("SELECT incident_id, anomalies FROM bi.incidents")).one()
    assert tuple(day) == (DAY, "watch", 0.01, None)
    assert tuple(opinion) == ("pca", 3, False)
    assert tuple(found) == (incident.incident_id, incident.anomalies)


def test_a_deploy_is_marked_in_the_zone_of_the_source_named_by_incidents_and_taken_back(
    run: Run, platform: Sample, incident: Incident
) -> None:
    path: Path = platform.place.sources / "sample.yaml"
    path.write_text(path.read_text().replace("zone: UTC", "zone: Europe/Berlin"))
    assert "no deploy of sample was marked" in run("deploy", "sample").out
    done = run("deploy", "sample", "--at", f"{DAY}T00:30", "--label", "v1.2")
    assert done.code == 0, done.err
    assert "v1.2" in run("deploy", "sample").out
    assert "after the deploy of v1.2" in run("incidents", "sample").out
    assert "After the deploy of v1.2" in run("incidents", "show", incident.incident_id[:7]).out
    assert run("deploy", "sample", "--withdraw", 1).code == 0
    assert "deploy of v1.2" not in run("incidents", "sample").out
    assert "(withdrawn)" in run("deploy", "sample").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["verdict", "add", "sample", "--mute"], 2, "say of what"),
        (["verdict", "add", "sample", "--anomaly", "ab12", "--template", "ab12", "--mute"], 2, "say of what"),
        (["verdict", "add", "sample", "--anomaly", "ab12"], 2, "say what"),
        (["verdict", "add", "sample", "--anomaly", "ab12", "--expected"], 2, "needs --until"),
        (
            ["verdict", "add", "sample", "--anomaly", "ab12", "--false-positive", "--until", "2026-03-05"],
            2,
            "a false positive is for good",
        ),
        (
            ["verdict", "add", "sample", "--anomaly", "0000", "--mute"],
            6,
            "sample has no anomaly with id '0000'",
        ),
        (["verdict", "add", "sample", "--incident", "0000", "--mute"], 6, "sample has no incident with id"),
        (["verdict", "add", "sample", "--template", "zzz", "--mute"], 6, "'zzz' is no template of sample"),
        (["verdict", "add", "sample", "--session", "re:(", "--mute"], 6, "invalid regular expression"),
        (["verdict", "add", "nobody", "--anomaly", "ab12", "--mute"], 3, "known are sample"),
        (["verdict", "withdraw", "7"], 6, "there is no verdict 7"),
        (["incidents", "show", "0123"], 6, "no incident with id '0123'"),
        (["incidents", "nobody"], 3, "known are sample"),
        (["deploy", "sample", "--at", "noon", "--label", "x"], 2, "'noon' is not a time"),
        (["deploy", "sample", "--at", "2026-03-05T10:00"], 2, "--at needs --label"),
        (["deploy", "sample", "--withdraw", "3"], 6, "deploy 3 of sample does not exist"),
    ],
)
def test_what_cannot_be_meant_is_told(
    arguments: list[str], code: int, said: str, run: Run, platform: Sample
) -> None:
    done = run(*arguments)
    assert (done.code, "Traceback" in done.err) == (code, False), done.err
    assert said in done.err


def test_a_source_without_a_scored_day_says_so(run: Run, platform: Sample) -> None:
    done = run("incidents", "sample")
    assert (done.code, "no day of sample was scored yet" in done.out) == (0, True)
    said = json.loads(run("incidents", "sample", "--json").out)
    assert said == {"day": None, "state": "not_scored", "incidents": []}


def test_no_incidents_and_not_looked_at_are_two_things(
    run: Run, platform: Sample, incident: Incident
) -> None:
    platform.run(NEXT)
    emptied(platform, NEXT)
    assert f"sample {NEXT}: 0 incidents" in run("incidents", "sample", "--day", NEXT).out
    never = run("incidents", "sample", "--day", "2026-05-01").out
    assert "not_scored (no run has touched this day); the latest scored day is" in never
    states = [
        json.loads(run("incidents", "sample", "--day", day, "--json").out)["state"]
        for day in (NEXT, "2026-05-01")
    ]
    assert states == ["scored", "not_scored"]
    assert ledger.mark_stale(platform.place.engine, "sample", NEXT, "a file came after scoring")
    assert "0 incidents, stale: a file came after scoring" in run("incidents", "sample").out
