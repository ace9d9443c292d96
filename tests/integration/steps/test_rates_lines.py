"""Counts of a run and the lines that odd ones lead to: sources without times, days of 25 hours, what never came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deeplog_ops.detection.rates import RateFinding
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.models.rate_bins import DAY
from deeplog_ops.steps.assign_keys import learn_keys
from deeplog_ops.steps.begin import begin_training
from deeplog_ops.steps.find_files import find_files
from deeplog_ops.steps.fit_rates import fit_rates
from deeplog_ops.steps.ingest import ingest
from deeplog_ops.steps.rate_counts import counted, days_of
from deeplog_ops.steps.rate_lines import lines_of
from deeplog_ops.steps.score_rates import score_rates
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.templates.catalogue import Catalogue
from tests.integration.steps.lake_rows import last_run, stage_rows
from tests.integration.steps.plain_source import NAME, Plain, hours, plain_source

FIRST = date(2026, 3, 2)
HOUR = timedelta(hours=1)
NO_TIMES = """\
name: plain
paths: ['{raw}']
format:
  name: bare-lines
  pattern: '^(?P<message>.*)$'
reading: {{day_from_path: '(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})'}}
sessions: {{by: stream, width: 1h}}
"""


def trained(source: Plain, last: date, days: int) -> OpenRun:
    """A training run with its events, up to where the model would be fitted."""
    run_id = begin_training(
        source.place, NAME, last - timedelta(days=days - 1), last, "train", trigger="test"
    )
    find_files(source.place, run_id)
    ingest(source.place, run_id)
    learn_keys(source.place, run_id)
    return OpenRun.of(source.place, run_id)


def finding(key: str, begin: datetime, end: datetime, actual: int) -> RateFinding:
    kind = "rate_burst" if actual else "rate_vanished"
    return RateFinding(key, kind, 0, 1, begin, end, actual, 5.0, 3, 20.0, 12.0, 0.0, ((actual, 5.0),))


def key_of(rows: list[dict[str, Any]], source: Plain, day: date, message: str) -> str:
    lines = stage_rows(source, day, "lines")  # type: ignore[arg-type]
    return next(row["key"] for row, line in zip(rows, lines, strict=True) if line["message"] == message)


def test_lines_without_times_are_counted_by_the_day_that_their_file_names(
    fresh_database: str, tmp_path: Path
) -> None:
    with plain_source(fresh_database, tmp_path) as source:
        (source.place.sources / f"{NAME}.yaml").write_text(NO_TIMES.format(raw=source.raw))
        for number in range(4):
            day = FIRST + timedelta(days=number)
            (source.raw / f"{day}.log").write_text("disk is quiet\n" * (20 + number))
        opened = trained(source, FIRST + timedelta(days=3), 4)
        keys, tables = counted(opened, Catalogue(()), days_of(opened, DAY))
        assert [table.tolist() for table in tables] == [[[20]], [[21]], [[22]], [[23]]]
        part = fit_rates(opened, Catalogue(()))
    assert part is not None
    baseline = RateBaseline.restore(part)
    assert (baseline.width, baseline.keys, baseline.days) == (DAY, keys, 4)
    assert baseline.estimate.mean[0] == pytest.approx(21.5, rel=0.05)


def test_the_hour_that_comes_twice_is_counted_twice(fresh_database: str, tmp_path: Path) -> None:
    day = date(2025, 10, 26)
    with plain_source(fresh_database, tmp_path, zone="Europe/Berlin") as source:
        local = [*hours(day, 0, 2), datetime(2025, 10, 26, 2, 15), *hours(day, 3)]
        source.write("a.log", *local)
        source.run(day)
        opened = OpenRun.of(source.place, last_run(source, day))  # type: ignore[arg-type]
        _, (table,) = counted(opened, Catalogue(()), days_of(opened, HOUR))
    assert table.tolist() == [[1] * 25]


def test_lines_of_other_days_are_not_counted(fresh_database: str, tmp_path: Path) -> None:
    with plain_source(fresh_database, tmp_path) as source:
        for number in range(3):
            source.write("a.log", *hours(FIRST + timedelta(days=number)))
        day = FIRST + timedelta(days=1)
        source.run(day)
        opened = OpenRun.of(source.place, last_run(source, day))  # type: ignore[arg-type]
        _, (table,) = counted(opened, Catalogue(()), days_of(opened, HOUR))
        assert table.tolist() == [[1] * 24]
        assert score_rates(source.place, opened.run.run_id) == 0, "there is no version yet"


def test_a_burst_leads_to_its_first_line_and_a_gap_to_the_last_before(
    fresh_database: str, tmp_path: Path
) -> None:
    with plain_source(fresh_database, tmp_path) as source:
        source.write("a.log", *hours(FIRST, 2, 5))
        source.write("b.log", *hours(FIRST, 1, 9), message="load average high")
        source.run(FIRST)
        opened = OpenRun.of(source.place, last_run(source, FIRST))  # type: ignore[arg-type]
        events = stage_rows(source, FIRST, "events")  # type: ignore[arg-type]
        quiet = key_of(events, source, FIRST, "disk is quiet")
        start = opened.bounds.start
        found = lines_of(
            opened,
            [
                finding(quiet, start + 3 * HOUR, start + 5 * HOUR, 2),
                finding(quiet, start + 6 * HOUR, start + 9 * HOUR, 0),
                finding("never", start + 8 * HOUR, start + 9 * HOUR, 0),
                finding("never", start, start + HOUR, 0),
            ],
            Catalogue(()),
        )
        at = {(row["file_id"], row["line_no"]): (row["time"], row["key"]) for row in events}
        where = [at[line.where.file_id, line.where.line_no] for line in found]
    half = timedelta(minutes=30)
    assert where[0] == (start + 3 * HOUR + half, quiet)
    assert where[1] == (start + 5 * HOUR + half, quiet)
    assert where[2][0] == start + 7 * HOUR + half, "of the source, where the template has none before"
    assert where[3][0] == start + HOUR + half, "and else the first line there is"
    assert found[0].seen == (start + 3 * HOUR + half, start + 4 * HOUR + half)
    assert start == datetime(2026, 3, 2, tzinfo=UTC)
