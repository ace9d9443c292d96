"""Events as stretches of time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.errors import InputError
from deeplog_ops.sequences.time_windows import time_windows

HOUR = 3600.0


def test_a_day_with_a_step_of_three_hours_has_each_event_eight_times() -> None:
    windows = time_windows([30 * HOUR, 25 * HOUR], ["b", "a"], 24 * HOUR, 3 * HOUR)
    assert len([window for window in windows if "a" in window.keys]) == 8
    assert [window.start / HOUR for window in windows] == [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
    assert [window.keys for window in windows][:4] == [("a",), ("a",), ("a", "b"), ("a", "b")]
    assert windows[2].events == (1, 0)


def test_without_a_step_every_event_is_in_one_window() -> None:
    windows = time_windows([0, 9.999, 10, -1], list("abcd"), 10)
    assert [(window.start, window.keys) for window in windows] == [
        (-10, ("d",)),
        (0, ("a", "b")),
        (10, ("c",)),
    ]


@given(
    st.lists(st.tuples(st.integers(-500, 500), st.sampled_from("abc")), max_size=30),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_windows_are_what_looking_at_every_event_finds(
    events: list[tuple[int, str]], width: int, step: int
) -> None:
    step = min(step, width)
    found = {
        window.start: window.keys
        for window in time_windows([t for t, _ in events], [k for _, k in events], width, step)
    }
    wanted = {}
    for number in range(-500 // step - width, 500 // step + 2):
        start = number * step
        keys = tuple(
            key for t, key in sorted(events, key=lambda event: event[0]) if start <= t < start + width
        )
        if keys:
            wanted[float(start)] = keys
    assert found == wanted


def test_what_cannot_be_cut_is_said() -> None:
    with pytest.raises(InputError, match="at most the width"):
        time_windows([1], ["a"], 10, 20)
    with pytest.raises(InputError, match="one finite number"):
        time_windows([math.nan], ["a"], 10)
    assert time_windows([], [], 10) == []
