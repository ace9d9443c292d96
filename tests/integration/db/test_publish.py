"""Publishing replaces a day in one transaction, whatever happens meanwhile."""

from __future__ import annotations

from sqlalchemy import Engine, text

from deeplog_ops.db.publish import publish_day
from tests.integration.db.day_results import MakeRun, published, result_of


def test_a_day_run_twice_gives_the_same_rows(engine: Engine, begin: MakeRun) -> None:
    publish_day(engine, result_of(begin()))
    first = published(engine)
    counts = publish_day(engine, result_of(begin(run_key="again")))
    assert counts.replaced_anomalies == counts.anomalies == 5
    assert published(engine) == first
    with engine.connect() as connection:
        states = connection.execute(text("SELECT state FROM deeplog.runs ORDER BY run_id")).scalars().all()
    assert states == ["superseded", "running"]
