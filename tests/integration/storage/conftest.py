"""The same tests on a local folder and on an object store (a real S3 server in this process)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from upath import UPath

from deeplog_ops.storage.paths import open_path


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    yield settings["AWS_ENDPOINT_URL"]
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    server.stop()


@pytest.fixture(params=["local", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> UPath:
    """An empty folder, or an empty bucket."""
    if request.param == "local":
        return open_path(tmp_path / "root")
    request.getfixturevalue("s3_endpoint")
    bucket = f"bucket-{tmp_path.name}".lower().replace("_", "-")[:60].strip("-")
    path = open_path(f"s3://{bucket}/root")
    path.fs.mkdir(bucket)
    return path
