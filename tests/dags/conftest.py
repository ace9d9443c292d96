"""DAG files parsed as Airflow parses them, with sources of our own: one good, one with a GPU, one broken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = """\
name: {name}
paths: /var/log/{name}/*.log
format: hdfs
owner: storage
reading: {{zone: Europe/Berlin}}
sessions: {{by: identifier, pattern: 'blk_-?\\d+', idle_timeout: 6h}}
{more}
"""


@pytest.fixture(scope="session")
def dag_bag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("sources")
    (folder / "blocks.yaml").write_text(SOURCE.format(name="blocks", more="daily: {wait: {grace: 2h}}"))
    (folder / "large.yaml").write_text(
        SOURCE.format(
            name="large", more="training: {pool: gpu, queue: gpu, feedback: null}\ndaily: {enabled: false}"
        )
    )
    (folder / "torn.yaml").write_text("name: torn\npaths: /x\nformat: hdfs\nsesions: {}\n")
    home = tmp_path_factory.mktemp("airflow")
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "DEEPLOG_SOURCES": str(folder),
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    from airflow.dag_processing.dagbag import DagBag

    yield DagBag(str(REPOSITORY / "dags"))
    for name, value in before.items():
        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value
