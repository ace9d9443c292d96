from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.errors import ConfigError
from deeplog_ops.records import DayBounds
from deeplog_ops.steps.day import resolve_day


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def resolved(**given_: object) -> date:
    arguments: dict[str, object] = {
        "asked": None,
        "by_hand": False,
        "logical_date": None,
        "interval_start": None,
        "run_after": instant("2026-11-08T00:00:00+00:00"),
        "zone": "UTC",
    }
    return resolve_day(**(arguments | given_))  # type: ignore[arg-type]


def test_schedule_backfill_hand_and_no_date_agree_on_the_day() -> None:
    seventh = date(2026, 11, 7)
    scheduled = resolved(
        interval_start=instant("2026-11-07T00:00:00+00:00"), logical_date=instant("2026-11-07T00:00:00+00:00")
    )
    by_hand = resolved(
        by_hand=True,
        logical_date=instant("2026-11-07T00:00:00+00:00"),
        interval_start=instant("2026-11-06T00:00:00+00:00"),  # Airflow infers the interval that ended then
    )
    asked = resolved(by_hand=True, asked="2026-11-07")
    without = resolved(by_hand=True, run_after=instant("2026-11-08T09:30:00+00:00"))
    assert scheduled == by_hand == asked == without == seventh


def test_the_day_is_the_calendar_day_of_the_zone() -> None:
    start = DayBounds.of(date(2026, 11, 7), "Asia/Tokyo", timedelta(0)).start
    assert start == instant("2026-11-06T15:00:00+00:00")
    assert resolved(interval_start=start, zone="Asia/Tokyo") == date(2026, 11, 7)
    assert resolved(run_after=instant("2026-11-07T16:00:00+00:00"), zone="Asia/Tokyo") == date(2026, 11, 7)


def test_a_bare_date_given_by_hand_names_that_date_in_every_zone() -> None:
    given_ = instant("2026-11-07T00:00:00+00:00")
    assert resolved(by_hand=True, logical_date=given_, zone="America/New_York") == date(2026, 11, 7)


def test_a_day_that_is_none_is_refused_with_the_accepted_form() -> None:
    with pytest.raises(ConfigError, match="write YYYY-MM-DD"):
        resolved(asked="07.11.2026")


@given(
    day=st.dates(date(1990, 1, 2), date(2037, 1, 1)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_days_follow_each_other_without_gap_or_overlap(day: date, zone: str) -> None:
    today, tomorrow = (DayBounds.of(day + timedelta(days=n), zone, timedelta(hours=1)) for n in (0, 1))
    assert today.end == tomorrow.start
    assert today.start - today.view_start == timedelta(hours=1)
    if (day, zone) != (date(2011, 12, 30), "Pacific/Apia"):  # a day that Samoa left out
        assert timedelta(hours=22) < today.end - today.start < timedelta(hours=26)


def test_days_of_23_and_25_hours_exist() -> None:
    spring = DayBounds.of(date(2026, 3, 29), "Europe/Berlin", timedelta(0))
    autumn = DayBounds.of(date(2026, 10, 25), "Europe/Berlin", timedelta(0))
    assert spring.end - spring.start == timedelta(hours=23)
    assert autumn.end - autumn.start == timedelta(hours=25)
    assert spring.start.tzinfo == UTC or spring.start.utcoffset() == timedelta(0)
