"""Logs of programs that most operators have: each is found by its lines, and read as it was meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from deeplog_ops.formats import catalog
from deeplog_ops.formats.engine import engine_of
from deeplog_ops.formats.guess import guess_format
from deeplog_ops.formats.guess_source import SampleFile, guess_source
from tests.unit.formats.samples import SAMPLES, Sample

CHANGED = datetime(2024, 5, 2, tzinfo=UTC)
# formats for any lines of a kind: their headers are part of others'
GENERAL = {"iso", "epoch", "plain", "ndjson", "logfmt", "csv"}
# formats whose lines are of a wider format as well; guessing tells them apart by what they name
WIDER = {
    "haproxy": {"syslog", "syslog-iso", "macos"},
    "cisco-syslog": {"syslog", "syslog-iso", "macos"},
}


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_sample_is_read_as_it_was_meant(sample: Sample, read: Callable) -> None:
    result = read(sample.text.encode(), sample.format, modified=CHANGED)
    found = [
        (row["message"].split("\n")[0], row["level"], row["time"] and f"{row['time']:%Y-%m-%d %H:%M:%S}")
        for row in result.rows
    ]
    assert found == list(sample.records), result.quarantine
    for name, values in sample.others.items():
        rows = [{**json.loads(row["fields"] or "{}"), **row} for row in result.rows]
        assert tuple(row.get(name) for row in rows) == values, name


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_sample_is_found_by_its_lines(sample: Sample) -> None:
    guess = guess_format([("x.log", (sample.text * 10).encode())])
    assert (guess.spec.name, guess.sure) == (sample.format, True), guess


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_no_line_of_a_sample_is_lost_and_lines_of_a_record_stay_together(
    sample: Sample, read: Callable
) -> None:
    lines = sample.text.splitlines()
    result = read(sample.text.encode(), sample.format, modified=CHANGED)
    assert "\n".join(row["raw"] for row in result.rows).split("\n") == lines
    assert (result.account.lines_read, result.account.quarantined) == (len(lines), 0)


def test_parts_of_a_line_stay_together_however_the_file_is_cut(read: Callable) -> None:
    (sample,) = (one for one in SAMPLES if one.format == "cri")
    whole = read(sample.text.encode(), "cri")
    for chunk_bytes in (16, 64, 100, 300):
        assert read(sample.text.encode(), "cri", chunk_bytes=chunk_bytes).rows == whole.rows


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.format not in GENERAL], ids=str)
def test_no_other_format_takes_the_lines_of_a_sample(sample: Sample) -> None:
    lines = pl.Series(sample.text.splitlines())
    taken = {name for name in catalog.shipped() if name not in GENERAL and takes(name, lines)}
    assert taken - {sample.format} <= WIDER.get(sample.format, set())


@pytest.mark.parametrize("name", sorted({one.format for one in SAMPLES} - GENERAL - {"logback"}))
def test_a_format_takes_no_line_of_another(name: str) -> None:
    others = [spec for other, spec in catalog.shipped().items() if other != name]
    assert [spec.name for spec in others if takes(name, pl.Series(spec.example.splitlines()))] == []


def test_a_table_that_begins_with_a_time_is_not_taken_for_postgresql() -> None:
    row = "2024-05-01 10:00:00,ada,shop,17,a,b,3,c,d,e,7,8,9,10,11,12,13,14\n"
    assert guess_format([("x.csv", (row * 30).encode())]).spec.name != "postgresql-csv"


def takes(name: str, lines: pl.Series) -> bool:
    """Whether the format reads the header and the time of any line: then a guess could go wrong."""
    spec = catalog.resolve(name)
    if spec.kind == "csv" and not spec.heading:
        return False
    headers = engine_of(spec).read(lines)
    return bool((headers.matched & (True if headers.stamps is None else headers.stamps.kind > 0)).any())


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_broken_line_is_counted_and_costs_no_other(sample: Sample, read: Callable) -> None:
    """Its time is cut out, or it is cut short: it is joined to the record before, or kept aside."""
    lines = sample.text.splitlines()
    broken = [*lines, "\x07 garbage", lines[0][:9]]
    result = read("\n".join(broken).encode(), sample.format, modified=CHANGED)
    assert len(result.rows) == len(sample.records)
    assert result.account.lines_read == len(broken)
    assert result.account.joined + result.account.quarantined == len(broken) - len(sample.records)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("{time:%Y-%m-%d %H:%M:%S} UTC [{number}] LOG:  {step}", "pid"),
        ("{time:%Y-%m-%dT%H:%M:%S}.000000Z {number} [Note] [MY-010051] [Server] {step}", "thread"),
        ("{time:%Y/%m/%d %H:%M:%S} [info] 17#17: *{number} {step}", "connection"),
        ('{time:%Y-%m-%d %H:%M:%S} UTC,,,17,,66.{number},3,,,,0,LOG,00000,"{step}",,,,,,,,,""', "session_id"),
    ],
)
def test_the_field_that_names_a_connection_makes_the_sessions(form: str, name: str) -> None:
    steps = ("connection received", "connection authorized", "statement executed", "disconnection")
    lines = [
        form.format(
            time=CHANGED + timedelta(seconds=i), number=400 + i // 12 * 3 + i % 3, step=steps[i % 12 // 3]
        )
        for i in range(600)
    ]
    sample = SampleFile("/logs/x.log", ("\n".join(lines) + "\n").encode(), CHANGED)
    guess = guess_source("db", [sample], now=CHANGED)
    assert guess.config["sessions"]["fields"] == [name]
    assert guess.preview.sessions == 150
