"""What a run committed to the lake, for tests to look at."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import text

from deeplog_ops.db import ledger
from deeplog_ops.records import LineAccount
from tests.integration.steps.conftest import Sample


def last_run(sample: Sample, day: date) -> int:
    """The run that was begun last for a day."""
    with sample.place.engine.connect() as connection:
        return int(
            connection.execute(
                text("SELECT max(run_id) FROM deeplog.runs WHERE day = :day AND kind = 'daily'"), {"day": day}
            ).scalar_one()
        )


def stage_rows(sample: Sample, day: date, stage: str) -> list[dict[str, Any]]:
    """The rows of one stage of the last run of a day."""
    ref = ledger.partition(sample.place.engine, last_run(sample, day), stage)
    return [row for table in sample.place.lake.read(ref) for row in table.to_pylist()]


def account_of(sample: Sample, day: date, name: str) -> tuple[LineAccount, str | None]:
    """The line account of the file called `name` in the last run of a day, and its note."""
    found = {
        entry.path.rsplit("/", 1)[-1]: entry
        for entry in ledger.run_accounts(sample.place.engine, last_run(sample, day))
    }
    return found[name].account, found[name].note


def reasons(sample: Sample, day: date) -> set[str]:
    """Why lines of the last run of a day are in the quarantine."""
    return {row["reason"] for row in stage_rows(sample, day, "quarantine")}
