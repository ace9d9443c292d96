"""Time stamps: zones, hours that come twice or never, years and dates that a stamp lacks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import polars as pl
import pytest

from deeplog_ops.errors import FormatError
from deeplog_ops.formats import times
from deeplog_ops.formats.spec import FormatSpec

ISO = "iso"


def lines(*stamps: str, tail: str = " x") -> bytes:
    return "".join(stamp + tail + "\n" for stamp in stamps).encode()


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("2024-02-03 10:11:12,345", "%Y-%m-%d %H:%M:%S,%f", "2024-02-03T10:11:12.345"),
        ("2024-02-03 10:11:12.345678", "%Y-%m-%d %H:%M:%S.%f", "2024-02-03T10:11:12.345678"),
        ("2024-02-03 10:11:12", "%Y-%m-%d %H:%M:%S.%f", "2024-02-03T10:11:12"),
        ("20240203-7:1:2:606", "%Y%m%d-%H:%M:%S:%f", "2024-02-03T07:01:02.606"),
        ("Sat Feb 03 10:11:12 2024", "%a %b %d %H:%M:%S %Y", "2024-02-03T10:11:12"),
        ("03/Feb/2024:10:11:12 -0700", "%d/%b/%Y:%H:%M:%S %z", "2024-02-03T17:11:12"),
        ("2024-02-03T10:11:12.5+05:30", "iso8601", "2024-02-03T04:41:12.5"),
        ("2024-02-03T10:11:12-0030", "iso8601", "2024-02-03T10:41:12"),
        ("20240203T101112Z", "iso8601", "2024-02-03T10:11:12"),
        ("1706951472", "epoch_s", "2024-02-03T09:11:12"),
        ("1706951472.25", "epoch_s", "2024-02-03T09:11:12.25"),
        ("1706951472345", "epoch_ms", "2024-02-03T09:11:12.345"),
        ("1706951472345678", "epoch_us", "2024-02-03T09:11:12.345678"),
        ("Feb 3, 2024 @ 10:11:12.345", "%b %d, %Y @ %H:%M:%S.%f", "2024-02-03T10:11:12.345"),
    ],
)
def test_a_form_reads_its_stamp(text: str, form: str, expected: str) -> None:
    stamps = times.parse(pl.Series([text, None, "never"]), (times.compile_form(form),))
    assert stamps.ticks[0] == datetime.fromisoformat(expected).replace(tzinfo=UTC).timestamp() * 1e6
    assert list(stamps.kind[1:]) == [times.NONE, times.NONE]


def test_a_form_without_a_time_of_day_is_refused() -> None:
    with pytest.raises(FormatError, match="holds no time of day"):
        times.compile_form("%Y-%m-%d")


def test_forms_are_tried_in_order_for_each_line(read: Callable) -> None:
    spec = FormatSpec(
        name="two", pattern=r"^(?P<time>\S+) (?P<message>.*)$", time_formats=("epoch_s", "%d.%m.%YT%H:%M")
    )
    assert read(b"1706951472 a\n03.02.2024T10:11 b\n", spec).times == [
        "2024-02-03 09:11:12",
        "2024-02-03 10:11:00",
    ]


def test_stamps_without_a_zone_are_of_the_sources_zone(read: Callable) -> None:
    assert read(lines("2024-07-03 10:00:00"), ISO, zone="Asia/Kolkata").times == ["2024-07-03 04:30:00"]


def test_stamps_with_a_zone_keep_it_whatever_the_source_says(read: Callable) -> None:
    assert read(lines("2024-07-03T10:00:00+02:00"), ISO, zone="Asia/Kolkata").times == ["2024-07-03 08:00:00"]


def test_an_hour_that_does_not_exist_is_moved_forward_and_not_lost(read: Callable) -> None:
    result = read(
        lines("2024-03-31 01:59:00", "2024-03-31 02:30:00", "2024-03-31 03:01:00"), ISO, zone="Europe/Berlin"
    )
    assert result.times == ["2024-03-31 00:59:00", "2024-03-31 01:30:00", "2024-03-31 01:01:00"]


@pytest.mark.parametrize("chunk_bytes", [8, 64, 4096])
def test_the_hour_that_comes_twice_is_told_by_the_files_order(chunk_bytes: int, read: Callable) -> None:
    clocks = ["01:30", "02:10", "02:50", "02:05", "02:55", "03:05"]
    data = lines(*(f"2024-10-27 {clock}:00" for clock in clocks))
    result = read(data, ISO, zone="Europe/Berlin", chunk_bytes=chunk_bytes)
    assert [time[11:16] for time in result.times] == ["23:30", "00:10", "00:50", "01:05", "01:55", "02:05"]


def test_lines_a_little_out_of_order_do_not_mean_the_second_hour(read: Callable) -> None:
    data = lines("2024-10-27 02:10:05", "2024-10-27 02:10:01")
    assert read(data, ISO, zone="Europe/Berlin").times == ["2024-10-27 00:10:05", "2024-10-27 00:10:01"]


def test_times_that_go_backwards_are_kept_as_they_are(read: Callable) -> None:
    stamps = ["2024-02-03 10:00:00", "2024-02-01 10:00:00", "2024-02-03 10:00:01"]
    assert read(lines(*stamps), ISO).times == stamps


SYSLOG = " box app[1]: x"


@pytest.mark.parametrize("chunk_bytes", [8, 30, 4096])
def test_stamps_without_a_year_roll_over_at_new_year(chunk_bytes: int, read: Callable) -> None:
    data = lines(
        "Dec 30 10:00:00",
        "Dec 31 23:59:59",
        "Jan  1 00:00:01",
        "Dec 31 23:59:58",
        "Jan  2 00:00:00",
        tail=SYSLOG,
    )
    result = read(data, "syslog", year=2022, chunk_bytes=chunk_bytes)
    assert [time[:10] for time in result.times] == [
        "2022-12-30",
        "2022-12-31",
        "2023-01-01",
        "2022-12-31",
        "2023-01-02",
    ]


def test_without_a_year_in_the_configuration_the_last_change_tells_it(read: Callable) -> None:
    changed = datetime(2024, 1, 2, tzinfo=UTC)
    crossing = read(lines("Dec 30 10:00:00", "Jan  1 10:00:00", tail=SYSLOG), "syslog", modified=changed)
    later = read(lines("Jan  1 10:00:00", tail=SYSLOG), "syslog", modified=changed)
    assert crossing.times == ["2023-12-30 10:00:00", "2024-01-01 10:00:00"]
    assert later.times == ["2024-01-01 10:00:00"]


def test_the_day_in_a_files_name_tells_the_year_before_all_else(read: Callable) -> None:
    result = read(lines("Dec 30 10:00:00", tail=SYSLOG), "syslog", year=1999, day_hint=date(2021, 1, 2))
    assert result.times == ["2020-12-30 10:00:00"]


def test_the_29th_of_february_needs_a_leap_year(read: Callable) -> None:
    data = lines("Feb 28 10:00:00", "Feb 29 10:00:00", "Mar  1 10:00:00", tail=SYSLOG)
    assert read(data, "syslog", year=2024).times[1] == "2024-02-29 10:00:00"
    common = read(data, "syslog", year=2023)
    assert common.reasons == ["bad_time"]
    assert [time[:10] for time in common.times] == ["2023-02-28", "2023-03-01"]


def test_a_clock_alone_takes_the_files_day_and_rolls_over_at_midnight(read: Callable) -> None:
    spec = FormatSpec(
        name="clock", pattern=r"^(?P<time>[0-9:]+) (?P<message>.*)$", time_formats=("%H:%M:%S",)
    )
    result = read(lines("23:59:59", "00:00:01"), spec, day_hint=date(2024, 2, 3))
    assert result.times == ["2024-02-03 23:59:59", "2024-02-04 00:00:01"]


def test_a_weekday_that_is_wrong_does_not_cost_the_line(read: Callable) -> None:
    assert read(b"[Mon Feb 03 10:11:12 2024] [error] x\n", "apache-error").times == ["2024-02-03 10:11:12"]


def test_only_records_within_the_bounds_are_kept_and_the_others_counted(read: Callable) -> None:
    data = lines(
        "2024-02-02 23:59:59",
        "2024-02-03 00:00:00",
        "2024-02-03 23:59:59",
        "2024-02-04 00:00:00",
        tail=" x\nmore",
    )
    keep = (datetime(2024, 2, 3, tzinfo=UTC), datetime(2024, 2, 4, tzinfo=UTC))
    result = read(data, ISO, keep=keep)
    assert result.times == ["2024-02-03 00:00:00", "2024-02-03 23:59:59"]
    assert (result.account.other_days, result.account.joined) == (4, 2)
    assert result.first_time == datetime(2024, 2, 2, 23, 59, 59, tzinfo=UTC)
    assert result.last_time == datetime(2024, 2, 4, tzinfo=UTC)


def test_records_without_a_time_belong_to_the_day_of_their_file(read: Callable) -> None:
    keep = (datetime(2024, 2, 3, tzinfo=UTC), datetime(2024, 2, 4, tzinfo=UTC))
    assert read(b"a\nb\n", "plain", keep=keep, day_hint=date(2024, 2, 3)).account.events == 2
    assert read(b"a\nb\n", "plain", keep=keep, day_hint=date(2024, 2, 4)).account.other_days == 2
    assert read(b"a\nb\n", "plain", keep=keep).account.events == 2
