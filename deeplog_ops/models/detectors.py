"""The detectors of sessions by name: what `sequences evaluate` compares, and what a source can enable.

A new one is a file of its own behind `contract.py`, and a line here. Nothing is imported before it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from deeplog_ops.config import KeyModelSettings

if TYPE_CHECKING:
    from deeplog_ops.models.classic.count_vectors import CountTable
    from deeplog_ops.models.classic.model import CountScore, MakeScore
    from deeplog_ops.models.contract import Fit, SessionModel


@dataclass(frozen=True)
class Margin:
    """A threshold from the `largest` share of the scores, with `confidence` that the budget holds: for `Tail.fit`."""

    largest: float
    confidence: float


@dataclass(frozen=True)
class Detector:
    """`fit_with` gives a `contract.Fit` for settings; of these, detectors without a network take the seed alone.

    `least_scale` is the smallest step of its scores that means anything, for `Calibration.fit`: surprises in
    nats have 1. One with a `margin` has its threshold by that instead. `seeded` ones differ from seed to seed.
    """

    fit_with: Callable[[KeyModelSettings], Fit]
    least_scale: float = 1.0
    seeded: bool = False
    margin: Margin | None = None


def _key_lstm(settings: KeyModelSettings) -> Fit:
    def fit(sequences: Sequence[Sequence[str]], weights: Sequence[int]) -> SessionModel:
        from deeplog_ops.models.key_folds import KeyModelFolds

        return KeyModelFolds.fit(sequences, weights, settings)

    return fit


def _key_progress(settings: KeyModelSettings) -> Fit:
    def fit(sequences: Sequence[Sequence[str]], weights: Sequence[int]) -> SessionModel:
        from deeplog_ops.models.count_distance import CountDistance
        from deeplog_ops.models.progress_model import ProgressModel

        return ProgressModel.fit(sequences, weights, CountDistance.fit(sequences, weights).free)

    return fit


def _count_distance(settings: KeyModelSettings) -> Fit:
    def fit(sequences: Sequence[Sequence[str]], weights: Sequence[int]) -> SessionModel:
        from deeplog_ops.models.count_distance import CountDistance

        return CountDistance.fit(sequences, weights)

    return fit


def _classic(make: MakeScore) -> Callable[[KeyModelSettings], Fit]:
    def fit_with(settings: KeyModelSettings) -> Fit:
        def fit(sequences: Sequence[Sequence[str]], weights: Sequence[int]) -> SessionModel:
            from deeplog_ops.models.classic.model import ClassicModel

            return ClassicModel.fit(make, sequences, weights, settings.seed)

        return fit

    return fit_with


def _named(name: str) -> MakeScore:
    """The function `name` of the file `classic/name.py`."""

    def make(table: CountTable, seed: int) -> CountScore:
        made: CountScore = getattr(import_module(f"deeplog_ops.models.classic.{name}"), name)(table, seed)
        return made

    return make


CLASSIC: Mapping[str, MakeScore] = {
    name: _named(name)
    for name in ("pca", "isolation_forest", "lof", "one_class_svm", "log_clustering", "invariants")
}
DETECTORS: Mapping[str, Detector] = {
    # Of the tails that keep false alarms of normal sessions within twice the budget, the one that finds most mutated ones.
    "key_lstm": Detector(_key_lstm, seeded=True, margin=Margin(largest=0.2, confidence=0.99)),
    "key_progress": Detector(_key_progress),
    "count_distance": Detector(_count_distance),
    "pca": Detector(_classic(CLASSIC["pca"]), least_scale=0.1),
    "isolation_forest": Detector(_classic(CLASSIC["isolation_forest"]), least_scale=0.02, seeded=True),
    "lof": Detector(_classic(CLASSIC["lof"]), least_scale=0.05),
    "one_class_svm": Detector(_classic(CLASSIC["one_class_svm"]), least_scale=0.1),
    "log_clustering": Detector(_classic(CLASSIC["log_clustering"]), least_scale=0.05),
    "invariants": Detector(_classic(CLASSIC["invariants"])),
}
