"""Rates of a training: how often each template comes, by the clock and the weekday."""

from __future__ import annotations

from datetime import timedelta

from deeplog_ops.db.feedback_findings import said_rates
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.models.rate_bins import DAY, RateCounts
from deeplog_ops.steps.rate_counts import counted, days_of
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.steps.vouched_rates import with_normal_rates
from deeplog_ops.templates.catalogue import Catalogue

PART = "rates"


def fit_rates(opened: OpenRun, catalogue: Catalogue) -> ModelPart | None:
    """The part "rates" of a version, from the stage "events" of a training with its catalogue.

    None where rates are not watched, or fewer than `detection.rates.least_days` days have lines. Where no line has a
    time, whole days are counted. What people called normal is let pass.
    """
    settings = opened.source.detection.rates
    if not settings.enabled:
        return None
    counts = _counts(opened, catalogue, settings.bin)
    if not counts.keys and settings.bin < DAY:
        settings = settings.model_copy(update={"bin": DAY})
        counts = _counts(opened, catalogue, DAY)
    baseline = RateBaseline.fit(counts, settings)
    if baseline is None:
        return None
    said = said_rates(opened.place.engine, opened.source.key, normal=True)
    return with_normal_rates(baseline.to_part(), said, opened.source.reading.zone, catalogue.resolve)


def _counts(opened: OpenRun, catalogue: Catalogue, width: timedelta) -> RateCounts:
    days = days_of(opened, width)
    keys, tables = counted(opened, catalogue, days)
    return RateCounts.of(keys, days, tables)
