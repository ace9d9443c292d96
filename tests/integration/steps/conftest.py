"""A small sample source, its raw days, a trained model, and tables to compare: everything real but the size."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from deeplog_ops import simulate
from deeplog_ops.db.engine import connect
from deeplog_ops.steps.whole_runs import run_day, run_training
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.lake import Lake
from deeplog_ops.storage.paths import open_path
from deeplog_ops.storage.registry import Registry
from tests.conftest import _address, _administer, _database

FIRST = date(2026, 3, 2)
TRAINED = 3
SCORED = 3
SCORED_DAYS = [FIRST + timedelta(days=TRAINED + number) for number in range(SCORED)]

# What readers see. The numbers of runs and the clock are not part of a result.
RESULTS = {
    "days": "SELECT day, state, reason, version, events, sessions_judged, sessions_open, anomalies, anomalies_published, "
    "quarantined FROM deeplog.days ORDER BY day",
    "anomalies": "SELECT day, anomaly_id, detector, kind, locator, session, score, threshold, first_time, last_time, "
    "file_id, line_no, byte_offset, event_count, template_id, rank, probability, p_value, expected::text, reason, version, details::text, incident_id "
    "FROM deeplog.anomalies ORDER BY day, anomaly_id",
    "lines": "SELECT day, anomaly_id, ordinal, file_id, line_no, byte_offset, time, text, template_id, is_worst, of_session "
    "FROM deeplog.anomaly_lines ORDER BY day, anomaly_id, ordinal",
    "incidents": "SELECT day, incident_id, locator, kind, fingerprint, severity, title, reason, anomalies, sessions, "
    "worst_anomaly_id, first_time, last_time, first_file_id, first_line_no, first_byte_offset, worst_file_id, worst_line_no, "
    "worst_byte_offset, details::text FROM deeplog.incidents ORDER BY day, incident_id",
    "health": "SELECT * FROM deeplog.day_health ORDER BY day",
    "opinions": "SELECT * FROM deeplog.detector_opinions ORDER BY day, detector",
    "templates": "SELECT template_id, text, first_day, alias_of FROM deeplog.templates ORDER BY template_id",
    "counts": "SELECT day, template_id, events FROM deeplog.template_counts ORDER BY day, template_id",
    "accounts": "SELECT d.day, a.file_id, a.lines_read, a.events, a.joined, a.blank, a.quarantined, a.other_days "
    "FROM deeplog.days d JOIN deeplog.file_accounts a USING (run_id) ORDER BY d.day, a.file_id",
}


@dataclass(frozen=True)
class Sample:
    """The workplace of a small source called sample, trained on its first days."""

    place: Workplace
    raw: Path
    url: str
    root: Path

    def run(self, day: date, key: str = "test", **more: Any) -> Any:
        return run_day(self.place, "sample", day, run_key=f"{key}-{day}", **more)

    def results(self) -> dict[str, list[Any]]:
        with self.place.engine.connect() as connection:
            return {
                name: [tuple(row) for row in connection.execute(text(sql))] for name, sql in RESULTS.items()
            }


def workplace(url: str, root: Path) -> Workplace:
    lake = open_path(str(root))
    return Workplace(
        connect(url),
        Lake(lake / "lake"),
        Registry(lake / "models"),
        root / "sources",
        now=lambda: datetime(2026, 4, 1, tzinfo=UTC),
    )


def written(root: Path, **more: Any) -> Path:
    """Raw days of the sample and its configuration below `root`."""
    truth = simulate.write(
        root,
        days=TRAINED + SCORED,
        start=FIRST,
        sessions_per_day=120,
        anomalies_per_day=4,
        seed=7,
        anomalies_from=SCORED_DAYS[0],
        **more,
    )
    (root / "sources").mkdir(exist_ok=True)
    yaml = simulate.source_yaml(truth.raw).replace("days: 7", f"days: {TRAINED}")
    (root / "sources" / "sample.yaml").write_text(yaml + "model: {epochs: 6}\n")
    return truth.raw


@pytest.fixture(scope="session")
def trained(
    database_url: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The name of a database, and a folder, of a sample that is trained: each test gets copies of both."""
    root = tmp_path_factory.mktemp("sample")
    written(root)
    name = f"deeplog_trained_{secrets.token_hex(4)}"
    _administer(database_url, f'CREATE DATABASE "{name}" TEMPLATE "{migrated_template}"')
    place = workplace(_address(database_url, name), root)
    run_training(place, "sample", SCORED_DAYS[0] - timedelta(days=1), run_key="train", rule="yes", who="test")
    place.engine.dispose()
    yield name, root
    _administer(database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def sample(database_url: str, trained: tuple[str, Path], tmp_path: Path) -> Iterator[Sample]:
    template, files = trained
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    configuration = tmp_path / "sources" / "sample.yaml"
    configuration.write_text(configuration.read_text().replace(str(files), str(tmp_path)))
    for url in _database(database_url, f'TEMPLATE "{template}"'):
        place = workplace(url, tmp_path)
        yield Sample(place, tmp_path / "raw", url, tmp_path)
        place.engine.dispose()


def at(sample: Sample, moment: datetime) -> Sample:
    """The same sample at another time."""
    return replace(sample, place=replace(sample.place, now=lambda: moment))
