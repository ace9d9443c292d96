"""Sessions as a network reads them from end to end: in pieces of LONGEST events, each with what came before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.vocabulary import BOS, EOS

Ints = NDArray[np.int64]
Symbols = NDArray[np.int32]

LONGEST = 512  # places; a longer session is read in several pieces, the later ones from a fresh state
LEAST_WIDTH = 8  # places of a batch
NOTHING = -1  # behind the end of a shorter piece


def with_ends(sessions: Sequence[Symbols]) -> Symbols:
    """The symbols of all sessions, an EOS behind each (E,)."""
    return np.concatenate([np.append(each, EOS) for each in sessions]).astype(np.int32)


@dataclass(frozen=True)
class PieceBatch:
    """B pieces side by side, T places wide."""

    given: Ints  # (B, T) the symbol before each place, BOS before a session's first
    came: Ints  # (B, T) the symbol at each place, EOS at the end of a session, NOTHING behind a piece
    new: NDArray[np.bool_]  # (B, T) whether `given` is the first of its symbol in the session
    before: Ints  # (S,) the distinct symbols before the first `given`, piece after piece
    offsets: Ints  # (B,) where those of each piece begin
    last: Ints  # (B, L) the last place of each symbol watched, counted from the piece's first; below 0 if none comes


@dataclass(frozen=True)
class Pieces:
    """P pieces of N sessions with E places in all: their events and an end each. All in the order of the sessions."""

    session: Ints  # (P,)
    start: Ints  # (P,) place of the session at which it begins
    places: Ints  # (P,) that it has
    first: Ints  # (N,) place of all at which each session begins
    given: Symbols  # (E,)
    came: Symbols  # (E,)
    new: NDArray[np.bool_]  # (E,)
    last: NDArray[np.int32]  # (N, L) the last place of each symbol watched, -1 if it never comes

    @classmethod
    def of(cls, sessions: Sequence[Symbols], watched: Ints) -> Pieces:
        """From symbols of N sessions. `watched` (V,) is the column of `last` that a symbol has, -1 for those without."""
        total = np.array([len(each) + 1 for each in sessions], np.int64)
        first = np.cumsum(total) - total
        row = np.repeat(np.arange(len(sessions)), total)
        came = with_ends(sessions)
        given = np.roll(came, 1)
        given[first] = BOS
        new = np.zeros(len(given), np.bool_)
        new[np.unique(row * len(watched) + given, return_index=True)[1]] = True
        last = np.full((len(sessions), int(watched.max(initial=-1)) + 1), -1, np.int32)
        column = watched[came]
        told = np.flatnonzero(column >= 0)
        last[row[told], column[told]] = told - first[row[told]]  # of several places the last remains
        several = -(-total // LONGEST)
        session = np.repeat(np.arange(len(sessions)), several)
        start = LONGEST * (np.arange(several.sum()) - np.repeat(np.cumsum(several) - several, several))
        places = np.minimum(total[session] - start, LONGEST)
        return cls(session, start, places, first, given, came, new, last)

    def at(self, chosen: Ints, width: int) -> Ints:
        """Where the places of some pieces stand among all (B, width), NOTHING behind the end of a piece."""
        place = np.arange(width)
        at = (self.first[self.session[chosen]] + self.start[chosen])[:, None] + place
        return np.where(place < self.places[chosen][:, None], at, NOTHING)

    def batch(self, chosen: Ints, width: int | None = None) -> PieceBatch:
        """Some pieces (B,), as wide as the longest of them where no width is given."""
        start, session = self.start[chosen], self.session[chosen]
        at = self.at(chosen, width or int(self.places[chosen].max()))
        inside = at != NOTHING
        before = [
            np.unique(self.given[self.first[row] : self.first[row] + since])
            for row, since in zip(session, start, strict=True)
        ]
        return PieceBatch(
            np.where(inside, self.given[at], BOS).astype(np.int64),
            np.where(inside, self.came[at], NOTHING).astype(np.int64),
            self.new[at] & inside,
            np.concatenate(before).astype(np.int64),
            np.cumsum([0, *map(len, before[:-1])]),
            self.last[session].astype(np.int64) - start[:, None],
        )

    def batches(self, chosen: Ints, most: int) -> Iterator[tuple[Ints, int, int]]:
        """Pieces in parts, with the width and the number of rows of each part's full size: `most` places, or one row.

        Both depend on nothing but how long the part's pieces are, to the next power of two.
        """
        width = np.maximum(LEAST_WIDTH, 2 ** np.ceil(np.log2(self.places[chosen])).astype(np.int64))
        for each in np.unique(width):
            rows, alike = max(1, most // int(each)), chosen[width == each]
            for first in range(0, len(alike), rows):
                yield alike[first : first + rows], int(each), rows
