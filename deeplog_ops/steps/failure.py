"""Say in the tables that a run failed: a day that failed is not a day without anomalies."""

from __future__ import annotations

from deeplog_ops.db import ledger
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
