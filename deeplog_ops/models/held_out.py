"""Scores of training sessions by models that did not see them, so that they stand for new normal sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    for fold in range(folds):
        held = sessions_held_out(sequences, counts, folds, fold)
        seen, unseen = np.flatnonzero(counts - held).tolist(), np.flatnonzero(held).tolist()
        if not len(seen) or not len(unseen):
            continue  # only where there are hardly more sessions than folds
        model = fit([sequences[row] for row in seen], (counts - held)[seen].tolist())
        rows.append(unseen)
        scores.append(model.session_scores([sequences[row] for row in unseen]))
        sessions.append(held[unseen])
    return HeldOutScores(
        np.concatenate(rows).astype(np.int64), np.concatenate(scores), np.concatenate(sessions)
    )
