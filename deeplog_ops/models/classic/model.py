"""A classic detector, fitted: a table of count vectors and the score that was made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.errors import ModelError
from deeplog_ops.models.classic.count_vectors import CELLS, Counts, CountTable, Floats

CountScore = Callable[[Counts], Floats]
"""Distinct vectors (N, V + 1) to scores (N,), larger where more anomalous; a vector's does not depend on the others."""

MakeScore = Callable[[CountTable, int], CountScore]
"""Learns from a table, with a seed. Equal input gives equal scores."""


@dataclass(frozen=True)
class ClassicModel:
    """A `contract.SessionModel`. It is kept as what it learnt from, which is small, and learnt again when restored:
    so no estimator is ever written to a file that could hold code."""

    table: CountTable
    seed: int
    score: CountScore

    @classmethod
    def fit(
        cls,
        make: MakeScore,
        sequences: Sequence[Sequence[str]],
        weights: Sequence[int] | None = None,
        seed: int = 0,
    ) -> ClassicModel:
        """Learn from N sequences, sequence i standing for weights[i] sessions."""
        table = CountTable.of(sequences, weights)
        return cls(table, seed, make(table, seed))

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """One score a sequence (N,); identical vectors are scored once."""
        found = np.empty(len(sequences))
        rows = max(1, CELLS // self.table.counts.shape[1])
        for first in range(0, len(sequences), rows):
            counts = self.table.count(sequences[first : first + rows])
            distinct, place = np.unique(counts, axis=0, return_inverse=True)
            found[first : first + rows] = self.score(distinct)[place.reshape(-1)]
        return found

    def to_dict(self) -> dict[str, Any]:
        """All that `restore` needs, as plain data."""
        return {"seed": self.seed, "table": self.table.to_dict()}

    @classmethod
    def restore(cls, make: MakeScore, data: Mapping[str, Any]) -> ClassicModel:
        """The same model, learnt again. ModelError where the data is none of `to_dict`."""
        try:
            seed, described = int(data["seed"]), data["table"]
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"a classic detector's description cannot be used: {error!r}") from error
        table = CountTable.from_dict(described)
        return cls(table, seed, make(table, seed))


def row_by_row(score: Callable[[Floats], float], vectors: Floats) -> Floats:
    """Each row alone: products of whole matrices round differently with the number of their rows."""
    return np.array([score(row) for row in vectors], float)
