"""A detector of sessions on its own: the default verdict, and the key model that says what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.config import Detection, KeyModelSettings
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.errors import ModelError
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.training_loop import Progress
from deeplog_ops.models.vocabulary import Vocabulary

_KEY_MODEL = "key_model"


@dataclass(frozen=True)
class SessionDetector:
    """What `sequences train` makes. The verdict is the evidence's; the key model explains it, and is no part of it."""

    evidence: SessionEvidence
    key_model: KeyModel
    least_sessions: int

    @classmethod
    def fit(
        cls,
        sequences: Sequence[Sequence[str]],
        weights: Sequence[int] | None = None,
        settings: KeyModelSettings | None = None,
        detection: Detection | None = None,
        progress: Progress | None = None,
    ) -> SessionDetector:
        """From N normal sequences, sequence i standing for weights[i] sessions (default 1). ModelError without any."""
        detection = detection or Detection()
        evidence = SessionEvidence.fit(sequences, weights, budget=detection.false_alarms)
        model, _ = KeyModel.fit(sequences, weights, settings, progress=progress)
        return cls(evidence, model, detection.least_sessions)

    @property
    def training_sessions(self) -> int:
        return self.evidence.sessions

    @property
    def warming_up(self) -> bool:
        """Too few sessions to say what is rare."""
        return self.evidence.sessions < self.least_sessions

    def p_values(
        self, sequences: Sequence[Sequence[str]], budget: float | None = None
    ) -> NDArray[np.float64]:
        """The share of normal sessions at least as anomalous as each sequence (N,); small is anomalous, and the budget or
        less is what `flag` flags."""
        return self.evidence.judge(sequences, budget).p_value

    def flag(self, sequences: Sequence[Sequence[str]], budget: float | None = None) -> NDArray[np.bool_]:
        """Which sequences are anomalous (N,), for the training's budget of false alarms or another."""
        return self.evidence.judge(sequences, budget).strength >= 1

    def to_dict(self) -> dict[str, Any]:
        """All but the arrays, as plain data."""
        parts = {name: dict(part.data) for name, part in self.evidence.to_parts().items()}
        model = {"vocabulary": self.key_model.vocabulary.to_dict(), **self.key_model.to_dict()}
        return {"least_sessions": self.least_sessions, "evidence": parts, _KEY_MODEL: model}

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All arrays by name, for safetensors."""
        found: dict[str, NDArray[np.generic]] = {
            f"{name}/{array}": value
            for name, part in self.evidence.to_parts().items()
            for array, value in part.arrays.items()
        }
        return found | {f"{_KEY_MODEL}/{name}": value for name, value in self.key_model.weights().items()}

    @classmethod
    def restore(cls, data: Mapping[str, Any], arrays: Mapping[str, NDArray[np.generic]]) -> SessionDetector:
        """From `to_dict` and `arrays`. ModelError where they do not fit together."""
        try:
            parts = {
                name: ModelPart(part, _below(arrays, f"{name}/")) for name, part in data["evidence"].items()
            }
            description = data[_KEY_MODEL]
            model = KeyModel.restore(
                Vocabulary.from_dict(description["vocabulary"]),
                description,
                {name: value.astype(np.float32) for name, value in _below(arrays, f"{_KEY_MODEL}/").items()},
            )
            return cls(SessionEvidence.restore(parts), model, int(data["least_sessions"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"this is no detector of sessions: {error!r}") from error


def _below(arrays: Mapping[str, NDArray[np.generic]], prefix: str) -> dict[str, NDArray[np.generic]]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
