"""Both rooms together: the sessions that the generator started are those found in its files."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from deeplog_ops import simulate
from deeplog_ops.config import Sessions, SourceConfig
from deeplog_ops.config_files import load_source
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.records import DayBounds
from deeplog_ops.sequences.identify import session_ids
from deeplog_ops.sequences.sessions import build
from deeplog_ops.simulate.day import Plan, started_on

START = date(2026, 2, 28)  # a Saturday: the weekly job runs on the second day
DAYS = 4


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> simulate.Truth:
    return simulate.write(
        tmp_path_factory.mktemp("days"), days=DAYS, start=START, sessions_per_day=200, seed=3
    )


@pytest.fixture(scope="module")
def source(truth: simulate.Truth) -> SourceConfig:
    path: Path = truth.raw.parent / "sample.yaml"
    path.write_text(simulate.source_yaml(truth.raw), encoding="utf-8")
    return load_source(path)


def events_of(truth: simulate.Truth, source: SourceConfig) -> pl.DataFrame:
    assert isinstance(source.format, FormatSpec)
    frames = [
        pl.DataFrame({"raw": path.read_text(encoding="utf-8").splitlines()})
        .with_row_index("line_no", offset=1)
        .with_columns(pl.lit(path.name).alias("file_id"))
        for path in truth.files
    ]
    read = pl.concat(frames).with_columns(
        pl.col("raw").str.extract_groups(source.format.pattern or "").alias("record")
    )
    read = read.unnest("record").filter(pl.col("message").is_not_null())
    time = pl.col("time").str.strptime(pl.Datetime("us", "UTC"), "%Y-%m-%d %H:%M:%S,%3f")
    lines = read.with_columns(
        time, byte_offset=pl.lit(0), key=pl.col("component"), line_no=pl.col("line_no").cast(pl.Int64)
    )
    return lines.with_columns(session=session_ids(lines, source.sessions))


def judged_on(events: pl.DataFrame, day: date, settings: Sessions) -> list[dict]:
    bounds = DayBounds.of(day, "UTC", settings.lookback)
    view = events.filter(pl.col("time").is_between(bounds.view_start, bounds.end, closed="left"))
    return [row for row in build(view, settings, bounds).to_pylist() if row["judged"]]


def test_every_session_started_is_judged_once_and_whole(truth: simulate.Truth, source: SourceConfig) -> None:
    events = events_of(truth, source)
    found = [
        row
        for number in range(DAYS + 1)
        for row in judged_on(events, START + timedelta(days=number), source.sessions)
    ]
    lengths = {row["session"]: len(row["keys"]) for row in found}
    assert Counter(row["session"] for row in found).most_common(1)[0][1] == 1

    started: Counter[str] = Counter()
    plan = Plan(seed=3, sessions_per_day=200)
    for number in range(DAYS - 1):  # the last day's may run on into a day that was not written
        for line in started_on(START + timedelta(days=number), plan).lines:
            started[line.text.split(": ", 1)[1][:14]] += 1
    assert {session: lengths.get(session) for session in started} == dict(started)


def test_hidden_anomalies_are_in_sessions_that_are_judged(
    truth: simulate.Truth, source: SourceConfig
) -> None:
    events = events_of(truth, source)
    judged = {
        (row["session"], file, line)
        for number in range(DAYS + 1)
        for row in judged_on(events, START + timedelta(days=number), source.sessions)
        for file, line in zip(row["file_ids"], row["line_nos"], strict=True)
    }
    hidden = [label for label in truth.anomalies if label.session]
    assert len(hidden) == 9 * DAYS
    assert [label for label in hidden if (label.session, label.file, label.line_no) not in judged] == []
