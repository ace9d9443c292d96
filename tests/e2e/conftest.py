"""A PostgreSQL and an Airflow of the tests' own, with a small sample source that the train DAG has trained."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from deeplog_ops import simulate
from deeplog_ops.db.engine import connect
from deeplog_ops.local import platform, postgres
from deeplog_ops.local.airflow_api import AirflowApi
from deeplog_ops.local.state import Home, State

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST = date(2026, 3, 2)
TRAINED, SCORED = 3, 5
DAYS = [FIRST + timedelta(days=TRAINED + number) for number in range(SCORED)]
PATIENCE = 240


@dataclass(frozen=True)
class Installation:
    home: Home
    state: State
    api: AirflowApi
    engine: Engine


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("dags", "plugins"):
        (checkout / name).symlink_to(REPOSITORY / name)
    home = Home(checkout)
    home.sources.mkdir(parents=True)
    truth = simulate.write(
        checkout / "sample",
        days=TRAINED + SCORED,
        start=FIRST,
        sessions_per_day=400,
        anomalies_per_day=6,
        anomalies_from=DAYS[0],
        seed=3,
    )
    text = simulate.source_yaml(truth.raw) + "model: {epochs: 6}\ndaily: {retries: 1}\n"
    (home.sources / "sample.yaml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DEEPLOG_SOURCES", "DEEPLOG_LAKE", "DEEPLOG_DATABASE_URL"):
            patch.delenv(name, raising=False)
        try:
            started = platform.up(home, out=io.StringIO())
            api = AirflowApi(started.state)
            api.wait_for_dags(["sample__daily", "sample__train"], PATIENCE)
            conf = {"last_day": str(DAYS[0] - timedelta(days=1)), "days": TRAINED, "promote": "yes"}
            run = api.trigger("sample__train", conf)
            api.wait_for_run("sample__train", run, PATIENCE, lambda _: None)
            engine = connect(postgres.platform_url(started.state))
            yield Installation(home, started.state, api, engine)
            engine.dispose()
        finally:
            platform.down(home, delete_data=True, out=io.StringIO())
