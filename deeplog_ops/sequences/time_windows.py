"""Events as stretches of time instead of sessions: for logs whose events name no session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from deeplog_ops.errors import InputError


@dataclass(frozen=True)
class TimeWindow:
    """The events with start <= time < start + width, in the order of time: `events` are their places in the input."""

    start: float
    events: tuple[int, ...]
    keys: tuple[str, ...]


def time_windows(
    times: ArrayLike, keys: Sequence[str], width: float, step: float | None = None
) -> list[TimeWindow]:
    """N events at `times` (N,), in seconds, to the windows of `width` seconds that begin at every multiple of `step`.

    A window begins at a fixed clock time, so it does not depend on which events there are; windows without
    events are left out. An event is in width / step windows (the default step is the width: in one). Events of
    one time keep their order. InputError where times are no finite numbers, or the step is longer than the width.
    """
    time = np.asarray(times, float)
    step = width if step is None else step
    if time.shape != (len(keys),) or not np.isfinite(time).all():
        raise InputError(
            f"{time.shape} times came with {len(keys)} keys: one finite number of seconds each is expected"
        )
    if not 0 < step <= width:
        raise InputError(
            f"a step of {step:g} s with windows of {width:g} s: more than 0 and at most the width"
        )
    order = np.argsort(time, kind="stable")
    time = time[order]
    newest = np.floor(time / step).astype(np.int64)
    # The windows that an event is in begin at consecutive multiples, the newest of them not after it.
    oldest = newest - int(np.ceil(width / step))
    of = np.repeat(np.arange(len(time)), newest - oldest)
    number = np.arange(len(of)) - np.repeat(np.cumsum(newest - oldest) - (newest - oldest), newest - oldest)
    number += np.repeat(oldest + 1, newest - oldest)
    within = time[of] < number * step + width
    of, number = of[within], number[within]
    by_window = np.lexsort((of, number))
    of, number = of[by_window], number[by_window]
    starts, first = np.unique(number, return_index=True)
    return (
        [
            TimeWindow(
                float(start * step),
                tuple(order[part].tolist()),
                tuple(keys[place] for place in order[part].tolist()),
            )
            for start, part in zip(starts.tolist(), np.split(of, first[1:]), strict=True)
        ]
        if len(of)
        else []
    )
