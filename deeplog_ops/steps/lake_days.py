"""Days that the lake still has: the live runs behind what readers see, opened to read them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from deeplog_ops.db import ledger, readers
from deeplog_ops.records import DayState
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.steps.workplace import Workplace

STAGES = {"events", "sessions"}


def lake_days(place: Workplace, source_key: str, days: Sequence[date]) -> Iterator[OpenRun]:
    """The live runs of these days of which the ledger has events and sessions still, in the order of the days."""
    for day in days:
        for status in readers.coverage(place.engine, source_key, day, day):
            if status.run_id is not None and ledger.committed_stages(place.engine, status.run_id) >= STAGES:
                yield OpenRun.of(place, status.run_id)


def latest_scored(place: Workplace, source_key: str, most: int) -> list[date]:
    """The latest days that were scored, the newest first; stale ones too."""
    judged = (DayState.SCORED, DayState.STALE)
    days = [status.day for status in readers.coverage(place.engine, source_key) if status.state in judged]
    return sorted(days, reverse=True)[:most]
