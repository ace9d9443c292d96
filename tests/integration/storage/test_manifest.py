"""The raw files of a source: complete ones, each once, on a disk and on an object store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from upath import UPath

from deeplog_ops.errors import MissingInput
from deeplog_ops.storage import manifest
from deeplog_ops.storage.paths import open_path

FILES = (
    "app.log",
    "app.log.1.gz",
    "app.log.swp",
    "app.log.tmp",
    "upload.partial",
    ".hidden.log",
    "web/access.log",
    "web/error.log",
    "web/2024/03/access.log",
    "web/.trash/old.log",
    "mail/mail.log",
)
WHOLE = [
    "app.log",
    "app.log.1.gz",
    "mail/mail.log",
    "web/2024/03/access.log",
    "web/access.log",
    "web/error.log",
]


@pytest.fixture
def logs(root: UPath) -> UPath:
    for name in FILES:
        path = root / name
        if path.protocol in ("", "file"):
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a line\n")
    return root


def found(logs: UPath, *paths: str, exclude: tuple[str, ...] = ()) -> list[str]:
    files = manifest.find([f"{logs}/{path}".rstrip("/") for path in paths], exclude)
    assert all(file.read_bytes() == b"a line\n" for file in files)
    return [str(file).removeprefix(str(logs)).lstrip("/") for file in files]


def test_a_folder_is_all_complete_files_below_it(logs: UPath) -> None:
    assert found(logs, "") == WHOLE


def test_files_folders_and_patterns_together_give_each_file_once(logs: UPath) -> None:
    assert found(logs, "app.log", "web", "web/*.log", "**/*.log") == [
        name for name in WHOLE if name[-2:] != "gz"
    ]


def test_a_star_stays_in_its_folder_and_two_go_through_any_number(logs: UPath) -> None:
    assert found(logs, "web/*.log") == ["web/access.log", "web/error.log"]
    assert found(logs, "web/**/*.log") == ["web/2024/03/access.log", "web/access.log", "web/error.log"]
    assert found(logs, "*/[am]*.log") == ["mail/mail.log", "web/access.log"]
    assert found(logs, "app.log?1.gz") == ["app.log.1.gz"]


def test_excluded_files_are_left_out_by_name_folder_and_path(logs: UPath) -> None:
    assert found(logs, "", exclude=("*.gz", "error.log")) == [
        "app.log",
        "mail/mail.log",
        "web/2024/03/access.log",
        "web/access.log",
    ]
    assert found(logs, "", exclude=("2024", "mail")) == [
        "app.log",
        "app.log.1.gz",
        "web/access.log",
        "web/error.log",
    ]
    assert found(logs, "", exclude=(f"{logs}/web/**",)) == ["app.log", "app.log.1.gz", "mail/mail.log"]
    assert found(logs, "", exclude=(f"{logs}/web",)) == ["app.log", "app.log.1.gz", "mail/mail.log"]


def test_a_file_named_outright_is_taken_whatever_it_is_called(logs: UPath) -> None:
    assert found(logs, ".hidden.log", "app.log.tmp") == [".hidden.log", "app.log.tmp"]


def test_what_is_missing_is_named_with_the_accepted_forms(logs: UPath) -> None:
    with pytest.raises(
        MissingInput, match=r"nowhere\.log does not exist: expected a file, a folder or a pattern"
    ):
        found(logs, "app.log", "nowhere.log")
    with pytest.raises(MissingInput, match=r"no files were found: looked for .*\*\.xml, excluding a, b"):
        found(logs, "*.xml", exclude=("a", "b"))
    assert found(logs, "app.log", "*.xml") == ["app.log"]  # a rotated file that is not there yet is no error


def test_a_file_that_came_since_the_last_look_is_found(logs: UPath) -> None:
    found(logs, "web/*.log")
    # Written by another program, past any listing that this one keeps.
    if logs.protocol == "s3":
        import boto3

        bucket, _, prefix = logs.path.partition("/")
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/web/new.log", Body=b"a line\n")
    else:
        Path(logs.path, "web", "new.log").write_bytes(b"a line\n")
    assert found(logs, "web/*.log") == ["web/access.log", "web/error.log", "web/new.log"]
    assert found(logs, "web/**/n*.log") == ["web/new.log"]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").write_text("a line\n")
    (tmp_path / "logs" / "again").symlink_to(tmp_path / "logs")
    (tmp_path / "logs" / "broken.log").symlink_to(tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "linked.log").write_text("a line\n")
    (tmp_path / "logs" / "other").symlink_to(tmp_path / "other")
    files = manifest.find([str(tmp_path / "logs")])
    assert [file.name for file in files] == ["app.log", "linked.log"]


def test_a_name_with_brackets_is_that_file_and_not_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "app[1].log").write_text("a line\n")
    (tmp_path / "app1.log").write_text("a line\n")
    assert [file.name for file in manifest.find([str(tmp_path / "app[1].log")])] == ["app[1].log"]


def test_a_path_from_the_home_folder_or_relative_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.log").write_text("a line\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert [str(file) for file in manifest.find(["~/app.log", "app.log"])] == [str(tmp_path / "app.log")]


def test_size_and_time_of_a_file_are_known_wherever_it_lies(logs: UPath) -> None:
    status = (logs / "app.log").stat()
    assert status.st_size == 7
    assert status.st_mtime > 1_600_000_000


def test_a_connection_that_airflow_does_not_have_is_named() -> None:
    from deeplog_ops.errors import ConfigError

    with pytest.raises(ConfigError, match=r"'archive'.*AIRFLOW_CONN_ARCHIVE"):
        open_path("s3://bucket/logs", connection="archive")


def test_a_connection_opens_the_store_it_stands_for(
    root: UPath, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if root.protocol != "s3":
        pytest.skip("connections are for object stores")
    (root / "app.log").write_bytes(b"a line\n")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    settings = {"conn_type": "aws", "login": "one", "password": "two", "extra": {"endpoint_url": s3_endpoint}}
    monkeypatch.setenv("AIRFLOW_CONN_ARCHIVE", json.dumps(settings))
    path = open_path(str(root / "app.log"), connection="archive")
    assert path.read_bytes() == b"a line\n"
    assert path.storage_options["key"] == "one"


def test_an_unknown_protocol_is_named_with_accepted_ones() -> None:
    from deeplog_ops.errors import ConfigError

    with pytest.raises(ConfigError, match=r"nosuch://x.*s3://bucket/folder"):
        open_path("nosuch://x/y")
