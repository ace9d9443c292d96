"""A day waits for its files as the source says, and the tables say what for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from deeplog_ops.db import readers
from deeplog_ops.steps.failure import close_run, close_unrun
from deeplog_ops.steps.wait import day_is_ready
from tests.integration.steps.conftest import SCORED_DAYS, Sample, at

DAY = SCORED_DAYS[0]
SCORED = (
    "scored",
    "rates are warming up: learnt from 3 days, without Thursday, Friday, Saturday, Sunday",
)


def configured(sample: Sample, wait: str) -> None:
    path = sample.root / "sources" / "sample.yaml"
    path.write_text(path.read_text() + f"daily: {{wait: {{{wait}}}}}\n")


def state(sample: Sample, day: date = DAY) -> tuple[str, str | None]:
    status = readers.day_report(sample.place.engine, "sample", day).status
    return str(status.state), status.reason


def test_a_day_that_is_not_over_waits_for_its_end_and_the_grace_time(sample: Sample) -> None:
    configured(sample, "grace: 2h")
    end = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1)
    early = at(sample, end + timedelta(minutes=119))
    assert not day_is_ready(early.place, "sample", DAY).ready
    assert state(sample) == (
        "not_scored",
        f"waiting for the day's end and 2:00:00 of grace, at {end:%Y-%m-%d} 02:00 UTC",
    )
    assert day_is_ready(at(sample, end + timedelta(hours=2)).place, "sample", DAY).ready


def test_a_day_waits_for_its_marker_and_fails_with_its_name_when_it_never_comes(sample: Sample) -> None:
    configured(sample, f"marker: '{sample.root}/done-{{day}}'")
    assert day_is_ready(sample.place, "sample", DAY).waiting_for == f"the marker {sample.root}/done-{DAY}"
    close_unrun(sample.place, "sample", DAY)
    assert state(sample) == (
        "failed",
        f"the run did not begin: it waited in vain for the marker {sample.root}/done-{DAY}",
    )
    (sample.root / f"done-{DAY}").touch()
    assert day_is_ready(sample.place, "sample", DAY).ready
    assert sample.run(DAY).state == "scored"
    assert state(sample) == SCORED


def test_a_day_waits_for_so_many_files(sample: Sample) -> None:
    here = len(list(sample.raw.glob(f"*{DAY}*")))
    configured(sample, f"count: {here}")
    assert day_is_ready(sample.place, "sample", DAY).ready
    last = max(sample.raw.glob(f"*{DAY}*"))
    last.rename(sample.root / "held-back")
    waiting = day_is_ready(sample.place, "sample", DAY).waiting_for
    assert waiting == f"{here} files that touch the day; {here - 1} are there"


def test_a_day_scored_before_stays_scored_while_it_waits_and_when_it_fails(sample: Sample) -> None:
    sample.run(DAY)
    configured(sample, "marker: /nowhere/at/all")
    assert not day_is_ready(sample.place, "sample", DAY).ready
    close_unrun(sample.place, "sample", DAY)
    assert state(sample) == SCORED


def test_closing_a_run_that_ended_well_changes_nothing(sample: Sample) -> None:
    sample.run(DAY)
    with sample.place.engine.connect() as connection:
        from sqlalchemy import text

        run = connection.execute(text("SELECT max(run_id) FROM deeplog.runs")).scalar_one()
    assert not close_run(sample.place, run)
    assert state(sample) == SCORED


@pytest.mark.parametrize("day", [DAY, SCORED_DAYS[1]])
def test_days_long_past_wait_for_nothing(sample: Sample, day: date) -> None:
    assert day_is_ready(sample.place, "sample", day).ready
