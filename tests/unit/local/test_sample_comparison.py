"""What was found in the sample, against what was hidden there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from deeplog_ops.local.sample import compare
from deeplog_ops.simulate.files import Label

DAY = date(2026, 3, 2)


def hidden(kind: str, shows_in: str, session: str = "", hour: int = 10) -> Label:
    return Label("id", DAY, session, kind, shows_in, "a.log", 1, f"2026-03-02T{hour:02}:30:00.000Z", "what")


def anomaly(session: str | None, hour: int = 10) -> dict[str, Any]:
    begin = datetime(2026, 3, 2, hour, tzinfo=UTC)
    return {"day": DAY, "session": session, "first_time": begin, "last_time": begin.replace(minute=59)}


def test_sessions_are_found_by_name_and_rates_by_their_hour() -> None:
    labels = [
        hidden("skipped_step", "order", "s1"),
        hidden("flood", "rate"),
        hidden("rare_burst", "rate", hour=20),
    ]
    found = [anomaly("s1"), anomaly("s2"), anomaly(None), anomaly(None, hour=4)]
    comparison = compare(found, labels, DAY, DAY)
    assert (comparison.flagged, comparison.right) == (4, 2)
    assert comparison.recall("order") == 1
    assert comparison.recall("rate") == 0.5


def test_a_rate_of_another_day_is_no_find() -> None:
    other = anomaly(None) | {"day": date(2026, 3, 3)}
    assert compare([other], [hidden("flood", "rate")], DAY, DAY).recall("rate") == 0
