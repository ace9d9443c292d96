"""Raw files and lake on an object store (a real S3 server in this process): the same rows as on a local disk."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from deeplog_ops.db import readers
from deeplog_ops.records import DayState
from deeplog_ops.steps import maintenance, source_files
from deeplog_ops.steps.parse_file import parse_file
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.lake import Lake
from deeplog_ops.storage.paths import open_path
from deeplog_ops.storage.registry import Registry
from tests.integration.steps.conftest import SCORED_DAYS, Sample

A, B, _ = SCORED_DAYS


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket; the environment opens it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    name = f"bucket-{secrets.token_hex(6)}"
    type(open_path(f"s3://{name}").fs).clear_instance_cache()  # of another address
    store = open_path(f"s3://{name}").fs
    store.mkdir(name)
    yield f"s3://{name}"
    type(store).clear_instance_cache()
    server.stop()


def moved(sample: Sample, bucket: str) -> Sample:
    """The sample with its raw files, lake and models in the bucket."""
    store = open_path(bucket)
    store.fs.put(str(sample.raw), f"{bucket}/raw", recursive=True)
    store.fs.put(str(sample.root / "models"), f"{bucket}/models", recursive=True)
    configuration = sample.place.sources / "sample.yaml"
    configuration.write_text(configuration.read_text().replace(str(sample.raw), f"{bucket}/raw"))
    assert bucket in configuration.read_text()
    place = Workplace(
        sample.place.engine,
        Lake(store / "lake"),
        Registry(store / "models"),
        sample.place.sources,
        sample.place.now,
    )
    return Sample(place, sample.raw, sample.url, sample.root)


def test_a_day_on_an_object_store_gives_the_rows_that_it_gives_on_a_disk(sample: Sample, bucket: str) -> None:
    sample.run(A)
    sample.run(B)
    on_disk = sample.results()
    remote = moved(sample, bucket)
    for path in sample.raw.iterdir():
        path.unlink()
    remote.run(A, "remote")
    remote.run(B, "remote")
    assert remote.results() == on_disk
    live = readers.day_report(remote.place.engine, "sample", A)
    assert live.status.state is DayState.SCORED
    assert all(account.path.startswith("s3://") for account in live.accounts)

    late = open_path(f"{bucket}/raw/late.log")
    late.write_bytes(open_path(live.accounts[3].path).read_bytes().replace(b" INFO", b" WARN"))
    remote.run(B, "later")
    assert readers.day_report(remote.place.engine, "sample", A).status.state is DayState.STALE
    remote.run(A, "again")
    assert readers.day_report(remote.place.engine, "sample", A).status.state is DayState.SCORED

    assert maintenance.expire(remote.place, "sample")["partitions"] > 0
    done = source_files.remove(remote.place, "sample")
    assert min(done.rows, done.partitions, done.versions) > 0
    assert not open_path(bucket).fs.find(f"{bucket}/lake")


def test_a_source_is_proposed_and_a_file_parsed_from_an_object_store(
    sample: Sample, bucket: str, tmp_path: Path
) -> None:
    name = sorted(sample.raw.glob(f"*{A}*.log"))[5]
    open_path(bucket).fs.put(str(name), f"{bucket}/logs/a.log")
    proposal = source_files.propose("remote", [f"{bucket}/logs"])
    assert proposal.guess.preview.share_understood > 0.9
    assert f"{bucket}/logs" in proposal.text
    done = parse_file(f"{bucket}/logs/a.log", tmp_path / "out.parquet")
    assert done.account.events > 10
