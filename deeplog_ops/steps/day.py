"""Which day a run means: one resolver for schedules, backfills, runs by hand, and the command line."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from deeplog_ops.errors import ConfigError, MissingInput
from deeplog_ops.records import DayBounds


def resolve_day(
    *,
    asked: str | date | None,
    by_hand: bool,
    logical_date: datetime | None,
    interval_start: datetime | None,
    run_after: datetime,
    zone: str,
) -> date:
    """The calendar day, in the source's zone, that a run is for.

    First what was asked for in the form; then, for a run by hand, the date it was given; then the start of the
    interval that a schedule or backfill covers; else the last whole day before `run_after`. A run by hand for a
    date means that date, although Airflow infers the interval that *ended* then.
    """
    if asked:
        return parse_day(asked)
    tz = ZoneInfo(zone)
    if by_hand and logical_date is not None:
        return _named_date(logical_date, tz)
    if interval_start is not None and not by_hand:
        return interval_start.astimezone(tz).date()
    return run_after.astimezone(tz).date() - timedelta(days=1)


def _named_date(moment: datetime, tz: ZoneInfo) -> date:
    """The date that a person wrote: midnight in UTC (a bare date) names that date in every zone."""
    if moment.utcoffset() == timedelta(0) and (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return moment.date()
    return moment.astimezone(tz).date()


def parse_day(text: str | date) -> date:
    """`2026-11-07` as a date; anything else is a ConfigError that says so."""
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a day: write YYYY-MM-DD, such as 2026-11-07") from error


def require_begun(bounds: DayBounds, now: datetime, ahead: timedelta) -> None:
    """MissingInput for a day that begins later than now by more than `ahead`: its lines would not be taken either.

    A year mistyped would otherwise leave a row, and in front of it a calendar of days that nobody ran.
    """
    if bounds.start > now + ahead:
        raise MissingInput(
            f"{bounds.day} has not begun: it is {now:%Y-%m-%d %H:%M} UTC. Name a day that is over"
        )
