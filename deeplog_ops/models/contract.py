"""What every model of sessions offers: a new one is one more file, and one more line in the shared checks.

Scores are numbers with a direction: larger is more anomalous. What is anomalous is decided in `detection`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class SessionModel(Protocol):
    """A fitted model that gives each session's keys one score."""

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """One score a sequence (N,), larger where more anomalous; any key and any length is accepted."""
        ...


Fit = Callable[[Sequence[Sequence[str]], Sequence[int]], SessionModel]
"""Fits a model to sequences, sequence i standing for so many sessions. Equal input gives equal scores."""
