"""Which symbols a network that reads sessions tells apart: those that most sessions have.

A training may hold any number of keys, where a template was mistaken for many; but a network's time and memory grow with
its symbols at every place, and it learns nothing of one that a handful of its sessions show. So it has a bounded number
of its own. It reads all others as one, ESCAPE, and says how likely one of them comes; which of them, is said by how often
each came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.vocabulary import BOS, EOS, ESCAPE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OWN = 2_048  # keys that a network tells apart: an epoch takes about as long as with a hundred
WATCHED = 256  # of these, that it awaits


@dataclass(frozen=True)
class NetworkSymbols:
    """What a network makes of V symbols."""

    read_as: NDArray[np.int32]  # (V,) the network's own symbol of each, ESCAPE for all beyond OWN
    watched: Ints  # (W,) the column of each of the network's W symbols that may be awaited, -1 for the others

    @classmethod
    def of(cls, having: Ints, common: NDArray[np.bool_]) -> NetworkSymbols:
        """By how many sessions have each of V symbols (V,); no other than a `common` one (V,) is awaited.

        With no more than OWN keys every symbol is its own.
        """
        order = np.lexsort((np.arange(len(having)), -having))
        own = np.union1d([BOS, EOS, ESCAPE], order[:OWN])
        read_as = np.full(len(having), ESCAPE, np.int32)
        read_as[own] = np.arange(len(own))
        awaited = np.sort([symbol for symbol in order[:WATCHED] if common[symbol] and having[symbol]])
        watched = np.full(len(own), -1, np.int64)
        watched[read_as[awaited.astype(np.int64)]] = np.arange(len(awaited))
        return cls(read_as, watched)

    @property
    def awaited(self) -> int:
        """How many symbols are watched."""
        return int(self.watched.max(initial=-1)) + 1

    @property
    def together(self) -> NDArray[np.bool_]:
        """Which of V symbols are read as ESCAPE, it among them."""
        return self.read_as == ESCAPE

    def shares(self, events: Ints) -> Floats:
        """What each symbol has of the chance of the network's symbol that it is read as, where it came so often: (V,), (V,).

        All of it where that is its own.
        """
        several = self.together
        return np.where(several, events / max(1, int(events[several].sum())), 1.0)
