"""Years of stamps without one: named by paths, told by the last change, written down for an archive alone."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deeplog_ops.config import Reading
from deeplog_ops.config_files import load_source
from deeplog_ops.errors import ConfigError
from deeplog_ops.formats import catalog
from deeplog_ops.formats.guess_source import SampleFile, SourceGuess, guess_source, to_yaml
from deeplog_ops.formats.records import read_records
from deeplog_ops.formats.years import YEAR_IN_PATHS, year_in_path

NOW = datetime(2026, 1, 20, tzinfo=UTC)


def syslog(*days: str) -> bytes:
    return "".join(f"{day} 10:11:12 box cron[{7 + i}]: started\n" for day in days for i in range(20)).encode()


def file(path: str, changed: datetime, *days: str) -> SampleFile:
    return SampleFile(path, syslog(*days), changed)


def reading_of(guess: SourceGuess, folder: Path) -> Reading:
    path = folder / "box.yaml"
    path.write_text(to_yaml(guess))
    return load_source(path).reading


def first_day(sample: SampleFile, reading: Reading) -> str:
    chunks = read_records(
        io.BytesIO(sample.head), spec=catalog.resolve("syslog"), reading=reading, file_id="f", path=sample.path,
        modified=sample.modified, now=NOW,
    )  # fmt: skip
    return min(f"{chunk.first_time:%Y-%m-%d}" for chunk in chunks if chunk.first_time)


@pytest.mark.parametrize(
    ("path", "year"),
    [
        ("/logs/2024/messages", 2024),
        ("/data/2019/logs/messages-2024.gz", 2024),
        ("/logs/messages_2023_07.log", 2023),
        ("/logs/box12024/messages", None),
        ("/logs/1234/messages", None),
    ],
)
def test_the_last_year_of_a_path_is_meant(path: str, year: int | None) -> None:
    assert year_in_path(path, YEAR_IN_PATHS) == year


def test_each_file_has_the_year_that_its_path_names_wherever_it_is_copied_to(tmp_path: Path) -> None:
    files = [file(f"/logs/{year}/messages", NOW, "Mar  1") for year in (2022, 2023)]
    reading = reading_of(guess_source("box", files, now=NOW), tmp_path)
    assert reading.year_from_path is not None
    assert [first_day(one, reading) for one in files] == ["2022-03-01", "2023-03-01"]
    copied = file("/copy/2022/messages", NOW + timedelta(days=900), "Mar  1")
    assert first_day(copied, reading) == "2022-03-01"


def test_a_path_that_names_no_year_leaves_it_to_the_next_rule() -> None:
    reading = Reading(year_from_path=YEAR_IN_PATHS, year=2020)
    assert first_day(file("/logs/messages", NOW, "Mar  1"), reading) == "2020-03-01"


def test_an_archive_gets_its_year_written_down_and_is_read_alike_when_its_times_are_lost(
    tmp_path: Path,
) -> None:
    archive = file("/logs/messages.1", datetime(2024, 5, 2, tzinfo=UTC), "May  1", "May  2")
    guess = guess_source("box", [archive], now=NOW)
    reading = reading_of(guess, tmp_path)
    assert reading.year == 2024
    assert any("2024 was taken from the files' last change" in note for note in guess.notes)
    assert "none of them changed for 31 days" in to_yaml(guess)
    copied = SampleFile("/copy/messages.1", archive.head, NOW)
    assert first_day(copied, reading) == first_day(archive, reading) == "2024-05-01"


def test_an_archive_over_new_year_gets_the_year_of_its_first_line(tmp_path: Path) -> None:
    archive = file("/logs/messages.1", datetime(2024, 1, 3, tzinfo=UTC), "Dec 30", "Jan  2")
    assert reading_of(guess_source("box", [archive], now=NOW), tmp_path).year == 2023


def test_an_archive_of_several_years_gets_none(tmp_path: Path) -> None:
    files = [file(f"/logs/messages.{n}", datetime(2024 - n, 5, 2, tzinfo=UTC), "May  1") for n in range(3)]
    guess = guess_source("box", files, now=NOW)
    assert reading_of(guess, tmp_path).year is None
    assert any("2022, 2023, 2024" in note for note in guess.notes)


def test_logs_that_are_still_written_get_no_year_that_would_be_wrong_after_new_year(tmp_path: Path) -> None:
    live = file("/logs/messages", datetime(2025, 12, 28, tzinfo=UTC), "Dec 27", "Dec 28")
    guess = guess_source("box", [live], now=datetime(2025, 12, 28, 1, tzinfo=UTC))
    reading = reading_of(guess, tmp_path)
    assert reading.year is None
    assert any("still written" in note for note in guess.notes)
    after = file("/logs/messages", datetime(2026, 1, 9, tzinfo=UTC), "Jan  5", "Jan  9")
    assert (first_day(live, reading), first_day(after, reading)) == ("2025-12-27", "2026-01-05")


def test_a_file_that_is_written_beside_the_samples_makes_no_archive(tmp_path: Path) -> None:
    archive = file("/logs/messages.1", datetime(2024, 5, 2, tzinfo=UTC), "May  1")
    guess = guess_source("box", [archive], now=NOW, last_change=NOW)
    assert reading_of(guess, tmp_path).year is None


def test_a_year_in_the_path_that_the_last_change_does_not_bear_out_is_said() -> None:
    guess = guess_source("box", [file("/opt/app-2019/messages", NOW, "Jan  9")], now=NOW)
    assert any("though by their last change they begin in 2026" in note for note in guess.notes)


def test_a_pattern_without_its_group_is_an_error_that_shows_one(tmp_path: Path) -> None:
    path = tmp_path / "box.yaml"
    path.write_text("name: box\npaths: [/logs]\nformat: syslog\nreading:\n  year_from_path: '20[0-9]{2}'\n")
    with pytest.raises(ConfigError, match=r"group `year`"):
        load_source(path)
