"""The command line as scripts use it: what it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from deeplog_ops.cli.main import main
from tests.integration.steps.conftest import SCORED_DAYS, Sample

DAY = SCORED_DAYS[0]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> Done:
        capsys.readouterr()
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return Done(code, shown.out, shown.err)

    return call


@pytest.fixture
def platform(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """The sample as the environment of the command line."""
    monkeypatch.setenv("DEEPLOG_DATABASE_URL", sample.url)
    monkeypatch.setenv("DEEPLOG_LAKE", str(sample.root))
    monkeypatch.setenv("DEEPLOG_SOURCES", str(sample.place.sources))
    return sample


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text(
        "2026-03-02 10:00:00 INFO [w-1] started in 12 ms\n"
        "\n"
        "2026-03-02 10:00:01 ERROR [w-1] failed\n"
        "  at a.B.c(D.java:7)\n"
        "2026-03-02 10:00:02 INFO [w-2] started in 9 ms\n"
    )
    return path


def test_parse_gives_every_event_with_its_line_and_key(run: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "events.parquet"
    done = run("parse", log, "--out", out, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    rows = pq.read_table(out).to_pylist()
    assert [row["line_no"] for row in rows] == [1, 3, 5]
    assert (said["lines_read"], said["events"], said["joined"], said["blank"]) == (5, 3, 1, 1)
    assert rows[0]["key"] == rows[2]["key"] != rows[1]["key"]
    assert {row["key"] for row in rows} == {template["key"] for template in said["templates"]}
    assert rows[0]["numbers"] == [0.012], "in seconds"


def test_parse_finds_the_encoding(run: Run, tmp_path: Path) -> None:
    path, out = tmp_path / "old.log", tmp_path / "out.parquet"
    path.write_bytes("2026-03-02 10:00:00 INFO K\u00e4ufer ist ung\u00fcltig\n".encode("cp1252") * 20)
    assert run("parse", path, "--out", out).code == 0
    assert pq.read_table(out)["message"][0].as_py() == "K\u00e4ufer ist ung\u00fcltig"


def test_parse_reads_lines_without_any_form_one_by_one(run: Run, tmp_path: Path) -> None:
    path, out = tmp_path / "words.txt", tmp_path / "out.parquet"
    path.write_text("".join(f"word number {number} came\n" for number in range(50)))
    assert run("parse", path, "--out", out).code == 0
    assert pq.read_table(out)["line_no"].to_pylist() == list(range(1, 51))


@pytest.mark.parametrize(
    ("content", "options", "code", "said"),
    [
        (None, [], 4, "is not a file"),
        (b"", [], 4, "empty"),
        (b"x\n", ["--format", "sylog"], 4, "did you mean syslog"),
        (b"nothing like it\n" * 20, ["--format", "syslog"], 4, "no line .*fits format 'syslog'"),
        (b"\x7fELF" + bytes(range(256)) * 40, [], 4, "binary"),
        (b"x\n", ["--nonsense"], 2, "No such option"),
    ],
)
def test_parse_says_what_it_cannot_do_by_its_exit_code(
    run: Run, tmp_path: Path, content: bytes | None, options: list[str], code: int, said: str
) -> None:
    path = tmp_path / "x.log"
    if content is not None:
        path.write_bytes(content)
    done = run("parse", path, "--out", tmp_path / "out.parquet", *options)
    assert done.code == code, done.err
    assert re.search(said, done.err), done.err
    assert "Traceback" not in done.err


def test_a_source_is_added_checked_and_listed(run: Run, platform: Sample, log: Path) -> None:
    added = run("source", "add", "mine", log)
    assert added.code == 0, added.err
    assert (platform.place.sources / "mine.yaml").exists()
    assert run("source", "add", "mine", log).code == 3
    assert run("source", "check", "mine").code == 0
    listed = json.loads(run("source", "list", "--json").out)
    assert [one["name"] for one in listed["sources"]] == ["mine", "sample"]
    path = platform.place.sources / "mine.yaml"
    path.write_text(path.read_text().replace("paths:", "pahts:"))
    done = run("source", "check", "mine")
    assert done.code == 3
    assert re.search(r"mine\.yaml:\d+: .*(paths|pahts)", done.err)
    assert run("source", "list").code == 0, "one broken source breaks no other"
    assert run("run", "daily", "--source", "mine", "--day", DAY).code == 3
    assert run("source", "check", "nobody").code == 3
    every = run("source", "check")
    assert every.code == 3
    assert "sample can be used" in every.out
    assert "mine.yaml" in every.err
    gone = run("source", "remove", "nobody")
    assert (gone.code, "Delete" in gone.out) == (3, False), "nothing is asked about what is not there"


def test_a_day_is_run_and_reported(run: Run, platform: Sample) -> None:
    until = SCORED_DAYS[1]
    done = run("run", "daily", "--source", "sample", "--day", DAY, "--until", until)
    assert done.code == 0, done.err
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        [str(DAY), "scored"],
        [str(until), "scored"],
    ]
    assert all("(rates are warming up: learnt from 3 days," in line for line in done.out.splitlines())
    report = json.loads(run("report", "--source", "sample", "--day", DAY, "--json").out)
    assert report["status"]["state"] == "scored"
    assert report["anomalies"][0]["lines"][0]["text"]
    assert len(report["anomalies"]) == report["status"]["anomalies"]
    assert [row["day"] for row in json.loads(run("report", "--source", "sample", "--json").out)] == [
        str(DAY),
        str(until),
    ]
    assert "scored" in run("report", "--source", "sample", "--day", DAY).out
    versions = json.loads(run("models", "list", "--source", "sample", "--json").out)
    assert [row["champion"] for row in versions] == [True]
    assert versions[0]["version"] in run("models", "list", "--source", "sample").out


def test_a_source_that_never_ran_has_a_report_all_the_same(run: Run, platform: Sample, log: Path) -> None:
    assert run("source", "add", "mine", log).code == 0
    day = run("report", "--source", "mine", "--day", DAY)
    assert day.code == 0, day.err
    assert "not_scored" in day.out
    assert json.loads(run("report", "--source", "mine", "--json").out) == []
    assert "no model version yet" in run("models", "list", "--source", "mine").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "daily", "--source", "nobody", "--day", "2026-03-05"], 3, "known are sample"),
        (["run", "daily", "--source", "sample", "--day", "5 March"], 2, "YYYY-MM-DD"),
        (["run", "daily", "--source", "sample"], 2, "Missing option"),
        (
            ["run", "daily", "--source", "sample", "--day", "2026-03-05", "--model", "nope"],
            5,
            "does not exist",
        ),
        (
            ["run", "daily", "--source", "sample", "--day", "2026-03-05", "--until", "2026-03-01"],
            2,
            "is before",
        ),
        (["models", "promote", "--source", "sample", "nope"], 5, "does not exist"),
        (["models", "revert", "--source", "sample"], 5, "champion"),
        (["source", "rename", "sample", "Bad Name"], 3, "no name for a source"),
        (["train", "--source", "sample", "--last-day", "2020-01-01"], 5, "no closed sessions"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_what_cannot_be_done_is_told_by_the_exit_code(
    arguments: list[str], code: int, said: str, run: Run, platform: Sample
) -> None:
    done = run(*arguments)
    assert (done.code, "Traceback" in done.err) == (code, False), done.err
    assert said in done.err


@pytest.mark.parametrize(
    "command",
    [
        ["run", "daily", "-s", "sample", "-d", "2026-03-05"],
        ["report", "-s", "sample"],
        ["db", "migrate"],
        ["models", "list", "-s", "sample"],
    ],
)
def test_a_database_that_is_down_is_named_with_what_to_do(
    command: list[str], run: Run, platform: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPLOG_DATABASE_URL", "postgresql://deeplog:geheim@127.0.0.1:9/deeplog")
    done = run(*command)
    assert done.code == 6
    assert "127.0.0.1:9" in done.err
    assert "is the server up" in done.err
    assert "geheim" not in done.err
    assert "Traceback" not in done.err


def test_a_database_that_is_too_old_says_which_is_needed(
    run: Run, platform: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deeplog_ops.db import engine

    monkeypatch.setattr(engine, "OLDEST", 99)
    done = run("report", "-s", "sample")
    assert done.code == 6
    assert re.search(r"is PostgreSQL 1\d.*needs 99 or later", done.err)


def test_a_database_without_the_tables_says_how_to_make_them(
    run: Run, platform: Sample, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPLOG_DATABASE_URL", empty_database)
    done = run("report", "-s", "sample")
    assert done.code == 6
    assert "db migrate" in done.err
    assert run("db", "migrate").code == 0
    assert run("report", "-s", "sample").code == 0


def test_the_database_going_away_in_the_middle_of_a_day_is_said(
    run: Run, platform: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import create_engine

    from deeplog_ops.steps import whole_runs

    def gone(place: object, run_id: int) -> None:
        broken = create_engine("postgresql+psycopg2://u@127.0.0.1:9/x")
        place.engine.dispose()  # type: ignore[attr-defined]
        place.engine.pool = broken.pool  # type: ignore[attr-defined]

    monkeypatch.setattr(whole_runs, "score", gone)
    done = run("run", "daily", "-s", "sample", "-d", DAY)
    assert done.code == 6, done.err
    assert "lost the connection" in done.err or "no connection" in done.err


def test_help_needs_no_heavy_library() -> None:
    import subprocess

    code = (
        "import sys; from deeplog_ops.cli.main import main\n"
        "try: main(['run', '--help'])\nexcept SystemExit: pass\n"
        "assert not {'torch', 'airflow', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
