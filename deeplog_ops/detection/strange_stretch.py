"""Strange stretches: where a session goes on for a while as no session of training does.

A step is strange when it never came after the one before it in training. One of them is a surprise that the order score
knows. Where sessions are long and vary freely, each is unlike all others and has a few; then what tells is that they
come close together, as in a program that never ran before. A step that a session repeats counts once: a loop of its own is one
strange step, and no foreign program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STRETCH = 16  # steps, the end of a session among them
NATS = 1.0  # that each strange step says beyond those that are enough
LEAST = 6  # strange ones in a stretch, from where on it may tell
BUDGET = 0.5  # the share of the budget of false alarms that is theirs
APART = 4  # strange steps more than all others but one session of training have: that one is an accident

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """The places `first` to `last` of a session, so many of them strange. Both ends are strange ones."""

    first: int
    last: int
    strange: int

    @property
    def steps(self) -> int:
        return self.last - self.first + 1


def strangest(strange: Flags) -> Stretch | None:
    """Of one session (E,) the stretch with most strange steps, the first of several; None without any."""
    most, last = _most(strange, np.zeros(len(strange), np.int64))
    if not len(strange) or not most.max():
        return None
    end = int(most.argmax())
    places = np.flatnonzero(strange[int(last[end]) : end + 1]) + int(last[end])
    return Stretch(int(places[0]), int(places[-1]), int(most[end]))


def most_strange(strange: Flags, starts: Ints) -> Ints:
    """The most strange steps in any stretch of each of N sessions (N,), which begin at `starts` (N + 1,)."""
    if len(starts) < 2:
        return np.zeros(0, np.int64)
    found: Ints = np.maximum.reduceat(_most(strange, np.repeat(starts[:-1], np.diff(starts)))[0], starts[:-1])
    return found


def reaching(most: Ints, sessions: Ints) -> tuple[int, ...]:
    """How many sessions have one strange step in a stretch or more, how many two, and so on to STRETCH."""
    return tuple(int(sessions[most >= level].sum()) for level in range(1, STRETCH + 1))


def telling(reached: Sequence[int], sessions: int, budget: float) -> float:
    """From how many on they make a session anomalous, of what `reaching` counted; infinite where not even a whole stretch
    would be enough.

    It is the least number that no more of the training sessions reached than the budget has room for. A single one that
    stands APART from all others does not count: a foreign session among those of training blinds nobody.
    """
    room = sessions * budget * BUDGET
    for level in range(LEAST, len(reached) + 1):
        if reached[level - 1] <= room or reached[level - APART] <= max(1, room):
            return float(level)
    return np.inf


def strength(most: Ints, enough: float, threshold: float) -> NDArray[np.float64]:
    """As strengths of the verdict (N,): 1 where they are enough, and NATS for each one more, as parts of the `threshold` of
    what is counted in nats."""
    found: NDArray[np.float64] = np.where(
        most >= enough, 1 + (most - enough) * NATS / threshold, most / enough
    )
    return found


def _most(strange: Flags, start: Ints) -> tuple[Ints, Ints]:
    """Of the stretch that ends at each event (E,): its strange steps, and its first place, not before `start` (E,)."""
    total = np.concatenate([[0], np.cumsum(strange)])
    end = np.arange(1, len(strange) + 1)
    first = np.maximum(end - STRETCH, start)
    return total[end] - total[first], first
