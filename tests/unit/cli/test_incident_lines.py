"""A line of the list of incidents."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from deeplog_ops.cli.incidents import _line
from deeplog_ops.db.incidents import PublishedIncident


def test_a_row_of_the_first_day_does_not_claim_to_be_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    """Seven days had it: the row of the first is not day 7 of it, nor did it go on all the time."""
    values: dict[str, Any] = dict.fromkeys(PublishedIncident.__dataclass_fields__)
    first = date(2026, 3, 2)
    values |= {
        "day": first, "incident_id": "0123456789", "status": "ongoing", "severity_now": 40, "title": "A burst",
        "anomalies": 1, "sessions": 0, "first_day": first, "days_seen": 7, "shown": True,
    }  # fmt: skip
    _line(PublishedIncident(**values), dated=True)
    told = capsys.readouterr().out
    assert "day 7" not in told
    assert "seen on 7 days since 2026-03-02" in told
