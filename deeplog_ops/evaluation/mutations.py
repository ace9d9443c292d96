"""Normal sessions with one thing wrong: what a detector must find is known without any label."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

KeySequence = tuple[str, ...]

UNKNOWN = "a template that never came"
TRIES = 20


def _drop(keys: KeySequence, place: int, other: str) -> KeySequence:
    return keys[:place] + keys[place + 1 :]


def _swap(keys: KeySequence, place: int, other: str) -> KeySequence:
    """Two neighbours change places; concurrent ones may, so many results are what normal sessions do."""
    return keys[:place] + keys[place : place + 2][::-1] + keys[place + 2 :]


def _double(keys: KeySequence, place: int, other: str) -> KeySequence:
    return keys[: place + 1] + keys[place:]


def _cut(keys: KeySequence, place: int, other: str) -> KeySequence:
    """The session stops before this event."""
    return keys[:place]


def _replace(keys: KeySequence, place: int, other: str) -> KeySequence:
    return (*keys[:place], other, *keys[place + 1 :])


def _unknown(keys: KeySequence, place: int, other: str) -> KeySequence:
    return (*keys[:place], UNKNOWN, *keys[place:])


MUTATIONS: dict[str, Callable[[KeySequence, int, str], KeySequence]] = {
    "drop": _drop,
    "swap": _swap,
    "double": _double,
    "cut": _cut,
    "replace": _replace,
    "unknown": _unknown,
}


def mutated(
    kind: str, sessions: Sequence[KeySequence], seed: int, vocabulary: Collection[str] = ()
) -> list[KeySequence]:
    """Each of N sessions with one mutation at a random place; those that cannot be changed by it are left out.

    `vocabulary` are the keys that one may be replaced by; without any, those of the sessions. A change that changes
    nothing, or that leaves nothing, is no mutation and is drawn anew. KeyError for a kind that there is none of.
    """
    change = MUTATIONS[kind]
    generator = np.random.default_rng([seed, list(MUTATIONS).index(kind)])
    keys = sorted(vocabulary or {key for session in sessions for key in session})
    found = []
    for session in sessions:
        for _ in range(TRIES if session else 0):
            place = int(generator.integers(len(session)))
            result = change(session, place, keys[int(generator.integers(len(keys)))])
            if result and result != session:
                found.append(result)
                break
    return found
