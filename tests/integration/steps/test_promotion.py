"""What training may promote by itself."""

from __future__ import annotations

from datetime import timedelta

from deeplog_ops.db import models
from deeplog_ops.steps.promote import promote
from deeplog_ops.steps.whole_runs import run_training
from tests.integration.steps.conftest import SCORED_DAYS, Sample

LAST = SCORED_DAYS[0] - timedelta(days=1)


def test_a_training_on_older_days_does_not_replace_the_champion_by_itself(sample: Sample) -> None:
    champion = models.champion(sample.place.engine, "sample")
    version, decision = run_training(
        sample.place, "sample", LAST - timedelta(days=1), run_key="older", days=2, rule="auto", epochs=2
    )
    assert not decision.promoted
    assert f"its training days end on {LAST - timedelta(days=1)}, the champion's on {LAST}" in decision.reason
    assert models.champion(sample.place.engine, "sample") == champion
    assert promote(sample.place, "sample", version, rule="yes", who="test").promoted
    assert models.champion(sample.place.engine, "sample") == version


def test_a_training_on_newer_days_replaces_the_champion_and_revert_brings_it_back(sample: Sample) -> None:
    champion = models.champion(sample.place.engine, "sample")
    version, decision = run_training(
        sample.place, "sample", SCORED_DAYS[0], run_key="newer", days=2, rule="auto", epochs=2
    )
    assert decision.promoted
    assert models.champion(sample.place.engine, "sample") == version
    assert models.revert(sample.place.engine, "sample", who="test", why="tried") == champion
