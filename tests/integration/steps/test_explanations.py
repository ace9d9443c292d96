"""What the person on duty reads of an anomaly: right about places, bounded, and printed by the commands."""

from __future__ import annotations

import json
import re

import pytest

from deeplog_ops.cli import report
from deeplog_ops.db import readers
from tests.integration.steps.conftest import SCORED_DAYS, Sample
from tests.integration.steps.lake_rows import stage_rows

DAY = SCORED_DAYS[2]


def with_an_odd_value_and_an_odd_line(sample: Sample) -> tuple[str, int]:
    """Of a session that has an odd value, write a line that nobody knows to its raw file; its name, and which of its
    lines has the value, from 1."""
    sample.run(DAY, "before")
    values = [row for row in stage_rows(sample, DAY, "value_findings") if row["session"] is not None]
    lines_of = {
        row["session"]: list(zip(row["file_ids"], row["line_nos"], strict=True))
        for row in stage_rows(sample, DAY, "sessions")
    }
    place, session = max(
        (lines_of[row["session"]].index((row["file_id"], row["line_no"])), row["session"]) for row in values
    )
    lines = [
        (line, path) for path in sorted(sample.raw.glob("*.log")) for line in path.read_bytes().splitlines(True)
        if session.encode() in line
    ]  # fmt: skip
    lines.sort(key=lambda each: each[0][:23])
    last, path = lines[-1]
    odd = re.sub(rb"(" + session.encode() + rb").*", rb"\1 utterly new verb on shelf", last)
    path.write_bytes(path.read_bytes().replace(last, last + odd))
    return session, place + 1


def test_the_diagnosis_names_the_line_that_has_an_odd_value(sample: Sample) -> None:
    session, number = with_an_odd_value_and_an_odd_line(sample)
    sample.run(DAY, "after")
    (told,) = [
        json.loads(row["details"])
        for row in stage_rows(sample, DAY, "anomalies")
        if (row["session"], row["detector"]) == (session, "sessions")
    ]
    off = [sentence for sentence in told["diagnosis"] if sentence.startswith("Line ")]
    assert any(sentence.startswith(f"Line {number}: the ") for sentence in off), (number, off)
    assert all(re.search(r" was .+; typical is .+\.$", sentence) for sentence in off)
    assert number > 1, "the first line would be right by chance"


def test_a_report_prints_the_diagnosis_and_no_id_of_a_template(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    sample.run(DAY)
    found = readers.day_report(sample.place.engine, "sample", DAY)
    assert {anomaly.detector for anomaly in found.anomalies} >= {"sessions", "values", "rates"}
    for anomaly in found.anomalies:
        report.print_anomaly(anomaly)
    printed = capsys.readouterr().out
    for anomaly in found.anomalies:
        assert all(f"  - {sentence}" in printed for sentence in anomaly.details.get("diagnosis", ()))
        assert len(json.dumps(anomaly.details)) < 8_000
    assert "  - " in printed
    assert not re.search(r"\b[0-9a-f]{16}\b", " ".join(anomaly.reason for anomaly in found.anomalies))
    assert "1 event" not in printed, "of a value or a rate nobody counts the events of a session"
