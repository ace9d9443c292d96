"""A day's results into Postgres, in one transaction: readers see the old day or the new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from deeplog_ops.db import ledger
from deeplog_ops.db.publish import DayResult, publish_day
from deeplog_ops.records import Anomaly, DayState
from deeplog_ops.schemas import STAGES
from deeplog_ops.steps import stage_rows as rows
from deeplog_ops.steps.score_rates import warming_up
from deeplog_ops.steps.stage import OpenRun, stage
from deeplog_ops.steps.workplace import Workplace


@dataclass(frozen=True)
class Published:
    state: DayState
    reason: str | None
    events: int
    sessions_judged: int
    anomalies: int


def publish(place: Workplace, run_id: int) -> Published:
    """Replace the day's rows by this run's and make it the day's live run."""
    opened = OpenRun.of(place, run_id)
    with stage(opened, "publish") as record:
        read = place.lake.read
        templates = pa.concat_tables(read(opened.partition("catalogue"))).to_pylist()
        judged, still_open = _session_counts(opened)
        files = [file for file in ledger.run_files(place.engine, run_id) if file.duplicate_of is None]
        events = sum(row["events"] for row in templates)
        quarantined = sum(entry.account.quarantined for entry in ledger.run_accounts(place.engine, run_id))
        state, reason = _state(opened, _absence(len(files), events, quarantined), judged)
        found = opened.partition("anomalies").rows
        if state is DayState.NOT_SCORED:
            ledger.leave_unscored(place.engine, opened.run, reason or "")
        else:
            publish_day(
                place.engine,
                DayResult(
                    run=opened.run,
                    state=state,
                    reason=reason,
                    events=events,
                    sessions_judged=judged,
                    sessions_open=still_open,
                    quarantined=quarantined,
                    anomalies_total=found,
                    anomalies=_worst(opened),
                    lines=(
                        line
                        for table in read(opened.partition("anomaly_lines"), rows=rows.AT_ONCE)
                        for line in rows.anomaly_lines(table)
                    ),
                    template_counts=[
                        (row["template_id"], row["events"]) for row in templates if row["events"]
                    ],
                    templates=[rows.template(row) for row in templates],
                    incidents=rows.incidents(_given(opened, "incidents"), opened.run),
                    health=rows.health(_given(opened, "day_health")),
                    opinions=rows.opinions(_given(opened, "opinions")),
                ),
            )
        record.rows = found
        record.message = f"{state}: {events} events, {judged} sessions judged, {found} anomalies"
    if state is not DayState.NOT_SCORED:
        ledger.finish_run(place.engine, run_id, "done")
    return Published(state, reason, events, judged, found)


def _worst(opened: OpenRun) -> Iterator[Anomaly]:
    """The anomalies that are published, some at a time; the others are read too, which finds a damaged file."""
    left = opened.source.publish.anomalies
    for table in opened.place.lake.read(opened.partition("anomalies"), rows=rows.AT_ONCE):
        yield from rows.anomalies(table.slice(0, left), opened.run)
        left = max(0, left - table.num_rows)


def _given(opened: OpenRun, name: str) -> pa.Table:
    """A stage that only some runs have; without rows where this one has none."""
    parts = [STAGES[name].empty_table()]
    if name in ledger.committed_stages(opened.place.engine, opened.run.run_id):
        parts += opened.place.lake.read(opened.partition(name))
    return pa.concat_tables(parts)


def _session_counts(opened: OpenRun) -> tuple[int, int]:
    judged = still_open = 0
    for table in opened.place.lake.read(opened.partition("sessions"), columns=["judged", "open"]):
        judged += sum(table["judged"].to_pylist())
        still_open += sum(table["open"].to_pylist())
    return judged, still_open


def _absence(files: int, events: int, quarantined: int) -> str | None:
    """Why a day has no lines of its own; None where it has some."""
    if events:
        return None
    if not files:
        return "no raw files touch the day"
    unread = f"; {quarantined:,} lines could not be read and are in the quarantine" if quarantined else ""
    return f"there are no lines of this day{unread}"


def _state(opened: OpenRun, absent: str | None, judged: int) -> tuple[DayState, str | None]:
    """No lines, no model and no anomalies are three different things.

    A day without lines of its own is still scored where sessions of the day before closed on it.
    """
    if absent and not judged:
        return DayState.NOT_SCORED, absent
    version = opened.version
    if version is None:
        return DayState.WARMING_UP, "no model version yet: run the training"
    if version.warming_up(opened.source.detection.least_sessions):
        return DayState.WARMING_UP, (
            f"the model was trained on {version.training_sessions} sessions; verdicts need "
            f"{opened.source.detection.least_sessions}"
        )
    passed, end = opened.run.passed_to, opened.bounds.end
    said = [
        passed < end and f"the day was not over: rates are judged up to {passed:%H:%M} UTC",
        absent and f"{absent}: only sessions that began before it were judged",
        opened.source.detection.rates.enabled and warming_up(version),
    ]
    return DayState.SCORED, "; ".join(some for some in said if some) or None
