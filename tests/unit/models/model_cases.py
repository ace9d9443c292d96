"""The models that the shared checks run through: a new model is one more line in CASES."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.models.classic.model import ClassicModel, MakeScore
from deeplog_ops.models.contract import Fit
from deeplog_ops.models.count_distance import CountDistance
from deeplog_ops.models.detectors import CLASSIC, DETECTORS
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.progress_model import ProgressModel

SMALL = KeyModelSettings(epochs=12, hidden=16, embedding=8, device="cpu", seed=7)


def fit_key_model(sequences: Any, weights: Any) -> KeyModel:
    return KeyModel.fit(sequences, weights, SMALL)[0]


def restore_key_model(model: Any) -> KeyModel:
    return KeyModel.restore(model.vocabulary, model.to_dict(), model.weights())


@dataclass(frozen=True)
class ModelCase:
    name: str
    fit: Fit
    restore: Callable[[Any], Any] | None
    sees_order: bool = True


def classic(name: str, make: MakeScore) -> ModelCase:
    return ModelCase(
        name,
        lambda sequences, weights: ClassicModel.fit(make, sequences, weights, 7),
        lambda model: ClassicModel.restore(make, json.loads(json.dumps(model.to_dict()))),
        sees_order=False,
    )


CASES = [
    ModelCase("key_model", fit_key_model, restore_key_model),
    ModelCase(
        "key_lstm",
        DETECTORS["key_lstm"].fit_with(SMALL),
        restore=None,  # it judges what it was fitted for, and is kept nowhere
    ),
    ModelCase(
        "key_progress",
        DETECTORS["key_progress"].fit_with(SMALL),
        lambda model: ProgressModel.restore(model.to_part()),
    ),
    ModelCase(
        "count_distance",
        DETECTORS["count_distance"].fit_with(SMALL),
        lambda model: CountDistance.restore(model.to_part()),
        sees_order=False,
    ),
    *(classic(name, make) for name, make in CLASSIC.items()),
]

# A session opens, writes twice or thrice with or without a check between, and closes.
SEQUENCES = [
    ("open", "write", "write", "close"),
    ("open", "write", "check", "write", "close"),
    ("open", "write", "write", "write", "close"),
    ("open", "write", "check", "write", "write", "close"),
]
WEIGHTS = [40, 30, 20, 10]


@lru_cache
def fitted(case: ModelCase) -> Any:
    """Fitted once for all tests that only read it."""
    return case.fit(SEQUENCES, WEIGHTS)
