"""Manifests and line accounts are kept; days that late lines touch are found, and no others."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest
from sqlalchemy import Engine, text

from deeplog_ops.db import ledger, maintenance, readers
from deeplog_ops.db.engine import transaction
from deeplog_ops.db.late_days import ReadFile
from deeplog_ops.db.publish import publish_day
from deeplog_ops.errors import AccountingError, DatabaseError
from deeplog_ops.records import DayBounds, FileAccount, LineAccount, PartitionRef, RawFile
from tests.integration.db.day_results import DAY, MakeRun, raw_file, result_of

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def touches(file: RawFile, bounds: DayBounds) -> bool:
    if file.first_time is None:
        return file.day_hint == bounds.day
    return file.first_time < bounds.end and (file.last_time or file.modified) >= bounds.view_start


def late(engine: Engine, *files: RawFile) -> list[date]:
    return [found.day for found in ledger.late_days(engine, "web", files, touches, Unknown())]


class Unknown:
    """Nobody looks into the files."""

    def continues(self, file: RawFile, before: ReadFile) -> bool:
        return False

    def first_time(self, file: RawFile, before: ReadFile) -> datetime | None:
        return None


def test_a_manifest_comes_back_as_it_was_recorded(engine: Engine, begin: MakeRun) -> None:
    run = begin()
    files = [
        raw_file("f2", NOON, NOON + HOUR, read_to=100),
        raw_file("f1", None, None, compression="gzip", day_hint=DAY),
        raw_file("f2", NOON, NOON + HOUR, path="/var/log/copy.log", duplicate_of="/var/log/f2.log"),
    ]
    other = raw_file("f9", NOON, NOON)
    ledger.record_files(engine, run.run_id, [other])
    ledger.record_files(engine, run.run_id, [*files, other], files)
    assert ledger.run_files(engine, run.run_id) == files
    assert sorted(file.path for file in ledger.raw_files(engine, "web")) == sorted(
        file.path for file in [*files, other]
    )
    assert {file.path: file for file in ledger.raw_files(engine, "web")} == {
        file.path: file for file in [*files, other]
    }


def test_a_line_that_is_not_accounted_for_is_refused_by_program_and_database(
    engine: Engine, begin: MakeRun
) -> None:
    run = begin()
    with pytest.raises(AccountingError, match=r"/var/log/a\.log: 1 lines are not accounted for"):
        ledger.record_accounts(
            engine, run.run_id, [FileAccount("f1", "/var/log/a.log", LineAccount(10, 5, 1, 1, 1, 1))]
        )

    def by_hand() -> None:
        with transaction(engine) as connection:
            connection.execute(
                text("INSERT INTO deeplog.file_accounts VALUES (:run, 'f', 'p', 10, 5, 1, 1, 1, 1)"),
                {"run": run.run_id},
            )

    with pytest.raises(DatabaseError, match="no_line_vanishes") as caught:
        by_hand()
    assert isinstance(caught.value.__cause__.orig, psycopg2.errors.CheckViolation)  # type: ignore[union-attr]


def test_the_account_of_the_live_run_is_shown_with_the_day(engine: Engine, begin: MakeRun) -> None:
    account = LineAccount(10, 5, 1, 2, 1, 1)
    for run_key in ("a", "b"):
        run = begin(run_key=run_key)
        ledger.record_files(engine, run.run_id, [raw_file("f1", NOON, None)])
        entry = FileAccount("f1", "/var/log/f1.log", account, "truncated", NOON - HOUR, NOON + HOUR)
        ledger.record_accounts(engine, run.run_id, [entry])
        publish_day(engine, result_of(run))
    assert ledger.run_accounts(engine, run.run_id) == [entry]
    (shown,) = readers.day_report(engine, "web", DAY).accounts
    assert (shown.account, shown.note) == (account, "truncated")
    (known,) = ledger.raw_files(engine, "web")
    assert (known.first_time, known.last_time) == (NOON - HOUR, NOON + HOUR)


def test_a_file_that_has_grown_is_not_taken_for_read(engine: Engine, begin: MakeRun) -> None:
    run = begin()
    file = raw_file("f1", NOON, None)
    ledger.record_files(engine, run.run_id, [file])
    ledger.record_accounts(
        engine, run.run_id, [FileAccount("f1", file.path, LineAccount(1, 1), None, NOON, NOON + HOUR)]
    )
    ledger.record_files(engine, run.run_id, [file])
    assert ledger.raw_files(engine, "web")[0].last_time == NOON + HOUR
    ledger.record_files(engine, run.run_id, [replace(file, size=200)])
    assert ledger.raw_files(engine, "web")[0].last_time is None


def test_a_late_file_touches_the_days_that_depend_on_it_and_no_others(engine: Engine, begin: MakeRun) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    read = raw_file("f1", NOON - 48 * HOUR, NOON + 200 * HOUR)
    for day in days:
        run = begin(day)
        ledger.record_files(engine, run.run_id, [read])
        publish_day(engine, result_of(run))
    assert late(engine, read) == []
    assert late(engine, replace(read, path="/var/log/f1.log.1.gz", compression="gzip", size=9)) == []
    new = raw_file("f2", NOON + 24 * HOUR, NOON + 25 * HOUR)
    # The day itself, and the next, which looks back 25 hours.
    assert late(engine, read, new) == [days[1], days[2]]
    assert late(engine, replace(new, duplicate_of=read.path)) == []
    assert late(engine, raw_file("f3", None, None, day_hint=days[3])) == [days[3]]
    for day in (days[1], days[2]):
        ledger.mark_stale(engine, "web", day, "late")
    assert late(engine, new) == []


def test_a_file_that_grows_touches_only_days_that_it_had_not_passed(engine: Engine, begin: MakeRun) -> None:
    growing = raw_file("f1", NOON, NOON + 2 * HOUR)
    first = begin(DAY)
    ledger.record_files(engine, first.run_id, [growing])
    publish_day(engine, result_of(first))
    grown = replace(growing, size=200, last_time=NOON + 30 * HOUR)
    assert late(engine, grown) == [DAY]
    again = begin(DAY, run_key="again")
    ledger.record_files(engine, again.run_id, [grown])
    publish_day(engine, result_of(again))
    # By then the file had reached the next day: what is appended now belongs to days after DAY.
    assert late(engine, replace(grown, size=300, last_time=NOON + 40 * HOUR)) == []


def test_what_is_too_old_goes_and_what_days_need_stays(engine: Engine, begin: MakeRun) -> None:
    old, new = begin(DAY), begin(DAY + timedelta(days=40))
    replaced = begin(DAY + timedelta(days=40), run_key="replaced")
    for run in (old, replaced, new):
        ledger.commit_partition(engine, PartitionRef(run.run_id, "events", f"events/{run.run_id}", 1, 1))
        publish_day(engine, result_of(run))
        ledger.finish_run(engine, run.run_id, "done")
    live = {f"events/{run.run_id}" for run in (old, replaced, new)}
    assert maintenance.live_partition_paths(engine, "web") == live
    assert maintenance.expire_partitions(engine, "web", DAY) == [f"events/{replaced.run_id}"]
    assert maintenance.expire_partitions(engine, "web", DAY + timedelta(days=1)) == [f"events/{old.run_id}"]
    assert maintenance.live_partition_paths(engine, "web") == {f"events/{new.run_id}"}
    assert maintenance.expire_results(engine, "web", DAY + timedelta(days=35)) == 5 + 15 + 6 + 1 + 1
    assert [status.day for status in readers.coverage(engine, "web")] == [new.day]
    with engine.connect() as connection:
        months = connection.execute(
            text("SELECT relname FROM pg_class WHERE relname LIKE 'anomalies\\_2024\\_%' AND relkind = 'r'")
        )
        assert months.scalars().all() == ["anomalies_2024_04"]
        assert connection.execute(text("SELECT count(*) FROM deeplog.templates")).scalar() == 6


def test_late_days_are_those_that_asking_about_every_file_and_day_would_find(
    engine: Engine, begin: MakeRun
) -> None:
    draw = random.Random(5)
    days = [DAY + timedelta(days=number) for number in range(0, 60, 3)]
    for day in days:
        publish_day(engine, result_of(begin(day), anomalies=0))
    for trial in range(30):
        files = []
        for number in range(3):
            first = NOON + timedelta(days=draw.uniform(-20, 80))
            last = first + timedelta(days=draw.choice((0, 0.5, 12)))
            kinds = ((first, last, None), (first, None, None), (None, None, first.date()), (None, None, None))
            first_time, last_time, hint = draw.choice(kinds)
            file = raw_file(f"{trial}-{number}", first_time, last_time, day_hint=hint)
            files.append(replace(file, modified=last))
        bounds = [begin(day).bounds for day in days]
        expected = [one.day for one in bounds if any(touches(file, one) for file in files)]
        assert late(engine, *files) == expected
