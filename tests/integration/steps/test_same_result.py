"""A day is a pure function of its raw lines, its configuration and its model version, whatever happens on the way."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from deeplog_ops.db.verdict_subjects import find_anomaly
from deeplog_ops.db.verdicts import VerdictKind, record_verdict
from deeplog_ops.storage.lake import Lake
from tests.integration.steps.conftest import SCORED_DAYS, Sample


@pytest.fixture
def expected(sample: Sample) -> dict[str, list[object]]:
    """The tables after the days ran one after the other."""
    for day in SCORED_DAYS:
        sample.run(day, "first")
    results = sample.results()
    assert {row[1] for row in results["days"]} == {"scored"}
    assert results["anomalies"], "a comparison of nothing with nothing shows nothing"
    assert results["lines"]
    return results


def test_a_day_run_twice_gives_the_same_rows(sample: Sample, expected: dict[str, list[object]]) -> None:
    sample.run(SCORED_DAYS[1], "again")
    assert sample.results() == expected


def test_days_in_another_order_give_the_same_rows(sample: Sample, expected: dict[str, list[object]]) -> None:
    for day in (SCORED_DAYS[2], SCORED_DAYS[0], SCORED_DAYS[1]):
        sample.run(day, "shuffled")
    assert sample.results() == expected


def test_four_runs_at_once_give_the_same_rows(sample: Sample, expected: dict[str, list[object]]) -> None:
    """Each in a process of its own; two of them are the same day."""
    days = [*SCORED_DAYS, SCORED_DAYS[0]]
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(lambda number: in_another_process(sample, days[number], f"at-once-{number}"), range(4))
        )
    assert [process.returncode for process in done] == [0, 0, 0, 0], [
        process.stderr[-2000:] for process in done
    ]
    assert sample.results() == expected


@pytest.mark.parametrize("moment", ["ingest", "publish"])
def test_a_task_killed_in_the_middle_and_retried_gives_the_same_rows(
    sample: Sample, expected: dict[str, list[object]], moment: str
) -> None:
    day = SCORED_DAYS[1]
    killed = in_another_process(sample, day, "killed", kill=moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert sample.results() == expected, "a killed attempt shows nothing of itself"
    retried = in_another_process(sample, day, "killed")
    assert retried.returncode == 0, retried.stderr[-2000:]
    assert sample.results() == expected


def test_files_rotated_and_compressed_between_two_runs_give_the_same_rows(
    sample: Sample, expected: dict[str, list[object]]
) -> None:
    for number, path in enumerate(sorted(sample.raw.glob("*.log"))):
        if number % 2:
            path.rename(path.with_name(f"rotated-{number}.log.1"))
        else:
            path.with_suffix(".log.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    for day in SCORED_DAYS:
        sample.run(day, "rotated")
    assert sample.results() == expected


def test_the_same_file_under_two_names_counts_once(sample: Sample, expected: dict[str, list[object]]) -> None:
    for number, path in enumerate(sorted(sample.raw.glob("*.log"))):
        if number % 3 == 0:
            (sample.raw / f"copy-{number}.log").write_bytes(path.read_bytes())
    sample.run(SCORED_DAYS[1], "copied")
    assert sample.results() == expected


def test_neither_shards_nor_tables_nor_what_people_say_change_a_row(
    sample: Sample, expected: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows come in pieces of another size, in shards of another number, and people have spoken of half of them."""
    for number, row in enumerate(expected["anomalies"]):
        engine, kind = (
            sample.place.engine,
            VerdictKind.FALSE_POSITIVE if number % 2 else VerdictKind.TRUE_POSITIVE,
        )
        record_verdict(engine, "sample", kind, find_anomaly(engine, "sample", str(row[1])), who="test")
    configuration = sample.root / "sources" / "sample.yaml"
    configuration.write_text(configuration.read_text().replace("buckets: 4", "buckets: 3"))
    read = Lake.read
    monkeypatch.setattr(
        Lake, "read", lambda lake, ref, columns=None, rows=50: read(lake, ref, columns, min(rows, 50))
    )
    for day in reversed(SCORED_DAYS):
        sample.run(day, "in-pieces")
    assert sample.results() == expected


_CHILD = """
import os, signal, sys
from datetime import date
from pathlib import Path
from typing import Any
from deeplog_ops.db.verdict_subjects import find_anomaly
from deeplog_ops.db.verdicts import VerdictKind, record_verdict
from deeplog_ops.storage.lake import Lake
from tests.integration.steps.conftest import workplace
from deeplog_ops.db import publish
from deeplog_ops.steps.whole_runs import run_day
from deeplog_ops.storage.lake import PartitionWriter

url, root, day, key, kill = sys.argv[1:]
if kill == "ingest":
    write = PartitionWriter.write_batch
    def killed(self, table):
        write(self, table)
        os.kill(os.getpid(), signal.SIGKILL)
    PartitionWriter.write_batch = killed
if kill == "publish":
    copy = publish.copy
    def killed(connection, table, columns, rows):
        done = copy(connection, table, columns, rows)
        if table == "deeplog.anomalies":
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    publish.copy = killed
run_day(workplace(url, Path(root)), "sample", date.fromisoformat(day), run_key=key)
"""


def in_another_process(
    sample: Sample, day: date, key: str, kill: str = ""
) -> subprocess.CompletedProcess[str]:
    """A run of a day that, at the place named by `kill`, kills itself with SIGKILL."""
    repository = Path(__file__).resolve().parents[3]
    return subprocess.run(
        [sys.executable, "-c", _CHILD, sample.url, str(sample.root), str(day), f"{key}-{day}", kill],
        capture_output=True,
        text=True,
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"},
        timeout=120,
        check=False,
    )
