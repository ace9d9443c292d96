"""Zero anomalies, not scored, warming up, stale and failed are five different things; and every anomaly leads back."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from deeplog_ops.db import readers
from deeplog_ops.errors import LakeError, MissingInput
from deeplog_ops.records import DayState
from deeplog_ops.steps import whole_runs
from deeplog_ops.steps.wait import day_is_ready
from deeplog_ops.steps.whole_runs import run_day, run_training
from tests.integration.steps.conftest import FIRST, SCORED_DAYS, Sample

A, B, C = SCORED_DAYS


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A stage in the middle raises."""

    monkeypatch.setattr(whole_runs, "sequence", _out_of_space)
    return monkeypatch


def _out_of_space(*_: Any) -> None:
    raise LakeError("the disk is full")


def with_a_new_message(sample: Sample, message: bytes) -> None:
    """Some sessions of day A have a message in their middle that training never saw."""
    for path in sorted(sample.raw.glob(f"*{A}*.log"))[8:14]:
        path.write_bytes(path.read_bytes().replace(b" committed /media", b" " + message + b" /media", 2))


def coverage(sample: Sample) -> dict[Any, readers.DayStatus]:
    return {row.day: row for row in readers.coverage(sample.place.engine, "sample")}


def test_the_five_states_are_five_in_readers_and_views(sample: Sample, broken: pytest.MonkeyPatch) -> None:
    with pytest.raises(LakeError):
        sample.run(A)
    broken.undo()
    (sample.root / "sources" / "sample.yaml").write_text(
        (sample.root / "sources" / "sample.yaml").read_text() + "detection: {least_sessions: 100000}\n"
    )
    sample.run(B)  # too few sessions for a verdict
    text_now = (sample.root / "sources" / "sample.yaml").read_text()
    (sample.root / "sources" / "sample.yaml").write_text(
        text_now.replace("detection: {least_sessions: 100000}\n", "")
    )
    sample.run(C)
    sample.run(C + timedelta(days=3))  # no lines there
    late = sorted(sample.raw.glob(f"*{C}*.log"))[0]
    (sample.raw / "late.log").write_bytes(late.read_bytes().replace(b" INFO", b" WARN"))
    sample.run(C + timedelta(days=3), "again")
    found = coverage(sample)
    assert {day: row.state for day, row in found.items()} == {
        A: DayState.FAILED,
        B: DayState.WARMING_UP,
        C: DayState.STALE,
        C + timedelta(days=1): DayState.NOT_SCORED,
        C + timedelta(days=2): DayState.NOT_SCORED,
        C + timedelta(days=3): DayState.NOT_SCORED,
    }
    assert "the disk is full" in (found[A].reason or "")
    assert "100000" in (found[B].reason or "")
    assert (found[A].anomalies, found[B].anomalies) == (None, 0)
    assert found[C + timedelta(days=1)].reason == "no run has touched this day"
    with sample.place.engine.connect() as connection:
        view = connection.execute(
            text("SELECT day, state, reason, anomalies FROM bi.days_coverage ORDER BY day")
        )
        assert [tuple(row) for row in view] == [
            (row.day, row.state.value, row.reason, row.anomalies) for row in found.values()
        ]


def test_a_day_named_by_mistake_does_not_fill_the_calendar(sample: Sample) -> None:
    sample.run(A)
    sample.run(A - timedelta(days=9000))
    assert list(coverage(sample)) == [A - timedelta(days=9000), A]
    with pytest.raises(MissingInput, match="has not begun"):
        sample.run(A + timedelta(days=9000))
    with pytest.raises(MissingInput, match="has not begun"):
        day_is_ready(sample.place, "sample", A + timedelta(days=9000))
    assert list(coverage(sample))[-1] == A


def test_a_failed_run_leaves_a_scored_day_as_readers_saw_it(
    sample: Sample, broken: pytest.MonkeyPatch
) -> None:
    broken.undo()
    sample.run(A)
    before = sample.results()
    broken.setattr(whole_runs, "sequence", _out_of_space)
    with pytest.raises(LakeError):
        sample.run(A, "fails")
    assert sample.results() == before
    assert coverage(sample)[A].state is DayState.SCORED
    latest = readers.runs(sample.place.engine, "sample")[0]
    assert (latest.state, latest.live) == ("failed", False)
    assert "the disk is full" in (latest.error or "")


def test_a_failed_day_that_is_run_again_is_scored(sample: Sample, broken: pytest.MonkeyPatch) -> None:
    with pytest.raises(LakeError):
        sample.run(A)
    broken.undo()
    assert coverage(sample)[A].state is DayState.FAILED
    sample.run(A)
    again = coverage(sample)[A]
    assert again.state is DayState.SCORED
    assert "disk" not in (again.reason or "")


