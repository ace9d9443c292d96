"""Values from raw lines to findings: a small system of the generator's, learnt for three days, judged on one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from deeplog_ops import simulate
from deeplog_ops.db import ledger
from deeplog_ops.db import models as model_rows
from deeplog_ops.models.part import ModelPart
from deeplog_ops.steps.assign_keys import version_catalogue
from deeplog_ops.steps.fit_values import PART, fit_values
from deeplog_ops.steps.promote import promote
from deeplog_ops.steps.score_values import score_values
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.steps.stage_rows import anomalies
from deeplog_ops.steps.whole_runs import run_day, run_training
from deeplog_ops.steps.workplace import Workplace
from tests.conftest import _database
from tests.integration.steps.conftest import workplace

FIRST = date(2026, 3, 2)
TRAINED = 3
JUDGED = FIRST + timedelta(days=TRAINED)
VALUES = ("slow_step", "odd_size", "unknown_address")


@dataclass(frozen=True)
class System:
    place: Workplace
    root: Path
    labels: tuple[simulate.Label, ...]
    training: int  # the training's run
    part: ModelPart

    def judged(self, key: str = "one") -> int:
        """A run of the judged day up to its last stage; its number."""
        run_day(self.place, "sample", JUDGED, run_key=key)
        with self.place.engine.connect() as connection:
            return int(connection.execute(text("SELECT max(run_id) FROM deeplog.runs")).scalar_one())

    def findings(self, run_id: int) -> list[dict[str, Any]]:
        ref = ledger.partition(self.place.engine, run_id, "value_findings")
        return pa.concat_tables(self.place.lake.read(ref)).to_pylist()


@pytest.fixture(scope="module")
def system(
    database_url: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    root = tmp_path_factory.mktemp("values")
    truth = simulate.write(
        root, days=TRAINED + 1, start=FIRST, sessions_per_day=500, anomalies_per_day=48, seed=23,
        anomalies_from=JUDGED, per="day",
    )  # fmt: skip
    (root / "sources").mkdir()
    yaml = simulate.source_yaml(truth.raw).replace("days: 7", f"days: {TRAINED}")
    small = "model: {epochs: 1, hidden: 16}\ndetection: {values: {epochs: 3}}\n"
    (root / "sources" / "sample.yaml").write_text(yaml + small)
    for url in _database(database_url, f'TEMPLATE "{migrated_template}"'):
        place = workplace(url, root)
        last = JUDGED - timedelta(days=1)
        version, _ = run_training(place, "sample", last, run_key="train", rule="yes", who="test")
        with place.engine.connect() as connection:
            training = int(connection.execute(text("SELECT max(run_id) FROM deeplog.runs")).scalar_one())
        part = place.registry.read("sample", version).part(PART)
        assert part is not None
        yield System(place, root, truth.anomalies, training, part)
        place.engine.dispose()


def replace_version(opened: OpenRun, version: str) -> OpenRun:
    return replace(opened, run=replace(opened.run, version=version))


def test_slow_steps_odd_sizes_and_unknown_addresses_of_a_day_are_found_and_explained(system: System) -> None:
    run_id = system.judged()
    found = score_values(system.place, run_id)
    rows = system.findings(run_id)
    assert found == len(rows) > 0
    flagged = {row["session"]: row for row in rows}
    for kind, wanted in zip(VALUES, (0.5, 0.75, 1.0), strict=True):
        hidden = [label.session for label in system.labels if label.kind == kind]
        assert len(hidden) == 4
        assert sum(session in flagged for session in hidden) >= wanted * len(hidden), kind
    abnormal = {label.session for label in system.labels}
    assert len([session for session in flagged if session not in abnormal]) <= 2
    of_kind = {row["kind"]: row["reason"] for row in rows}
    assert "never seen there" in of_kind["new_value"]
    assert ", typically " in of_kind["parameter_value"]


def test_a_day_scored_twice_has_the_same_findings_and_each_leads_to_its_line(system: System) -> None:
    run_id = system.judged()
    score_values(system.place, run_id)
    one = system.findings(run_id)
    score_values(system.place, run_id)
    assert system.findings(run_id) == one
    nouns = list(anomalies(pa.Table.from_pylist(one), ledger.get_run(system.place.engine, run_id)))
    assert len({each.anomaly_id for each in nouns}) == len(one)
    lines = (system.root / "raw" / f"harbour-{JUDGED}.log").read_text().splitlines()
    yesterday = (system.root / "raw" / f"harbour-{JUDGED - timedelta(days=1)}.log").read_text().splitlines()
    for each in nouns:
        where = {
            file[each.where.line_no - 1] for file in (lines, yesterday) if each.where.line_no <= len(file)
        }
        if each.session is not None:
            assert any(each.session in line for line in where)


def test_training_again_gives_the_same_part_whatever_the_number_of_shards(system: System) -> None:
    opened = OpenRun.of(system.place, system.training)
    catalogue = version_catalogue(replace_version(opened, _champion(system)))
    sessions = opened.source.sessions.model_copy(update={"buckets": 7})
    other = replace(opened, source=opened.source.model_copy(update={"sessions": sessions}))
    again = fit_values(other, catalogue)
    assert again is not None
    assert again.data == system.part.data
    assert all((again.arrays[name] == array).all() for name, array in system.part.arrays.items())


def test_sessions_left_out_of_training_are_not_learnt_from(system: System) -> None:
    opened = OpenRun.of(system.place, system.training)
    catalogue = version_catalogue(replace_version(opened, _champion(system)))
    part = fit_values(opened, catalogue, keep=lambda session: not session.startswith("ord-"))
    assert part is not None
    orders = [key for key, text in catalogue.texts.items() if "checkout of cart" in text]
    assert orders[0] in system.part.data["keys"]
    assert orders[0] not in part.data["keys"]


def test_where_values_are_not_watched_nothing_is_learnt_and_nothing_found(system: System) -> None:
    opened = OpenRun.of(system.place, system.training)
    values = opened.source.detection.values.model_copy(update={"enabled": False})
    off = opened.source.detection.model_copy(update={"values": values})
    silent = replace(opened, source=opened.source.model_copy(update={"detection": off}))
    assert fit_values(silent, version_catalogue(silent)) is None
    path = system.root / "sources" / "sample.yaml"
    before = path.read_text()
    path.write_text(before.replace("values: {epochs: 3}", "values: {enabled: false}"))
    try:
        run_id = system.judged("off")
        assert score_values(system.place, run_id) == 0
        assert system.findings(run_id) == []
    finally:
        path.write_text(before)


def test_a_day_without_a_version_or_with_one_that_knows_no_values_has_no_findings(
    system: System, fresh_database: str, tmp_path: Path
) -> None:
    shutil.copytree(system.root / "sources", tmp_path / "sources")
    place = workplace(fresh_database, tmp_path)
    try:
        run_day(place, "sample", FIRST, run_key="first")
        with place.engine.connect() as connection:
            run_id = int(connection.execute(text("SELECT max(run_id) FROM deeplog.runs")).scalar_one())
        assert score_values(place, run_id) == 0
        whole = system.place.registry.read("sample", _champion(system))
        bare = replace(whole, parts={name: part for name, part in whole.parts.items() if name != PART})
        path = place.registry.write(bare)
        model_rows.register(
            place.engine, "sample", bare.version, path=path, metrics=bare.metrics, training_days=[FIRST],
            parent=None, seed=0, library_versions={}, created_by="test",
        )  # fmt: skip
        promote(place, "sample", bare.version, rule="yes", who="test")
        run_day(place, "sample", FIRST, run_key="second")
        with place.engine.connect() as connection:
            run_id = int(connection.execute(text("SELECT max(run_id) FROM deeplog.runs")).scalar_one())
        assert score_values(place, run_id) == 0
    finally:
        place.engine.dispose()


def _champion(system: System) -> str:
    found = model_rows.champion(system.place.engine, "sample")
    assert found is not None
    return found


def test_the_clock_of_the_workplace_does_not_matter(system: System) -> None:
    run_id = system.judged()
    score_values(system.place, run_id)
    later = replace(system.place, now=lambda: datetime(2026, 5, 1, tzinfo=UTC))
    one = system.findings(run_id)
    score_values(later, run_id)
    assert system.findings(run_id) == one
