"""The verdict by the key model alone: a likelihood of the next key, calibrated on training sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.config import Detection, KeyModelSettings
from deeplog_ops.detection.calibration import Calibration
from deeplog_ops.errors import ModelError
from deeplog_ops.models.held_out import held_out_scores
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.key_training import Progress
from deeplog_ops.models.vocabulary import Vocabulary


@dataclass(frozen=True)
class LikelihoodDetector:
    """Flags sessions whose p-value is at most the budget; small is anomalous."""

    key_model: KeyModel
    calibration: Calibration
    detection: Detection

    @classmethod
    def fit(
        cls,
        sequences: Sequence[Sequence[str]],
        weights: Sequence[int] | None,
        settings: KeyModelSettings,
        detection: Detection,
        progress: Progress | None = None,
    ) -> LikelihoodDetector:
        """Learn from N sequences, sequence i standing for weights[i] sessions. `progress` follows the last fit.

        ModelError with fewer than two sessions.
        """
        total: Counter[tuple[str, ...]] = Counter()
        for number, keys in enumerate(sequences):
            total[tuple(keys)] += 1 if weights is None else weights[number]
        if total.total() < 2:
            raise ModelError(f"{total.total()} training sessions: there must be 2 or more to calibrate with")
        distinct = sorted(total)
        counts = [total[keys] for keys in distinct]
        held_out = held_out_scores(distinct, counts, lambda some, each: KeyModel.fit(some, each, settings)[0])
        model, _ = KeyModel.fit(distinct, counts, settings, progress=progress)
        return cls(model, Calibration.fit(held_out.score, held_out.sessions), detection)

    @property
    def training_sessions(self) -> int:
        return self.calibration.sessions

    @cached_property
    def warming_up(self) -> bool:
        """Too few training sessions to promise a rate of false alarms."""
        return self.calibration.warming_up(self.detection.least_sessions)

    def p_values(self, sequences: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """The share of normal sessions expected to be as surprising as each of N (N,)."""
        return self.calibration.p_value(self.key_model.session_scores(sequences))

    def flag(self, sequences: Sequence[Sequence[str]], budget: float | None = None) -> NDArray[np.bool_]:
        """Which of N sessions are anomalous (N,), by default for the budget of the training."""
        flagged: NDArray[np.bool_] = self.p_values(sequences) <= (budget or self.detection.false_alarms)
        return flagged

    def to_dict(self) -> dict[str, Any]:
        """All that `restore` needs besides the arrays, as plain data."""
        return {
            "key_model": self.key_model.to_dict(),
            "vocabulary": self.key_model.vocabulary.to_dict(),
            "calibration": self.calibration.to_dict(),
            "detection": self.detection.model_dump(mode="json"),
        }

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        return self.key_model.weights()

    @classmethod
    def restore(
        cls, data: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float32]]
    ) -> LikelihoodDetector:
        """From its parts. ModelError names what does not fit."""
        return cls(
            KeyModel.restore(Vocabulary.from_dict(data["vocabulary"]), data["key_model"], arrays),
            Calibration.from_dict(data["calibration"]),
            Detection.model_validate(data["detection"]),
        )
