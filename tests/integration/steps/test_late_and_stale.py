"""What belongs to which day, and what happens when lines come late."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from deeplog_ops.db import ledger, readers
from deeplog_ops.records import DayState
from deeplog_ops.steps import heads, ingest
from deeplog_ops.steps.wait import day_is_ready
from tests.integration.steps.conftest import SCORED_DAYS, Sample
from tests.integration.steps.plain_source import NAME, Plain, hours, plain_source

D1, D2, D3, D4 = (date(2026, 3, 2) + timedelta(days=number) for number in range(4))


@pytest.fixture
def plain(fresh_database: str, tmp_path: Path) -> Iterator[Plain]:
    with plain_source(fresh_database, tmp_path) as source:
        yield source


def states(plain: Plain) -> dict[date, tuple[str, str | None]]:
    return {row.day: (row.state, row.reason) for row in readers.coverage(plain.place.engine, NAME)}


def events(plain: Plain) -> dict[date, int | None]:
    return {row.day: row.events for row in readers.coverage(plain.place.engine, NAME)}


def test_a_day_without_files_is_not_scored_and_says_why(sample: Sample) -> None:
    for path in sample.raw.glob("*.log"):
        path.unlink()
    done = sample.run(SCORED_DAYS[0])
    assert (done.state, done.reason) == (DayState.NOT_SCORED, "no raw files touch the day")
    (day,) = readers.coverage(sample.place.engine, "sample")
    assert (day.state, day.anomalies, day.events) == (DayState.NOT_SCORED, None, None)


def test_a_day_without_lines_between_two_that_have_some_is_not_a_day_without_anomalies(plain: Plain) -> None:
    plain.write("a.log", *hours(D1), *hours(D3))
    for day in (D1, D2, D3):
        plain.run(day)
    found = {row.day: row for row in readers.coverage(plain.place.engine, NAME)}
    assert found[D2].state is DayState.NOT_SCORED
    assert found[D2].anomalies is None
    assert found[D1].anomalies == found[D3].anomalies == 0


def test_a_late_file_makes_its_day_stale_until_it_is_run_again(sample: Sample) -> None:
    first, second, _ = SCORED_DAYS
    late = sorted(sample.raw.glob(f"*{first}*.log"))[4]
    held_back = late.read_bytes()
    late.unlink()
    sample.run(first)
    before = sample.results()
    late.with_suffix(".log.gz").write_bytes(gzip.compress(held_back))
    sample.run(second)
    stale = readers.coverage(sample.place.engine, "sample", first, first)[0]
    assert stale.state is DayState.STALE
    assert late.name in (stale.reason or "")
    assert stale.stale_since is not None
    assert sample.results()["days"][0][4] == before["days"][0][4], (
        "the older result is still what readers see"
    )
    sample.run(first, "again")
    again = readers.coverage(sample.place.engine, "sample", first, first)[0]
    assert (again.state, again.stale_since) == (DayState.SCORED, None)
    assert late.name not in (again.reason or "")
    assert (again.events or 0) > (stale.events or 0)


def test_lines_appended_to_a_day_of_the_past_make_it_stale(plain: Plain) -> None:
    plain.write("a.log", *hours(D1, last=20))
    plain.write("b.log", *hours(D2))
    plain.run(D1)
    plain.write("a.log", *hours(D1, first=21))
    plain.run(D2)
    assert states(plain)[D1][0] == DayState.STALE
    assert "a.log has grown" in (states(plain)[D1][1] or "")
    plain.run(D1, "again")
    assert states(plain)[D1][0] == DayState.WARMING_UP
    assert events(plain)[D1] == 24


@pytest.mark.parametrize("lines", [3, 400], ids=["small", "large"])
def test_a_file_that_goes_on_the_next_day_leaves_the_day_before_as_it_is(plain: Plain, lines: int) -> None:
    """The usual case: one file a service writes to for ever, and nothing in it around midnight."""
    noon = datetime(D1.year, D1.month, D1.day, 12)
    for number, day in enumerate((D1, D2, D3)):
        start = noon + timedelta(days=number)
        plain.write("app.log", *(start + timedelta(seconds=second) for second in range(lines)))
        plain.run(day)
        assert {state for state, _ in states(plain).values()} == {DayState.WARMING_UP}
    assert events(plain) == {D1: lines, D2: lines, D3: lines}


def test_files_that_come_every_hour_leave_the_days_before_as_they_are(plain: Plain) -> None:
    """Each night there are new files that no run has read; and some that hold no line of any day."""
    for day in (D1, D2, D3):
        for moment in hours(day):
            plain.write(f"{moment:%Y-%m-%d-%H}.log", moment)
        plain.write(f"rotated-{day}.log")
        with (plain.raw / "accounting").open("ab") as file:
            file.write(b"\x7fELF" + bytes(range(256)) * 20)
        plain.run(day)
        assert {state for state, _ in states(plain).values()} == {DayState.WARMING_UP}
    assert events(plain) == {D1: 24, D2: 24, D3: 24}


def test_lines_without_a_time_are_of_the_day_that_their_path_names(
    fresh_database: str, tmp_path: Path
) -> None:
    """Each of them of one day alone, although every day looks back to the one before."""
    with plain_source(fresh_database, tmp_path) as plain:
        path = plain.place.sources / "plain.yaml"
        text = path.read_text()
        begin, end = text.index("format:"), text.index("reading:")
        text = text[:begin] + "format: plain\n" + text[end:]
        pattern = "'(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})'"
        path.write_text(
            text.replace("zone: UTC", f"zone: UTC, day_from_path: {pattern}").replace("1h}", "24h}")
        )
        for number, day in enumerate((D1, D2, D3), start=1):
            (plain.raw / f"app-{day}.log").write_text("disk is quiet\n" * number)
            plain.run(day)
            assert {state for state, _ in states(plain).values()} == {DayState.WARMING_UP}
        plain.run(D1, "again")
        assert events(plain) == {D1: 1, D2: 2, D3: 3}
        with (plain.raw / f"app-{D2}.log").open("a") as file:
            file.write("written late\n")
        plain.run(D3, "again")
        assert {day: state for day, (state, _) in states(plain).items()} == {
            D1: DayState.WARMING_UP,
            D2: DayState.STALE,
            D3: DayState.WARMING_UP,
        }


def test_a_day_waits_for_so_many_files_of_its_own(fresh_database: str, tmp_path: Path) -> None:
    with plain_source(fresh_database, tmp_path, more="daily: {wait: {count: 3}}") as plain:
        for moment in [*hours(D1), *hours(D2, last=1), *hours(D3)]:
            path = plain.write(f"{moment:%Y-%m-%d-%H}.log", moment)
            written = moment.replace(tzinfo=UTC).timestamp() + 60
            os.utime(path, (written, written))
        assert "3 files that touch the day; 2 are there" in day_is_ready(plain.place, NAME, D2).waiting_for
        assert day_is_ready(plain.place, NAME, D1).ready
        assert day_is_ready(plain.place, NAME, D3).ready


def test_lines_of_a_past_day_among_those_appended_are_noticed(plain: Plain) -> None:
    plain.write("app.log", *hours(D1, last=12))
    plain.run(D1)
    plain.write("app.log", *hours(D2, last=1), *hours(D1, first=13), *hours(D2, first=2))
    plain.run(D2)
    assert states(plain)[D1][0] == DayState.STALE


def test_a_day_run_in_the_middle_of_its_file_is_stale_when_the_rest_is_there(plain: Plain) -> None:
    plain.write("app.log", *hours(D1, last=12))
    plain.run(D1)
    plain.write("app.log", *hours(D1, first=13), *hours(D2))
    plain.run(D2)
    assert states(plain)[D1][0] == DayState.STALE
    plain.run(D1, "again")
    assert events(plain) == {D1: 24, D2: 24}


@pytest.mark.parametrize(
    ("day", "length"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25), (date(2025, 6, 1), 24)]
)
def test_days_of_23_and_25_hours_hold_every_line_once(
    fresh_database: str, tmp_path: Path, day: date, length: int
) -> None:
    with plain_source(fresh_database, tmp_path, zone="Europe/Berlin") as plain:
        days = [day + timedelta(days=number) for number in (-1, 0, 1)]
        zone = plain.place.source(NAME).timezone
        start = datetime(days[0].year, days[0].month, days[0].day, tzinfo=zone).timestamp() + 1800
        moments = [datetime.fromtimestamp(start + 3600 * hour, zone) for hour in range(24 + length + 24)]
        plain.write("year.log", *moments)
        for one in reversed(days):
            plain.run(one)
        assert events(plain) == dict(zip(days, (24, length, 24), strict=True))
        for row in readers.coverage(plain.place.engine, NAME):
            (account,) = readers.day_report(plain.place.engine, NAME, row.day).accounts
            assert account.account.lines_read == len(moments)


def test_every_file_is_read_once_to_learn_its_times_and_then_only_by_the_days_it_touches(
    plain: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [D1 + timedelta(days=number) for number in range(12)]
    for day in days:
        plain.write(f"{day}.log", *hours(day))
    opened: dict[str, Counter[str]] = {"peek": Counter(), "read": Counter()}
    for module, what in ((heads, "peek"), (ingest, "read")):
        monkeypatch.setattr(module, "open_bytes", _counted(module.open_bytes, opened[what]))
    for day in (days[-1], *days[:-1]):
        plain.run(day)
    assert set(opened["peek"].values()) == {1}
    # The last day reads all files, whose ends it does not know; then each day its own and the one before.
    assert opened["read"] == {f"{day}.log": 1 + (day != days[-1]) + (day not in days[-2:]) for day in days}
    opened["read"].clear()
    plain.run(days[5], "again")
    assert opened["read"] == {f"{day}.log": 1 for day in days[4:6]}


def _counted(real: Any, counts: Counter[str]) -> Any:
    def opened(path: UPath) -> Any:
        counts[path.name] += 1
        return real(path)

    return opened


def test_a_day_between_known_files_reads_no_file_of_other_days(plain: Plain) -> None:
    for day in (D1, D2, D3, D4):
        plain.write(f"{day}.log", *hours(day))
        plain.run(day)
    run = plain.run(D3, "again")
    assert run.events == 24
    with plain.place.engine.connect() as connection:
        from sqlalchemy import text

        run_id = connection.execute(text("SELECT max(run_id) FROM deeplog.runs")).scalar_one()
    assert {file.path.rsplit("/")[-1] for file in ledger.run_files(plain.place.engine, run_id)} == {
        f"{D2}.log",
        f"{D3}.log",
    }