def test_a_day_whose_files_are_gone_keeps_what_was_published(sample: Sample) -> None:
    sample.run(A)
    before = sample.results()
    for path in sample.raw.glob("*"):
        path.unlink()
    assert sample.run(A, "gone").state is DayState.NOT_SCORED
    assert sample.results() == before


def test_without_a_model_a_day_is_warming_up_and_with_one_it_is_scored(sample: Sample) -> None:
    configuration = (sample.root / "sources" / "sample.yaml").read_text()
    (sample.root / "sources" / "young.yaml").write_text(
        configuration.replace("name: sample\n", "name: young\n", 1)
    )
    done = run_day(sample.place, "young", A, run_key="young")
    assert (done.state, done.anomalies) == (DayState.WARMING_UP, 0)
    assert "run the training" in (done.reason or "")
    run_training(
        sample.place, "young", A - timedelta(days=1), run_key="train", epochs=1, rule="yes", who="test"
    )
    assert run_day(sample.place, "young", A, run_key="trained").state is DayState.SCORED
    (sample.place.sources / "young.yaml").unlink()


def test_a_training_without_lines_says_what_was_looked_for(sample: Sample) -> None:
    from deeplog_ops.errors import ModelError

    with pytest.raises(ModelError, match=r"no closed sessions of sample between 20.*raw files"):
        run_training(sample.place, "sample", FIRST - timedelta(days=90), run_key="nothing", who="test")


@pytest.mark.parametrize("ends", ["lf", "crlf", "gzip"])
def test_the_text_of_a_published_line_is_the_raw_bytes_at_its_place(ends: str, sample: Sample) -> None:
    for path in sorted(sample.raw.glob(f"*{A}*.log")):
        data = path.read_bytes()
        data = b"".join(
            line + (b"  at a.B.c(D.java:7)\n" if b"INFO" in line else b"") for line in data.splitlines(True)
        )
        path.write_bytes(data.replace(b"\n", b"\r\n") if ends == "crlf" else data)
        if ends == "gzip":
            path.with_suffix(".log.gz").write_bytes(gzip.compress(data))
            path.unlink()
    sample.run(A)
    report = readers.day_report(sample.place.engine, "sample", A)
    assert report.anomalies
    settings = sample.place.source("sample").publish
    multi = 0
    for anomaly in report.anomalies:
        assert len(anomaly.lines) <= settings.lines_per_anomaly + 2 * settings.context_lines
        (worst,) = [line for line in anomaly.lines if line.is_worst]
        assert (worst.file_id, worst.line_no, worst.byte_offset) == (
            anomaly.file_id,
            anomaly.line_no,
            anomaly.byte_offset,
        )
        for line in anomaly.lines:
            raw = _content(Path(line.path or ""))
            shown = line.text.split("\n")
            found = raw[line.byte_offset :].split(b"\n", len(shown))[: len(shown)]
            assert [part.rstrip(b"\r").decode() for part in found] == shown
            assert raw[: line.byte_offset].count(b"\n") + 1 == line.line_no
            multi += len(shown) > 1
    assert multi, "a record of several lines is among them"


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def test_messages_unknown_to_the_model_are_found_and_keep_their_ids(sample: Sample) -> None:
    with_a_new_message(sample, b"utterly new verb on shelf")
    sample.run(A)
    first = sample.results()
    new = {row[0]: row[1] for row in first["templates"] if "utterly new verb" in row[1]}
    assert new
    assert any("utterly new verb" in row[7] for row in first["lines"])
    sample.run(B)
    sample.run(A, "again")
    again = sample.results()
    assert {row[0]: row[1] for row in again["templates"] if "utterly new verb" in row[1]} == new
    assert [row for row in again["anomalies"] if row[0] == A] == first["anomalies"]


def test_a_record_as_long_as_a_book_is_published_in_part(sample: Sample) -> None:
    """Of an anomaly's lines so many characters are kept as the source says."""
    with_a_new_message(sample, b"utterly " * 2000)
    sample.run(A)
    lengths = [len(row[7]) for row in sample.results()["lines"]]
    assert max(lengths) == sample.place.source("sample").publish.line_characters


def test_publishing_is_limited_and_what_is_left_out_is_counted(sample: Sample) -> None:
    with_a_new_message(sample, b"utterly new verb on shelf")
    configuration = sample.root / "sources" / "sample.yaml"
    configuration.write_text(
        configuration.read_text() + "publish: {anomalies: 1, lines_per_anomaly: 2, context_lines: 0}\n"
    )
    sample.run(A)
    row = coverage(sample)[A]
    assert row.anomalies is not None
    assert row.anomalies > 1
    assert row.anomalies_published == 1
    assert len(sample.results()["lines"]) <= 2
