"""A source whose times were read wrongly and are set right: its files are known, and what was known of their times is not."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from s3fs import S3FileSystem
from sqlalchemy import text

from deeplog_ops.db.maintenance import expire_results
from deeplog_ops.errors import DatabaseError
from deeplog_ops.steps import source_files
from deeplog_ops.steps.begin import begin_day
from deeplog_ops.steps.misplaced_days import MisplacedDays, forget, misplaced_days
from deeplog_ops.steps.whole_runs import run_day
from deeplog_ops.steps.workplace import Workplace
from tests.integration.steps.conftest import SCORED_DAYS, Sample, workplace
from tests.integration.steps.test_cli import Run, platform, run

__all__ = ["platform", "run"]

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


def test_days_of_a_wrong_year_are_named_and_taken_away_by_command_alone(
    place: Workplace,
) -> None:
    wrong = date(2026, 3, 2)
    assert events(place, wrong, "wrong") == 1
    assert misplaced_days(place, "box") == MisplacedDays((), ())
    with pytest.raises(
        DatabaseError, match=r"messages.2 has lines of 2026-03-02, or may have: run the day again"
    ):
        forget(place, "box", [wrong])
    set_right(place, "year: 2024")
    assert misplaced_days(place, "box") == MisplacedDays((), (wrong,)), (
        "it is read to its last change at most"
    )
    right = [date(2024, 3, 1), date(2024, 3, 2)]
    for day in right:
        assert events(place, day, "right") == 1
    assert misplaced_days(place, "box") == MisplacedDays((wrong,), ())
    with pytest.raises(DatabaseError, match="2024-03-02, or may have"):
        forget(place, "box", [wrong, right[1]])
    with pytest.raises(DatabaseError, match="no published day 2026-03-01"):
        forget(place, "box", [wrong, date(2026, 3, 1)])
    assert days(place) == [*right, wrong], "all or nothing"
    assert list(forget(place, "box", [wrong])) == [wrong]
    assert days(place) == right
    assert misplaced_days(place, "box") == MisplacedDays((), ())
    with place.engine.connect() as connection:
        assert (
            connection.execute(
                text("SELECT count(*) FROM deeplog.runs WHERE day = :day"), {"day": wrong}
            ).scalar()
            == 0
        )
        assert connection.execute(text("SELECT max(day) FROM bi.days_coverage")).scalar() == right[1]
    assert events(place, right[1], "again") == 1


def test_days_whose_files_are_gone_or_were_run_again_are_not_named(place: Workplace) -> None:
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    assert events(place, first, "before") == events(place, second, "before") == 1
    (place.sources.parent / "logs" / "messages.1").unlink()
    set_right(place, "zone: Europe/Athens")
    assert misplaced_days(place, "box") == MisplacedDays((), (second,)), (
        "of the first day nothing is there that could tell"
    )
    assert events(place, second, "again") == 1
    assert misplaced_days(place, "box") == MisplacedDays((), ())
    assert list(forget(place, "box", [first])) == [first], "and who wants to may take it away"


def test_where_no_file_is_found_at_all_no_day_is_taken_away(place: Workplace) -> None:
    day = date(2026, 3, 1)
    assert events(place, day, "before") == 1
    logs = place.sources.parent / "logs"
    logs.rename(logs.with_name("unmounted"))
    with pytest.raises(DatabaseError, match=r"no raw file of box is found.*Nothing was deleted"):
        forget(place, "box", [day])
    assert days(place) == [day]


def test_a_day_is_not_taken_away_under_a_run(place: Workplace) -> None:
    earlier, wrong = date(2026, 3, 1), date(2026, 3, 2)
    assert events(place, earlier, "wrong") == events(place, wrong, "wrong") == 1
    set_right(place, "year: 2024")
    for day in (date(2024, 3, 1), date(2024, 3, 2)):
        events(place, day, "right")
    begin_day(place, "box", wrong, "another", trigger="cli")
    with pytest.raises(DatabaseError, match=r"of 2026-03-02 is under way since .* Nothing was deleted"):
        forget(place, "box", [earlier, wrong])
    assert {earlier, wrong} <= set(days(place))


def test_times_stay_those_of_the_right_year_when_the_last_run_of_a_wrong_one_is_taken_away(
    place: Workplace,
) -> None:
    right, wrong = date(2024, 3, 2), date(2026, 3, 2)
    for log in (place.sources.parent / "logs").iterdir():
        changed = datetime(2024, 3, 3, tzinfo=UTC).timestamp()
        os.utime(log, (changed, changed))
    set_right(place, "year: 2024")
    assert events(place, right, "first") == 1
    path = place.sources / "box.yaml"
    path.write_text(path.read_text().replace("2024", "2026"))
    assert events(place, wrong, "wrong") == 1
    path.write_text(path.read_text().replace("2026", "2024"))
    assert misplaced_days(place, "box") == MisplacedDays((wrong,), ())
    assert list(forget(place, "box", [wrong])) == [wrong]
    assert events(place, date(2024, 3, 1), "later") == 1, "the file is looked for where its lines are"
    assert days(place) == [date(2024, 3, 1), right]


def test_times_stay_those_of_the_right_year_when_the_last_run_expires_as_one_of_a_wrong_past(
    place: Workplace,
) -> None:
    set_right(place, "year: 2024")
    assert events(place, date(2024, 3, 2), "first") == 1
    path = place.sources / "box.yaml"
    path.write_text(path.read_text().replace("2024", "2016"))
    assert events(place, date(2016, 3, 2), "wrong") == 1
    path.write_text(path.read_text().replace("2016", "2024"))
    expire_results(place.engine, place.registered("box").key, date(2020, 1, 1))
    assert days(place) == [date(2024, 3, 2)]
    assert events(place, date(2024, 3, 1), "later") == 1


def test_a_day_of_which_a_growing_file_has_a_late_line_is_not_taken_away(place: Workplace) -> None:
    logs = place.sources.parent / "logs"
    (logs / "messages.1").unlink()
    head = "".join(f"Mar  2 00:00:10 box cron[{number}]: started\n" for number in range(3_000))
    (logs / "messages.2").write_text(head + "Mar  1 23:59:50 box cron[9]: started\n")
    os.utime(logs / "messages.2", (CHANGED, CHANGED))
    day = date(2026, 3, 1)
    assert events(place, day, "first") == 1
    with (logs / "messages.2").open("a") as log:
        log.write("Mar  2 00:00:20 box cron[9]: started\n")
    os.utime(logs / "messages.2", (CHANGED + 60, CHANGED + 60))
    assert misplaced_days(place, "box") == MisplacedDays((), ())
    with pytest.raises(DatabaseError, match="has lines of 2026-03-01, or may have"):
        forget(place, "box", [day])


def test_health_names_them_and_source_forget_refuses_days_that_have_lines(run: Run, platform: Sample) -> None:
    sample = platform
    day = SCORED_DAYS[0]
    sample.run(day)
    path = sample.root / "sources" / "sample.yaml"
    assert "published day" not in run("health", "--source", "sample").out
    before = path.read_text()
    path.write_text(before + "reading: {zone: Europe/London}\n")
    told = run("health", "--source", "sample")
    assert told.code == 0, told.err
    assert f"run them again:\n  deeplog-ops run daily --source sample --day {day}\n" in told.out
    path.write_text(before)
    refused = run("source", "forget", "sample", "--day", str(day), "--yes")
    assert refused.code != 0
    assert f"has lines of {day}" in refused.err
    for file in sample.raw.glob(f"*{day}*"):
        file.unlink()
    assert json.loads(run("health", "--source", "sample", "--json").out)["days_without_lines"] == []
    done = run("source", "forget", "sample", "--day", str(day), "--yes")
    assert done.code == 0, done.err
    assert f"{day} is gone: " in done.out


def test_health_speaks_of_the_model_while_an_object_store_lets_nobody_in(
    run: Run, platform: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    S3FileSystem.clear_instance_cache()  # one that another test opened is let in
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(platform.root / "none"))
    path = platform.root / "sources" / "sample.yaml"
    path.write_text(path.read_text().replace(str(platform.raw), "s3://no-such-bucket/raw"))
    told = run("health", "--source", "sample", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["days_without_lines"] == []
    assert "whether raw files have the lines of published days is not known: " in told.err


def days(place: Workplace) -> list[date]:
    with place.engine.connect() as connection:
        return list(connection.execute(text("SELECT day FROM deeplog.days ORDER BY day")).scalars())
