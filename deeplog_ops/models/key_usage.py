"""How often each key came in training, and what that leaves for keys that did not come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.vocabulary import EOS, Vocabulary

FLOOR = 1e-9  # share of the probability that goes to the keys as often as they came, wherever that was


@dataclass(frozen=True)
class KeyUsage:
    """Counts of the training's events."""

    events: tuple[int, ...]  # by symbol, EOS among them: (V,)
    once: int  # keys that one session alone has

    @classmethod
    def of(
        cls, vocabulary: Vocabulary, sequences: Sequence[Sequence[str]], sessions: NDArray[np.int64]
    ) -> KeyUsage:
        """Count N sequences, sequence i standing for sessions[i] sessions."""
        events, having = _counted(vocabulary, sequences, sessions)
        return cls(tuple(events.tolist()), int(np.count_nonzero(having == 1)))

    def with_sessions(
        self, vocabulary: Vocabulary, sequences: Sequence[Sequence[str]], sessions: NDArray[np.int64]
    ) -> KeyUsage:
        """With N sequences more; `vocabulary` is the one so far with new keys behind it.

        A key that one session alone had counts as one no more where it comes again; that it was one is known of keys
        that came a single time.
        """
        events, having = _counted(vocabulary, sequences, sessions)
        before = np.zeros(len(vocabulary), np.int64)
        before[: len(self.events)] = self.events
        no_more = int(((before == 1) & (having > 0)).sum())
        once = max(0, self.once - no_more) + int(((before == 0) & (having == 1)).sum())
        return KeyUsage(tuple((before + events).tolist()), once)

    @property
    def new_key(self) -> float:
        """The chance that an event brings some key that training did not see: the escape class.

        After Good and Turing, as many events bring a new key as brought those that one session alone has;
        half an event where there are none.
        """
        return (self.once + 0.5) / (sum(self.events) + 1)

    @property
    def this_new_key(self) -> float:
        """The chance of one certain new key: the escape class, shared by as many keys as are known.

        So a new template surprises more than any template seen once, more so the longer none came, and
        less where a source keeps bringing new ones.
        """
        return self.new_key / max(1, len(self.events) - 3)

    def with_escape(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The network's probabilities (B, V) of the keys and EOS, less the mass of the escape class.

        A floor under each, in proportion to its count, keeps them from underflowing to 0. It is far below
        what decides a verdict: at a thousandth, a session that ends in the middle was no more surprising
        than the rarest normal ones.
        """
        return self._floored(probabilities, np.array(self.events))

    def chances(
        self, symbols: NDArray[np.integer], probabilities: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """As `with_escape`, of one symbol at each place: (E,), (E,) → (E,). One that training did not have is new."""
        events = np.array(self.events)[symbols]
        return np.where(events > 0, self._floored(probabilities, events), self.this_new_key)

    def _floored(self, probabilities: NDArray[np.float64], events: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities of symbols that came so often, less the mass of the escape class."""
        share = events / sum(self.events)
        return (1 - self.new_key) * ((1 - FLOOR) * probabilities + FLOOR * share)

    def to_dict(self) -> dict[str, Any]:
        return {"events": list(self.events), "once": self.once}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> KeyUsage:
        return cls(tuple(int(count) for count in data["events"]), int(data["once"]))


def sessions_having(
    vocabulary: Vocabulary, sequences: Sequence[Sequence[str]], sessions: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many sessions have each symbol (V,), sequence i standing for sessions[i] of them; ends are not counted."""
    return _counted(vocabulary, sequences, sessions)[1]


def _counted(
    vocabulary: Vocabulary, sequences: Sequence[Sequence[str]], sessions: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often each symbol comes, and how many sessions have it, EOS once in each: (V,), (V,)."""
    events, having = np.zeros((2, len(vocabulary)), np.int64)
    for keys, count in zip(sequences, sessions, strict=True):
        symbols = vocabulary.encode(keys)
        np.add.at(events, symbols, count)
        having[np.unique(symbols)] += count
    events[EOS] = sessions.sum()
    return events, having
