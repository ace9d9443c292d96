"""A source to publish for, and its runs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from deeplog_ops.db import ledger, sources
from deeplog_ops.records import DayBounds
from tests.integration.db.day_results import DAY, MakeRun


@pytest.fixture
def source(engine: Engine) -> str:
    return sources.register(engine, "web", "web", {"paths": ["/var/log/web"]}).key


@pytest.fixture
def begin(engine: Engine, source: str) -> MakeRun:
    def make(day: date = DAY, run_key: str = "r1", choice: str = "champion", **more: Any) -> ledger.Run:
        bounds = DayBounds.of(day, "UTC", timedelta(hours=25))
        return ledger.begin_run(
            engine,
            source,
            day,
            run_key,
            trigger="cli",
            choice=choice,
            config={"name": "a"},
            bounds=bounds,
            **more,
        )

    return make
