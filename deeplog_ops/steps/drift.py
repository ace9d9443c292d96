"""Whether a source's champion still fits, by the health of its last days; and whether a training is due for that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from deeplog_ops.db import models as model_rows
from deeplog_ops.detection.drift import DAYS, TRAIN, Advice, advice
from deeplog_ops.records import DayHealth
from deeplog_ops.steps.workplace import Workplace

_NUMBERS = (
    "judged", "unknown_share", "unknown_usual", "alarm_rate", "budget", "p_median", "p_low", "calibration_error",
    "level", "advice",
)  # fmt: skip


@dataclass(frozen=True)
class Drift:
    """What the last scored days of the champion say, the oldest first."""

    version: str | None
    days: tuple[tuple[date, DayHealth], ...]
    advice: Advice

    @property
    def training_is_due(self) -> bool:
        return self.advice.level == TRAIN


def drift(place: Workplace, source_name: str) -> Drift:
    """The health of the last days that the champion scored. Days of other versions say nothing of it."""
    key = place.registered(source_name).key
    champion = model_rows.champion(place.engine, key)
    if champion is None:
        return Drift(None, (), Advice("ok", "There is no model version yet: train one."))
    with place.engine.connect() as connection:
        rows = connection.execute(
            text(
                f"SELECT day, {', '.join(_NUMBERS)} FROM bi.day_health WHERE source_key = :key "
                "AND model_version = :version AND level IS NOT NULL ORDER BY day DESC LIMIT :days"
            ),
            {"key": key, "version": champion, "days": DAYS},
        ).all()
    days = tuple(
        (row.day, DayHealth(**{name: getattr(row, name) for name in _NUMBERS})) for row in reversed(rows)
    )
    return Drift(champion, days, advice([health for _, health in days]))
