"""Sessions as one flat array of events, and what stands before each event, as hashes that mean the same for ever.

A history is known by a 64-bit hash: of the last keys, or of the multiset of all keys so far. The latter is a sum of the
keys' own hashes, so the order in which concurrent branches wrote their lines does not matter. Among a hundred million
histories two share a hash with a chance of 1 in 4,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.vocabulary import BOS, EOS, Vocabulary
from deeplog_ops.records import stable_digest

Hashes = NDArray[np.uint64]

_MIX = np.uint64(0x9E3779B97F4A7C15)
_STIR = np.uint64(0xBF58476D1CE4E5B9)
_LAST = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class SessionEvents:
    """N sequences one after the other, each with its end: E events in all."""

    symbols: NDArray[np.int64]  # (E,) what came; EOS closes each sequence
    starts: NDArray[np.int64]  # (N + 1,) where each sequence begins
    sequence: NDArray[np.int64]  # (E,) which sequence an event belongs to

    @classmethod
    def of(cls, vocabulary: Vocabulary, sequences: Sequence[Sequence[str]]) -> SessionEvents:
        lengths = np.fromiter((len(keys) + 1 for keys in sequences), np.int64, len(sequences))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        symbols = np.full(starts[-1], EOS, np.int64)
        for row, keys in enumerate(sequences):
            symbols[starts[row] : starts[row + 1] - 1] = vocabulary.encode(keys)
        return cls(symbols, starts, np.repeat(np.arange(len(sequences)), lengths))

    def before(self, back: int) -> NDArray[np.int64]:
        """The symbol so many places before each event (E,); BOS before a sequence's first."""
        found = np.full(len(self.symbols), BOS, np.int64)
        found[back:] = self.symbols[:-back]
        place = np.arange(len(self.symbols)) - self.starts[self.sequence]
        found[place < back] = BOS
        return found

    def so_far(self, values: Hashes) -> Hashes:
        """The sum of `values` (one a symbol) over the events before each one in its sequence (E,)."""
        each = values[self.symbols]
        total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(each, dtype=np.uint64)])[:-1]
        return total - total[self.starts[self.sequence]]


def symbol_hashes(vocabulary: Vocabulary) -> Hashes:
    """A hash for each symbol, of the key's text: the same whatever the vocabulary."""
    return _symbol_hashes(vocabulary.keys)


@lru_cache(
    maxsize=16
)  # asked for with every sequence that is explained, for the few vocabularies of a version
def _symbol_hashes(keys: tuple[str, ...]) -> Hashes:
    names = ["\x00bos", "\x00eos", "\x00escape", *keys]
    found = np.array([int(stable_digest(("key", name))[:16], 16) for name in names], np.uint64)
    found.flags.writeable = False
    return found


def mixed(*parts: Hashes | int) -> Hashes:
    """One hash of several (the order matters), after the finishing steps of splitmix64."""
    found: Hashes = np.zeros(1, np.uint64)
    for part in parts:
        found = found * _STIR + np.asarray(part, np.uint64) + _MIX
        found = (found ^ (found >> np.uint64(30))) * _STIR
        found = (found ^ (found >> np.uint64(27))) * _LAST
        found = found ^ (found >> np.uint64(31))
    return found
