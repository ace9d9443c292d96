"""The sources as DAG files see them: read from YAML, quickly, without any database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

from deeplog_ops.config import SourceConfig
from deeplog_ops.config_files import load_sources
from deeplog_ops.errors import ConfigError
from deeplog_ops.settings import sources_folder

# Runs dated before a DAG's start end as successes without a task: early enough for any backfill.
FIRST_DAY = "1990-01-01"


def dags_for_sources(kind: str, build: Callable[[SourceConfig], DAG]) -> dict[str, DAG]:
    """A DAG a source, by id. A source whose configuration is broken gets one that says so and fails; the others stand."""
    sources, errors = load_sources(sources_folder())
    dags = [build(source) for source in sources]
    dags += [_broken(error, kind) for error in errors]
    return {dag.dag_id: dag for dag in dags}


def common_arguments(source: SourceConfig) -> dict[str, Any]:
    """What every DAG of a source has."""
    return {
        "default_args": {
            "owner": source.owner,
            "retries": source.daily.retries,
            "retry_delay": timedelta(seconds=30),
            "retry_exponential_backoff": True,
            "max_retry_delay": timedelta(minutes=15),
            "execution_timeout": source.daily.timeout,
            "pool": source.daily.pool,
        },
        "catchup": False,
    }


def tags(source: SourceConfig, kind: str) -> list[str]:
    return ["deeplog", kind, source.name, *source.tags]


def _broken(error: ConfigError, kind: str) -> DAG:
    """Stands in for the DAG of a broken configuration, under the same id, so that its history is kept."""
    name = Path(error.file or "unknown").stem
    message = str(error)
    with DAG(
        f"{name}__{kind}",
        schedule=None,
        doc_md=f"**The configuration of this source cannot be used.**\n\n`{message}`\n\nMend the file; the DAG comes back by itself.",
        tags=["deeplog", kind, "broken-configuration"],
        default_args={"owner": "platform", "retries": 0},
    ) as dag:

        @task
        def configuration() -> None:
            """Fails with the fault of the configuration."""
            raise ConfigError(message)

        configuration()
    return dag
