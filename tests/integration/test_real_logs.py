"""Real logs beside the checkout: the format is guessed and the header taken off as the published truth has it."""

from __future__ import annotations

import csv
import gzip
import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deeplog_ops.config import Reading
from deeplog_ops.formats import compression
from deeplog_ops.formats.guess import guess_format
from deeplog_ops.formats.guess_source import SampleFile, guess_source
from deeplog_ops.formats.records import read_records
from deeplog_ops.records import LineAccount

_BESIDE = Path(__file__).parents[2].parent / "shared" / "data"
DATA = Path(os.environ.get("DEEPLOG_SHARED_DATA", _BESIDE))
NOW = datetime(2026, 12, 1, tzinfo=UTC)
SYSTEMS = ("Apache", "BGL", "HDFS", "Hadoop", "Linux", "OpenSSH", "OpenStack", "Spark")

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no real logs beside the checkout")


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_message_is_what_the_truth_says(system: str) -> None:
    folder = DATA / "loghub2k" / system
    packed = (folder / f"{system}_2k.log.gz").read_bytes()
    with gzip.open(folder / f"{system}_2k.log_structured_corrected.csv.gz", "rt", newline="") as file:
        truth = {int(row["LineId"]): row["Content"].strip() for row in csv.DictReader(file)}
    guess = guess_format([(f"{system}_2k.log.gz", packed)])
    assert guess.sure
    stream = compression.open_stream(io.BytesIO(packed), "gzip")
    chunks = read_records(stream, spec=guess.spec, reading=Reading(), file_id=system, now=NOW)
    found = {row["line_no"]: row["message"].strip() for chunk in chunks for row in chunk.lines.to_pylist()}
    assert found == truth


@pytest.mark.parametrize(
    ("pattern", "format", "by"),
    [
        ("hdfs/HDFS_20000.log.gz", "hdfs", "identifier"),
        ("bgl/BGL_5000.log.gz", "bgl", "field"),
        ("linux/messages/*.gz", "syslog", "stream"),
        ("linux/auth.log.*.gz", "syslog", "stream"),
        ("openstack/openstack-nova-sample.log.gz", "openstack-timeless", "identifier"),
        ("openstack/openstack-vm*.log.gz", "openstack-timeless", "identifier"),
    ],
)
def test_a_source_is_guessed_and_every_line_accounted_for(pattern: str, format: str, by: str) -> None:
    paths = sorted(DATA.glob(pattern))
    samples = [SampleFile(str(path), path.read_bytes(), NOW) for path in paths]
    guess = guess_source("real", samples, now=NOW)
    assert (guess.format.spec.name, guess.config["sessions"]["by"]) == (format, by)
    account = LineAccount()
    for path in paths:
        with path.open("rb") as raw:
            stream = compression.open_stream(raw, "gzip")
            for chunk in read_records(
                stream, spec=guess.format.spec, reading=Reading(), file_id="f", now=NOW, modified=NOW
            ):
                account += chunk.account
    lines = 0
    for path in paths:
        data = gzip.decompress(path.read_bytes())
        lines += data.count(b"\n") + (not data.endswith(b"\n"))
    assert account.lines_read == lines
    assert (account.unaccounted, account.quarantined) == (0, 0)
