"""Say in the tables that a run failed: a day that failed is not a day without anomalies."""

from __future__ import annotations

from datetime import date

from deeplog_ops.db import ledger
from deeplog_ops.records import DayBounds
from deeplog_ops.steps.wait import day_is_ready
from deeplog_ops.steps.workplace import Workplace


def close_run(place: Workplace, run_id: int, error: str | None = None) -> bool:
    """Mark a run that did not get to its end as failed, and its day too if it was never scored; whether it was so.

    An older result of the day stays what readers see.
    """
    if ledger.get_run(place.engine, run_id).state != "running":
        return False
    ledger.finish_run(
        place.engine,
        run_id,
        "failed",
        error or ledger.last_error(place.engine, run_id) or "a stage did not end",
    )
    return True


def close_unrun(place: Workplace, source_name: str, day: date) -> None:
    """Mark a day failed whose run did not even begin: its files did not come in time, or its beginning failed."""
    source = place.registered(source_name)
    bounds = DayBounds.of(day, source.reading.zone, source.sessions.lookback)
    missing = day_is_ready(place, source_name, day).waiting_for
    reason = f"the run did not begin: it waited in vain for {missing}" if missing else "the run did not begin"
    ledger.note_unrun(place.engine, source.key, bounds, "failed", reason)
