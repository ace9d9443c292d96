"""How rarely a normal session shows a key so surprising: a surprise in nats, made comparable from key to key.

A network's likelihood is sure of more than its training can show. Keys that come anywhere surprise it by 12 nats in one
normal session of a thousand, while the end of a session never does. So a surprise is rated by the share of normal
sessions, to networks that did not see them, that have that key at least as surprising: the share above START, counted,
and an exponential tail beyond. A key that few sessions have is rare whatever its surprise, as the share counts all sessions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

START = 4.0  # nats; a smaller surprise is nothing to rate, and from here on the tails are about exponential
PRIOR = 5.0  # the prior scale of one nat counts as so many sessions
UNSEEN = 0.5  # sessions above START that every key is given beforehand
RARE = 0.001  # a key that no larger share of training sessions has is as good as new


@dataclass(frozen=True)
class Events:
    """Surprises of E events, ends of sessions among them."""

    row: Ints  # (E,) which sequence
    symbol: Ints  # (E,)
    surprise: Floats  # (E,) nats

    @classmethod
    def none(cls) -> Events:
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))

    def worst_by_key(self) -> Events:
        """Of each symbol in each sequence the most surprising one."""
        width = int(self.symbol.max(initial=0)) + 1
        pairs, place = np.unique(self.row * width + self.symbol, return_inverse=True)
        worst = np.zeros(len(pairs))
        np.maximum.at(worst, place.reshape(-1), self.surprise)
        return Events(pairs // width, pairs % width, worst)

    def with_events(self, others: Events, rows: int = 0) -> Events:
        """With events more: of the same sequences, or of further ones that stand behind `rows` that are here."""
        return Events(
            np.append(self.row, others.row + rows),
            np.append(self.symbol, others.symbol),
            np.append(self.surprise, others.surprise),
        )


@dataclass(frozen=True)
class KeyRates:
    """Of each symbol, how many held-out sessions have it above START, and how far above in all."""

    sessions: int
    above: Floats  # (V,) sessions
    excess: Floats  # (V,) nats, summed over these

    @classmethod
    def of(cls, worst: Events, weights: Ints, sessions: int, common: NDArray[np.bool_]) -> KeyRates:
        """From the `worst_by_key` of what was held out, event i standing for weights[i] of the `sessions` in all.

        `common` (V,) says which symbols count; the others are rated as if no session had them.
        """
        high = (worst.surprise >= START) & common[worst.symbol]
        symbol, beyond = worst.symbol[high], worst.surprise[high] - START
        each = weights[high].astype(float)
        above, excess = (np.bincount(symbol, of, len(common)) for of in (each, each * beyond))
        return cls(sessions, above.astype(float), excess.astype(float))

    def rarity(self, symbol: Ints, surprise: Floats, *, left_out: bool = False) -> Floats:
        """How rarely a normal session has these symbols so surprising, in nats: (E,), (E,) → (E,).

        It grows with the surprise. With `left_out` each is one of those counted, and rated by the others.
        """
        beyond = np.maximum(surprise - START, 0.0)
        above, excess = self.above[symbol], self.excess[symbol]
        if left_out:
            counted = (surprise >= START) & (above > 0)
            above, excess = above - counted, excess - np.where(counted, beyond, 0.0)
        at_start = -np.log((above + UNSEEN) / (self.sessions + 2 * UNSEEN))
        scale = (PRIOR + excess) / (PRIOR + above)
        found: Floats = at_start * np.minimum(surprise / START, 1.0) + beyond / scale
        return found
