"""Are the day's files complete? As the source says: a marker, a count, a grace time after the day's end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from deeplog_ops.config import SourceConfig
from deeplog_ops.db import ledger
from deeplog_ops.records import DayBounds
from deeplog_ops.steps.day import require_begun
from deeplog_ops.steps.find_files import holds_lines_of, survey
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.paths import open_path


@dataclass(frozen=True)
class Readiness:
    """`waiting_for` says, in words, what is still missing; empty when the day can run."""

    waiting_for: str = ""

    @property
    def ready(self) -> bool:
        return not self.waiting_for


def day_is_ready(place: Workplace, source_name: str, day: date) -> Readiness:
    """Whether a day's run may begin now. What it waits for is the reason of the day's row meanwhile.

    MissingInput for a day far ahead, which nobody waits for.
    """
    source = place.registered(source_name)
    bounds = DayBounds.of(day, source.reading.zone, source.sessions.lookback)
    require_begun(bounds, place.now(), source.reading.future)
    readiness = Readiness(_missing(place, source, bounds))
    if not readiness.ready:
        ledger.note_unrun(
            place.engine, source.key, bounds, "not_scored", f"waiting for {readiness.waiting_for}"
        )
    return readiness


def _missing(place: Workplace, source: SourceConfig, bounds: DayBounds) -> str:
    """What the day still waits for, in words; empty when it is complete."""
    wait, due = source.daily.wait, bounds.end + source.daily.wait.grace
    if place.now() < due:
        return f"the day's end and {wait.grace} of grace, at {due:%Y-%m-%d %H:%M} UTC"
    if wait.marker is not None:
        marker = wait.marker.replace("{day}", bounds.day.isoformat())
        if not open_path(marker, source.connection).exists():
            return f"the marker {marker}"
    if wait.count is not None:
        # The lookback may touch files of the day before: only those of the day itself count.
        alone = DayBounds(bounds.day, bounds.start, bounds.start, bounds.end)
        found = sum(1 for file in survey(place, source) if holds_lines_of(file, alone, source.reading.zone))
        if found < wait.count:
            return f"{wait.count} files that touch the day; {found} are there"
    return ""
