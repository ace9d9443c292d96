"""Configuration of what is an anomaly: the budgets of false alarms, and the evidence each part gives."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from deeplog_ops.config_types import Duration, Stage

Level = Literal["trace", "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


class Values(Stage):
    """Parameter value models: numbers, times between events, and categories of one template."""

    enabled: bool = Field(default=True, description="false: values are not watched")
    false_alarms: float = Field(
        default=0.0005, gt=0, lt=1, description="share of normal sessions that may be flagged for a value"
    )
    bound: float | None = Field(
        default=None,
        gt=0.5,
        lt=1,
        description="instead of the budget: a fixed interval of the errors, such as 0.98, 0.99 or 0.999",
    )
    history: int = Field(
        default=10, ge=1, le=100, description="vectors before it that a vector is predicted from"
    )
    least_events: int = Field(
        default=400, ge=10, description="a template with fewer in training is watched by quantiles alone"
    )
    epochs: int = Field(default=30, ge=1, description="of the value model, at most so many")
    hidden: int = Field(default=32, ge=1, description="width of the value model")


class Rates(Stage):
    """How often each template comes, against the baseline of its hour and weekday."""

    enabled: bool = Field(default=True, description="false: rates are not watched")
    false_alarms_per_day: float = Field(
        default=0.02,
        gt=0,
        description="alarms for a rate on a normal day, on average: 0.02 is one in 50 days",
    )
    bin: Duration = Field(default=timedelta(hours=1), description="counts are taken over so long")
    least_days: int = Field(default=3, ge=2, description="with fewer training days rates are not judged")

    @field_validator("bin")
    @classmethod
    def _divides_a_day(cls, value: timedelta) -> timedelta:
        day = timedelta(days=1)
        if not timedelta(minutes=5) <= value <= day or day % value:
            raise ValueError(
                "a bin takes 5m at least and divides a day evenly: 5m, 10m, 15m, 30m, 1h, 6h, 24h"
            )
        return value


class Rule(Stage):
    """What is bad whatever training says: all the conditions given must hold for one record."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="shown in the tables; unique")
    reason: str = Field(min_length=1, description="shown with the anomaly: why this is bad, what to do")
    pattern: str | None = Field(default=None, description="a regular expression, searched in the message")
    words: tuple[str, ...] = Field(default=(), description="any of these words, in any case, in the message")
    level: Level | None = Field(default=None, description="this level or a worse one")
    component: str | None = Field(default=None, description="a regular expression for the whole component")
    unless: str | None = Field(
        default=None, description="a regular expression: records that have it are fine"
    )
    severity: int = Field(default=70, ge=0, le=100, description="of an incident of it, 0 to 100")
    at_least: int = Field(
        default=1, ge=1, description="so many records in one session, or on one day without one"
    )

    @field_validator("pattern", "component", "unless")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _says_something(self) -> Rule:
        if not (self.pattern or self.words or self.level or self.component):
            raise ValueError("a rule needs at least one of pattern, words, level and component")
        return self


class Detection(Stage):
    """Verdicts: how many false alarms the source accepts."""

    false_alarms: float = Field(
        default=0.001, gt=0, lt=1, description="share of normal sessions that may be flagged"
    )
    expected_keys: int = Field(
        default=5, ge=1, le=50, description="how many expected keys are kept for a miss"
    )
    least_sessions: int = Field(
        default=30, ge=1, description="with fewer training sessions a day is warming up"
    )
    enable: tuple[str, ...] = Field(
        default=(),
        description="detectors that give alarms of their own; the others record an opinion: "
        "`deeplog-ops sequences evaluate` compares them",
    )
    values: Values = Values()
    rates: Rates = Rates()
    rules: tuple[Rule, ...] = Field(default=(), description="what is bad whatever training says")
    rules_files: tuple[str, ...] = Field(
        default=(),
        description="YAML files with more rules, beside the source's file or by absolute path; "
        "`shipped`: those that come with the program. docs/rules.md",
    )

    @field_validator("rules_files", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("rules")
    @classmethod
    def _names_once(cls, value: tuple[Rule, ...]) -> tuple[Rule, ...]:
        names = [rule.name for rule in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"a rule's name is its own, but {', '.join(twice)} comes twice")
        return value
