"""A day's counts against the version's rates: the stage "rate_findings"."""

from __future__ import annotations

import calendar

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.detection.rate_words import rate_anomaly
from deeplog_ops.detection.rates import RateFinding, rate_findings, with_silent
from deeplog_ops.models.rate_baseline import RateBaseline
from deeplog_ops.models.rate_bins import DayBins
from deeplog_ops.records import Anomaly
from deeplog_ops.steps.assign_keys import version_catalogue
from deeplog_ops.steps.fit_rates import PART
from deeplog_ops.steps.rate_counts import counted, days_of
from deeplog_ops.steps.rate_lines import lines_of
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.stage_rows import anomaly_table
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.templates.catalogue import Catalogue

TOLD = 5  # findings that a message names
MOST = 2000  # findings of a day that are kept, the oddest; a day with more has one cause


def score_rates(place: Workplace, run_id: int) -> int:
    """Write the stage "rate_findings"; how many there are. Without a version, or without its rates, there are none.

    What cannot be counted against the budget is told in the stage's message, as an opinion, and is no anomaly: all of a
    day that warms up, and of rates that do (from fewer days than a week) what training never saw on a weekday that it
    never saw.
    """
    opened = OpenRun.of(place, run_id)
    with stage(opened, "score_rates") as record, writer(opened, "rate_findings", record.attempt) as out:
        version, detection = opened.version, opened.source.detection
        part = version.part(PART) if version else None
        found: list[Anomaly] = []
        if not detection.rates.enabled:
            record.message = "rates are not watched"
        elif version is None or part is None:
            record.message = "the model version has no rates: too few training days"
        else:
            judged = not version.warming_up(detection.least_sessions)
            found, record.message = _found(
                opened, RateBaseline.restore(part), version_catalogue(opened), judged
            )
        out.write_batch(anomaly_table(found))
        out.close()
        commit(opened, out)
        record.rows = len(found)
    return record.rows


def warming_up(version: ModelVersion) -> str | None:
    """In words that a version's rates come from too few days; None where they do not, or there are none."""
    part = version.part(PART)
    if part is None or not (baseline := RateBaseline.restore(part)).warming_up:
        return None
    missing = [calendar.day_name[day] for day in range(7) if day not in baseline.weekdays]
    return f"rates are warming up: learnt from {baseline.days} days, without {', '.join(missing)}"


def _found(
    opened: OpenRun, baseline: RateBaseline, catalogue: Catalogue, judged: bool
) -> tuple[list[Anomaly], str]:
    """`judged` is whether the day is: what is odd on a day that warms up is told, and not counted."""
    (bins,) = days_of(opened, baseline.width)
    keys, (counts,) = counted(opened, catalogue, (bins,))
    if not counts.any():
        return [], "no lines of this day to count"
    over = _over(opened, bins, counts)
    keys, counts = with_silent(baseline, keys, counts)
    findings = rate_findings(baseline, keys, counts[:, :over], bins, catalogue.by_id)
    weekday = bins.day.weekday()
    within: list[RateFinding] = []
    told: list[RateFinding] = []
    for found in findings:
        (within if judged and baseline.within_budget(found.key, weekday) else told).append(found)
    message = f"{len(within)} odd rates among {len(keys)} templates"
    if told:
        why = "what training never saw, on a weekday that it never saw" if judged else "the day is warming up"
        message += f"; {len(told)} more are not counted ({why}): " + "; ".join(
            f"{found.kind} of {found.key}, {found.actual:,} from {found.begin:%H:%M} UTC"
            for found in told[:TOLD]
        )
    if over < len(bins):
        message += f"; the day is not over, {over} of {len(bins)} bins are"
    few = baseline.days if baseline.warming_up else None
    return _anomalies(opened, within[:MOST], catalogue, few), message


def _over(opened: OpenRun, bins: DayBins, counts: NDArray[np.int64]) -> int:
    """How many bins are over: all of a day that was when the run began; of another those before its last line, and
    before the run. The clock of the stage plays no part, nor do times of files."""
    passed = opened.run.passed_to
    if passed >= bins.end:
        return len(bins)
    last_with_lines = int(np.flatnonzero(counts.any(axis=0))[-1])
    return min(sum(end <= passed for end in bins.ends), last_with_lines)


def _anomalies(
    opened: OpenRun, findings: list[RateFinding], catalogue: Catalogue, few: int | None
) -> list[Anomaly]:
    assert opened.version is not None
    lines = lines_of(opened, findings, catalogue)
    texts = _texts(opened, {found.key for found in findings})
    return [
        rate_anomaly(
            found,
            text=catalogue.text(found.key) or texts.get(found.key, found.key),
            where=line.where,
            seen=line.seen,
            source_key=opened.source.key,
            day=opened.run.day,
            zone=opened.source.timezone,
            model_version=opened.version.version,
            known=found.key in catalogue.by_id,
            warming_up=few,
        )
        for found, line in zip(findings, lines, strict=True)
    ]


def _texts(opened: OpenRun, keys: set[str]) -> dict[str, str]:
    tables = opened.place.lake.read(opened.partition("catalogue"), columns=["template_id", "text"])
    rows = (row for table in tables for row in table.to_pylist())
    return {row["template_id"]: row["text"] for row in rows if row["template_id"] in keys}
