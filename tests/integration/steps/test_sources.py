"""Sources are added, renamed and removed, with all that belongs to them; what cannot be is said before anything changes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from deeplog_ops.config_files import load_source, load_sources
from deeplog_ops.db import sources as rows
from deeplog_ops.errors import ConfigError, FormatError, MissingInput
from deeplog_ops.steps import source_files
from deeplog_ops.steps.whole_runs import run_day
from tests.integration.steps.conftest import SCORED_DAYS, Sample

A, B, _ = SCORED_DAYS
LINES = "".join(
    f"2026-03-02 10:{n // 60:02d}:{n % 60:02d} INFO [worker-{n % 3}] job-{n % 7} is step {n}\n"
    for n in range(300)
)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").write_text(LINES)
    return tmp_path / "logs"


def test_a_proposed_source_loads_and_checks(logs: Path, tmp_path: Path) -> None:
    proposal = source_files.propose("app", [str(logs)])
    path = source_files.add(tmp_path / "sources", "app", proposal.text)
    assert load_source(path).paths == (str(logs),)
    checked = source_files.check(tmp_path / "sources", "app")
    assert (checked.faults, checked.files) == ([], 1)


def test_an_archive_has_one_year_until_it_is_written_again(tmp_path: Path) -> None:
    old, now = datetime(2024, 5, 2, tzinfo=UTC), datetime(2026, 1, 20, tzinfo=UTC)
    (tmp_path / "logs").mkdir()
    for name in ("messages.1", "messages.2"):
        file = tmp_path / "logs" / name
        file.write_text("May  1 10:11:12 box cron[7]: started\n" * 50)
        os.utime(file, (old.timestamp(),) * 2)
    folder = tmp_path / "sources"
    source_files.add(folder, "box", source_files.propose("box", [str(tmp_path / "logs")]).text)
    assert load_source(folder / "box.yaml").reading.year == 2024
    assert source_files.check(folder, "box", now).warnings == []
    live = tmp_path / "logs" / "messages"
    live.write_text("Jan 19 10:11:12 box cron[7]: started\n" * 50)
    os.utime(live, (now.timestamp(),) * 2)
    (warning,) = source_files.check(folder, "box", now).warnings
    assert "reading.year = 2024 holds for every file" in warning
    assert "would begin in 2026" in warning


def test_adding_leaves_a_source_that_is_there_and_replaces_it_only_by_one_that_loads(
    logs: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "sources"
    text_of = source_files.propose("app", [str(logs)]).text
    path = source_files.add(folder, "app", text_of)
    with pytest.raises(ConfigError, match="exists already"):
        source_files.add(folder, "app", "name: app\n")
    with pytest.raises(ConfigError, match="format is missing"):
        source_files.add(folder, "app", f"name: app\npaths: {logs}\n", replace=True)
    assert path.read_text() == text_of
    with pytest.raises(ConfigError):
        source_files.add(folder, "other", "name: app\n")
    assert [found.name for found in folder.iterdir()] == ["app.yaml"]


BAD_NAMES = ["Web", "1web", "a b", "", "../web", "web.log", "x" * 49, "w\u00e9b", "web\n"]


def test_names_of_a_bad_form_are_refused(logs: Path, sample: Sample) -> None:
    for name in BAD_NAMES:
        with pytest.raises(ConfigError, match="no name for a source"):
            source_files.propose(name, [str(logs)])
        with pytest.raises(ConfigError, match="no name for a source"):
            source_files.rename(sample.place, "sample", name)
    assert [path.name for path in sample.place.sources.iterdir()] == ["sample.yaml"]


def test_a_path_without_files_and_files_without_lines_are_said(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="does not exist"):
        source_files.propose("app", [str(tmp_path / "nothing")])
    (tmp_path / "empty.log").write_text("")
    with pytest.raises(MissingInput, match="empty"):
        source_files.propose("app", [str(tmp_path / "empty.log")])


def test_binary_files_make_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"\x7fELF" + bytes(range(256)) * 400)
    with pytest.raises(FormatError, match="binary"):
        source_files.propose("app", [str(tmp_path / "a.log")])


def test_a_renamed_source_keeps_its_rows_and_gives_them_again(sample: Sample) -> None:
    sample.run(A)
    before = sample.results()
    path = source_files.rename(sample.place, "sample", "harbour")
    assert not (sample.place.sources / "sample.yaml").exists()
    assert (load_source(path).name, load_source(path).key) == ("harbour", "sample")
    assert "# The sample: an imaginary object store" in path.read_text(), "comments stay"
    assert [source.name for source in rows.registered(sample.place.engine)] == ["harbour"]
    assert run_day(sample.place, "harbour", A, run_key="renamed").anomalies == len(before["anomalies"])
    assert sample.results() == before
    source_files.rename(sample.place, "harbour", "sample")
    sample.run(A, "back")
    assert sample.results() == before


def test_renaming_to_a_name_in_use_changes_nothing(sample: Sample) -> None:
    sample.run(A)
    rows.register(sample.place.engine, "other", "taken")
    from deeplog_ops.errors import DatabaseError

    with pytest.raises(DatabaseError, match="exists already"):
        source_files.rename(sample.place, "sample", "taken")
    assert [path.name for path in sample.place.sources.iterdir()] == ["sample.yaml"]
    with pytest.raises(ConfigError, match="no source 'nobody'"):
        source_files.rename(sample.place, "nobody", "somebody")


def test_a_new_source_under_the_old_name_of_another_has_a_key_of_its_own(sample: Sample, logs: Path) -> None:
    """Else both would write the same tables."""
    sample.run(A)
    source_files.rename(sample.place, "sample", "harbour")
    text_of = source_files.propose("sample", [str(logs)]).text
    source_files.add(sample.place.sources, "sample", text_of)
    assert sample.place.source("harbour").key == "sample"
    assert sample.place.source("sample").key == "sample-2"


def test_two_files_with_one_key_are_a_fault(sample: Sample) -> None:
    twin = sample.place.sources / "twin.yaml"
    twin.write_text(
        (sample.place.sources / "sample.yaml")
        .read_text()
        .replace("name: sample\n", "name: twin\nkey: sample\n", 1)
    )
    found, errors = load_sources(sample.place.sources)
    assert [one.name for one in found] == ["sample"]
    assert "twin.yaml" in str(errors[0])
    assert "key 'sample' is that of sample.yaml" in str(errors[0])
    with pytest.raises(ConfigError, match="is that of sample"):
        sample.place.source("twin")
    assert source_files.check(sample.place.sources, "twin").faults


def test_a_removed_source_leaves_nothing_but_its_raw_files(sample: Sample) -> None:
    sample.run(A)
    sample.run(B)
    raw = sorted(sample.raw.iterdir())
    (tables,) = _counts(sample)
    assert all(tables.values()), tables
    done = source_files.remove(sample.place, "sample")
    assert min(done.rows, done.partitions, done.versions) > 0
    assert set(_counts(sample)[0].values()) == {0}
    assert not list((sample.root / "lake").rglob("*.parquet"))
    assert not list((sample.root / "models").rglob("*.json"))
    assert sorted(sample.raw.iterdir()) == raw
    assert not list(sample.place.sources.iterdir())


def _counts(sample: Sample) -> list[dict[str, int]]:
    names = "anomalies anomaly_lines template_counts templates days raw_files run_files runs file_accounts models partitions"
    with sample.place.engine.connect() as connection:
        return [
            {
                name: connection.execute(text(f"SELECT count(*) FROM deeplog.{name}")).scalar_one()
                for name in names.split()
            }
        ]


CASES = {
    "a typo": (
        "sessions: {by: stream, widht: 1h}",
        r"broken.yaml:5: sessions.widht is not a setting; did you mean width",
    ),
    "a wrong value": ("reading:\n  zone: Mars", r"broken.yaml:6: reading.zone: 'Mars' is not a zone"),
    "no YAML": ("sessions: [by", r"broken.yaml:\d+: is not YAML"),
    "a control character": ("description: '\x07'", r"broken.yaml:5: is not YAML"),
    "a pattern with a back-reference": (
        "sessions: {by: identifier, pattern: '(a)\\1'}",
        r"broken.yaml:5: .*back-references",
    ),
    "a redaction that is no pattern": ("reading: {redact: [{pattern: '('}]}", r"broken.yaml:5: .*redact"),
    "a mask with a look-ahead": (
        "templates: {masks: [{name: x, pattern: '(?=a)'}]}",
        r"broken.yaml:5: .*look-around",
    ),
    "a day pattern without a day": ("reading: {day_from_path: '[0-9]+'}", r"broken.yaml:5: .*group `day`"),
    "a day pattern that is none": ("reading: {day_from_path: '(?P<day>'}", r"broken.yaml:5: .*day_from_path"),
    "an encoding that is none": ("reading: {encoding: utf-9}", r"broken.yaml:5: .*no such text encoding"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_configuration_with_a_fault_is_refused_with_file_and_line(
    case: str, tmp_path: Path, logs: Path
) -> None:
    more, fault = CASES[case]
    (tmp_path / "broken.yaml").write_text(f"name: broken\npaths:\n  - {logs}\nformat: plain\n{more}\n")
    checked = source_files.check(tmp_path, "broken")
    (found,) = checked.faults
    import re

    assert re.search(fault, found), found
    assert "\n" not in found.strip()


def test_a_format_whose_pattern_cannot_run_in_linear_time_is_refused_and_one_that_would_backtrack_runs(
    tmp_path: Path, logs: Path
) -> None:
    start = f"name: web\npaths: ['{logs}']\nformat:\n  name: own\n  pattern: "
    (tmp_path / "web.yaml").write_text(start + "'^(?=x)(?P<message>.*)$'\n")
    (fault,) = source_files.check(tmp_path, "web").faults
    assert "web.yaml:5" in fault
    assert "linear" in fault
    (logs / "app.log").write_text("a" * 100_000 + "!\n" + "b" * 50 + "\n")
    (tmp_path / "web.yaml").write_text(start + "'^(?P<message>(a+)+b)$'\n")
    assert source_files.check(tmp_path, "web").faults == []
