"""How rare a session's rarest value must be: the budget of false alarms, shared out to numbers, names and others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deeplog_ops.config_detection import Values
from deeplog_ops.detection.calibration import Calibration
from deeplog_ops.errors import ModelError

if TYPE_CHECKING:
    from deeplog_ops.models.value_models import NormalScores
    from deeplog_ops.models.value_scoring import Family

# Shares of the budget. Names need little: where new ones are not all but impossible, they are not watched.
SHARES: dict[Family, float] = {"number": 0.75, "name": 0.25}
LONE = 0.25  # of the sessions' false alarms all events without a session together may add


@dataclass(frozen=True)
class ValueCalibration:
    """Sessions' (and lone events') rarest values in training, as the tail of each family.

    `lone` is how many events without a session came for each session. All of them together may add a share of the
    sessions' false alarms, so that a source that writes much outside of sessions is not flooded.
    """

    sessions: Mapping[Family, Calibration]
    events: Mapping[Family, Calibration]
    lone: float

    @classmethod
    def fit(cls, scores: NormalScores, *, sessions: int, events: int) -> ValueCalibration:
        """From the normal scores of a sample, and how many sessions and events without one there were in all."""
        return cls(
            {family: Calibration.fit(found) for family, found in scores.sessions.items() if len(found)},
            {family: Calibration.fit(found) for family, found in scores.events.items() if len(found)},
            events / max(sessions, 1),
        )

    def least(self, settings: Values) -> dict[tuple[Family, bool], float]:
        """The nats from which a value is a finding, by family, and whether its event has a session."""
        found: dict[tuple[Family, bool], float] = {}
        for family, share in SHARES.items():
            for inside in (True, False):
                if settings.bound is not None:  # two ends of an interval share what it leaves out
                    found[family, inside] = float(-np.log((1 - settings.bound) / 2))
                    continue
                budget = settings.false_alarms * share / (1.0 if inside else max(1.0, self.lone / LONE))
                known = (self.sessions if inside else self.events).get(family)
                own = 0.0 if known is None else known.threshold(budget)
                # No value is a rarer one than its own model says, however quiet training was.
                found[family, inside] = max(own, float(-np.log(budget))) if family == "name" else own
                if known is None:
                    found[family, inside] = float(-np.log(budget))
        return found

    def p_value(self, family: Family, inside: bool, nats: float) -> float:
        """The share of normal sessions (of events without one) with a value as rare."""
        known = (self.sessions if inside else self.events).get(family)
        own = float(np.exp(-nats))
        if known is None:
            return own
        measured = float(known.p_value(np.array([nats]))[0])
        return max(measured, own) if family == "name" else measured

    def to_dict(self) -> dict[str, Any]:
        return {
            "lone": self.lone,
            "sessions": {family: found.to_dict() for family, found in self.sessions.items()},
            "events": {family: found.to_dict() for family, found in self.events.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ValueCalibration:
        try:
            return cls(
                {family: Calibration.from_dict(found) for family, found in data["sessions"].items()},
                {family: Calibration.from_dict(found) for family, found in data["events"].items()},
                float(data["lone"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"this is no calibration of values: {error!r}") from error
