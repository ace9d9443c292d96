"""One path type for local disks and object stores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, BinaryIO

from upath import UPath

from deeplog_ops.errors import ConfigError, InputError, SetupError

# Settings in an Airflow connection of type aws, and what s3fs calls them.
_S3_EXTRA = {"endpoint_url": "endpoint_url", "region_name": "region_name"}


def open_path(uri: str | os.PathLike[str], connection: str | None = None) -> UPath:
    """The path of a local file or folder, or of an object (s3://bucket/key, gs://..., any fsspec protocol).

    `connection` names the Airflow connection that opens the store. Without one the store's own environment variables
    hold, such as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL. Raises ConfigError for a connection
    that does not exist, SetupError for a protocol whose library is not installed.
    """
    text = os.fspath(uri)
    options = _options(text, connection) if connection and "://" in text else {}
    try:
        path = UPath(text, **options)
        _ = path.fs  # imports the protocol's library
        return path
    except ImportError as error:
        raise SetupError(f"{text}: {error}. For s3:// install deeplog-ops[s3]") from error
    except ValueError as error:
        raise ConfigError(
            f"{text}: {error}. Accepted are local paths and URIs such as s3://bucket/folder"
        ) from error


@contextmanager
def open_bytes(path: UPath) -> Iterator[BinaryIO]:
    """A raw file to read, at its start. FileNotFoundError where there is none; InputError where it may not be read."""
    try:
        raw = path.open("rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}. Let this user read it, or leave it out by `exclude`"
        ) from error
    with raw:
        yield raw


def is_local(path: UPath) -> bool:
    return path.protocol in ("", "file", "local")


def _options(uri: str, connection: str) -> dict[str, Any]:
    """The storage options that an Airflow connection stands for."""
    if find_spec("airflow") is None:
        raise ConfigError(
            f"connection {connection!r} is for {uri}, but connections are Airflow's and Airflow is not installed here: "
            "leave `connection` out and set the store's environment variables"
        )
    from airflow.sdk import Connection

    try:
        found = Connection.get(connection)
    except Exception as error:
        raise ConfigError(
            f"connection {connection!r}, which opens {uri}, does not exist in Airflow: make it there, or set "
            f"AIRFLOW_CONN_{connection.upper()}"
        ) from error
    extra = found.extra_dejson
    if uri.split("://", 1)[0] not in ("s3", "s3a"):
        return dict(extra)
    options: dict[str, Any] = {}
    if found.login:
        options |= {"key": found.login, "secret": found.password}
    if extra.get("aws_session_token"):
        options["token"] = extra["aws_session_token"]
    client = {ours: extra[theirs] for theirs, ours in _S3_EXTRA.items() if extra.get(theirs)}
    if client:
        options["client_kwargs"] = client
    return options
