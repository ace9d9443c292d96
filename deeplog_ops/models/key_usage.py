"""How often each key came in training, and what that leaves for keys that did not come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.vocabulary import EOS, Vocabulary

ANYWHERE = 0.001  # share of the probability that goes to the keys as often as they came, wherever that was


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
        events = np.zeros(len(vocabulary), np.int64)
        seen_in = np.zeros(len(vocabulary), np.int64)
        for keys, count in zip(sequences, sessions, strict=True):
            symbols = vocabulary.encode(keys)
            np.add.at(events, symbols, count)
            seen_in[np.unique(symbols)] += count
        events[EOS] = sessions.sum()
        return cls(tuple(events.tolist()), int(np.count_nonzero(seen_in == 1)))

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

    def smoothed(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The network's probabilities (B, V), less the escape class, with a floor under each key that came.

        A network is sure beyond what it has seen: two models that fit equally well differ by orders of
        magnitude on rare but normal orders, so that held-out scores would not tell what to expect. The floor
        costs a thousandth of a nat an event.
        """
        share = np.array(self.events) / sum(self.events)
        return (1 - self.new_key) * ((1 - ANYWHERE) * probabilities + ANYWHERE * share)

    def to_dict(self) -> dict[str, Any]:
        return {"events": list(self.events), "once": self.once}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> KeyUsage:
        return cls(tuple(int(count) for count in data["events"]), int(data["once"]))
