"""A source whose times were read wrongly and are set right: its files are known, and what was known of their times is not."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from deeplog_ops.steps import source_files
from deeplog_ops.steps.whole_runs import run_day
from deeplog_ops.steps.workplace import Workplace
from tests.integration.steps.conftest import workplace

CHANGED = datetime(2026, 3, 3, tzinfo=UTC).timestamp()


@pytest.fixture
def place(fresh_database: str, tmp_path: Path) -> Workplace:
    """A source `box`, of whose files each has one line on the evening of a day in March, by clocks that name no year."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for day in (1, 2):
        log = logs / f"messages.{day}"
        log.write_text(f"Mar  {day} 23:30:00 box cron[{day}]: started\n")
        os.utime(log, (CHANGED, CHANGED))
    place = workplace(fresh_database, tmp_path)
    place.sources.mkdir()
    source_files.add(
        place.sources, "box", f"name: box\npaths: [{logs}]\nformat: syslog\nsessions: {{by: stream}}\n"
    )
    return place


def events(place: Workplace, day: date, key: str) -> int:
    run_day(place, "box", day, run_key=key)
    with place.engine.connect() as connection:
        return int(
            connection.execute(
                text("SELECT coalesce(sum(events), 0) FROM bi.line_accounts WHERE day = :day"), {"day": day}
            ).scalar_one()
        )


def set_right(place: Workplace, reading: str) -> None:
    path = place.sources / "box.yaml"
    path.write_text(path.read_text() + f"reading: {{{reading}}}\n")


def test_a_year_that_is_set_right_after_a_run_holds_for_the_next(place: Workplace) -> None:
    assert events(place, date(2026, 3, 2), "wrong") == 1
    set_right(place, "year: 2024")
    assert events(place, date(2024, 3, 2), "right") == 1
    assert events(place, date(2024, 3, 1), "right") == 1
    # A published day stays as it was where nothing is found: that files have gone is no reason to lose it.
    assert run_day(place, "box", date(2026, 3, 2), run_key="again").reason == "no raw files touch the day"


def test_a_zone_that_is_set_right_moves_lines_into_the_day_where_they_belong(place: Workplace) -> None:
    assert events(place, date(2026, 3, 2), "wrong") == 1
    set_right(place, "zone: America/Los_Angeles")
    assert events(place, date(2026, 3, 2), "right") == 1


def test_what_is_known_of_files_is_kept_while_their_times_are_read_alike(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert events(place, date(2026, 3, 2), "first") == 1
    set_right(place, "line_bytes: 1 MiB")
    monkeypatch.setattr("deeplog_ops.steps.find_files.peek", None)  # no file is looked at again
    assert events(place, date(2026, 3, 1), "second") == 1
