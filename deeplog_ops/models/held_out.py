"""Scores of training sessions by models that did not see them, so that they stand for new normal sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.errors import ModelError
from deeplog_ops.models.contract import Fit
from deeplog_ops.models.session_split import sessions_held_out

FOLDS = 3


@dataclass(frozen=True)
class HeldOutScores:
    """One row a sequence and fold: `sessions` of that sequence were held out together, with that score."""

    sequence: NDArray[np.int64]  # (M,) index into the sequences given
    score: NDArray[np.float64]  # (M,)
    sessions: NDArray[np.int64]  # (M,)


@runtime_checkable
class HoldsOut(Protocol):
    """A model that was fitted fold by fold, and so has scores of the sessions it was fitted to as if they were new."""

    @property
    def held_out(self) -> HeldOutScores:
        """Of the distinct sequences of training, sorted."""
        ...

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """As of any `contract.SessionModel`."""
        ...


@dataclass(frozen=True)
class Fold:
    """Which sequences to learn from and which to score, and how many sessions of each. Some may be in both."""

    seen: NDArray[np.int64]
    seen_sessions: NDArray[np.int64]
    held: NDArray[np.int64]
    held_sessions: NDArray[np.int64]


def folds_of(
    sequences: Sequence[Sequence[str]], counts: NDArray[np.int64], folds: int = FOLDS
) -> Iterator[Fold]:
    """Every session is held out once. `sequences` must be distinct.

    A fold that holds nothing out, or everything, is left out: that is where there are hardly more sessions than folds. Where
    all of several sequences happen to fall into one fold, every other one is held out instead.
    """
    shares = [sessions_held_out(sequences, counts, folds, fold) for fold in range(folds)]
    if len(sequences) > 1 and any((held == counts).all() for held in shares):
        turn = np.arange(len(sequences)) % 2
        shares = [np.where(turn == fold, counts, 0) for fold in range(2)]
    for held in shares:
        seen = counts - held
        if held.any() and seen.any():
            yield Fold(np.flatnonzero(seen), seen[seen > 0], np.flatnonzero(held), held[held > 0])


def held_out_scores(
    sequences: Sequence[Sequence[str]], weights: Sequence[int], fit: Fit, folds: int = FOLDS
) -> HeldOutScores:
    """Fit once a fold, on the sessions of the others, and score those of the fold.

    Three folds cost three fits of two thirds of the sessions each: seconds for a key model, thanks to
    distinct windows. A single held-out share would cost one, but leave a share of a short history to
    estimate a tail from. Every session is scored exactly once. `sequences` must be distinct.

    ModelError with fewer than two sessions, which cannot be held out in turn.
    """
    counts = np.asarray(weights, np.int64)
    if counts.sum() < 2:
        raise ModelError(f"{int(counts.sum())} sessions cannot be held out in turn: 2 or more are needed")
    rows, scores, sessions = [], [], []
    for fold in folds_of(sequences, counts, folds):
        model = fit([sequences[row] for row in fold.seen], fold.seen_sessions.tolist())
        rows.append(fold.held)
        scores.append(model.session_scores([sequences[row] for row in fold.held]))
        sessions.append(fold.held_sessions)
    return HeldOutScores(
        np.concatenate(rows).astype(np.int64), np.concatenate(scores), np.concatenate(sessions)
    )
