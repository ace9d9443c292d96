"""Say in the tables that a run failed: a day that failed is not a day without anomalies."""

from __future__ import annotations

from deeplog_ops.db import ledger
from deeplog_ops.steps.workplace import Workplace


def record_failure(place: Workplace, run_id: int, error: str | None = None) -> None:
    """Mark the run failed, and its day too if it was never scored. An older result stays what readers see."""
    ledger.fail_run(place.engine, run_id, error or ledger.last_error(place.engine, run_id))
