"""Every distinct (history → next) window of many sequences, found exactly, without a loop over events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.vocabulary import BOS, EOS

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class KeyWindows:
    """The distinct windows of N sequences with E places (their events, and one end each).

    Rows are in the order of their symbols, so they do not depend on the order of the sequences.
    """

    windows: NDArray[np.int32]  # (U, history + 1): the history, then the symbol that came
    place: Ints  # (E,): which window stands at each place, sequence after sequence
    starts: Ints  # (N + 1,): sequence i has the places starts[i] .. starts[i + 1]

    @property
    def histories(self) -> NDArray[np.int32]:
        return self.windows[:, :-1]

    @property
    def targets(self) -> NDArray[np.int32]:
        return self.windows[:, -1]

    def summed(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """How often each window occurs when sequence i occurs weights[i] times. (N,) → (U,)"""
        per_place = np.repeat(weights, np.diff(self.starts))
        return np.bincount(self.place, per_place, minlength=len(self.windows)).astype(np.float64)


def distinct_windows(sequences: Sequence[NDArray[np.int32]], history: int) -> KeyWindows:
    """Slide over each sequence, padded with `history` BOS in front and one EOS behind."""
    lengths = np.array([len(sequence) + 1 for sequence in sequences], np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    if not len(sequences):
        return KeyWindows(np.empty((0, history + 1), np.int32), np.empty(0, np.int64), starts)
    before, after = np.full(history, BOS, np.int32), np.array([EOS], np.int32)
    symbols = np.concatenate([part for sequence in sequences for part in (before, sequence, after)])
    # A window starts `history` symbols before its target; a sequence's padding shifts all after it.
    first = np.arange(starts[-1]) + history * np.repeat(np.arange(len(lengths)), lengths)
    names = _name_runs(symbols, history + 1)[first]
    _, example, place = np.unique(names, return_index=True, return_inverse=True)
    rows = np.lib.stride_tricks.sliding_window_view(symbols, history + 1)[first[example]]
    return KeyWindows(rows.astype(np.int32), place.astype(np.int64), starts.astype(np.int64))


def _name_runs(symbols: NDArray[np.int32], length: int) -> Ints:
    """A number for the run of `length` symbols at each position: equal runs, and only they, share it.

    Runs of twice the length are pairs of runs, as in the doubling of Manber and Myers (1993), so sorting
    touches one integer a position and never whole rows. Numbers grow with the runs in their order.
    """
    names, width = symbols.astype(np.int64), 1
    while width < length:
        step = min(width, length - width)  # the last step may overlap: still exact
        pairs = names[:-step] * (int(names.max()) + 1) + names[step:]
        names = np.unique(pairs, return_inverse=True)[1]
        width += step
    return names
