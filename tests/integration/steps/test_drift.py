"""Whether the champion still fits: the health of real days, and of days that were made to look bad."""

from __future__ import annotations

from sqlalchemy import text

from deeplog_ops.steps.drift import drift
from tests.integration.steps.conftest import SCORED_DAYS, Sample


def test_days_like_those_of_training_advise_nothing_and_odd_ones_in_a_row_a_training(sample: Sample) -> None:
    assert drift(sample.place, "sample").days == ()
    for day in SCORED_DAYS:
        sample.run(day)
    found = drift(sample.place, "sample")
    assert [day for day, _ in found.days] == SCORED_DAYS
    assert not found.training_is_due
    assert all(health.judged > 0 for _, health in found.days)
    with sample.place.engine.begin() as connection:
        connection.execute(text("UPDATE deeplog.day_health SET alarm_rate = 0.5, judged = 1000"))
    found = drift(sample.place, "sample")
    assert found.training_is_due
    assert "Train again" in found.advice.reason
