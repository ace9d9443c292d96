"""A source of plain lines, without a model: what a test needs that is about days and files alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from deeplog_ops.steps.whole_runs import run_day
from deeplog_ops.steps.workplace import Workplace
from tests.integration.steps.conftest import workplace

NAME = "plain"
_YAML = """\
name: plain
paths: ['{raw}']
format:
  name: plain-lines
  pattern: '^(?P<time>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}) (?P<message>.*)$'
  time_formats: ['%Y-%m-%d %H:%M:%S']
reading: {{zone: {zone}}}
sessions: {{by: stream, width: 1h}}
{more}
"""


@dataclass(frozen=True)
class Plain:
    """Its workplace, and the folder of its raw files."""

    place: Workplace
    raw: Path

    def run(self, day: date, key: str = "test") -> Any:
        return run_day(self.place, NAME, day, run_key=f"{key}-{day}")

    def write(self, name: str, *moments: datetime, message: str = "disk is quiet") -> Path:
        """Append a line for each moment (local, as the file has it)."""
        path = self.raw / name
        with path.open("a") as file:
            file.writelines(f"{moment:%Y-%m-%d %H:%M:%S} {message}\n" for moment in moments)
        return path


@contextmanager
def plain_source(url: str, root: Path, zone: str = "UTC", more: str = "") -> Iterator[Plain]:
    """The source with nothing in it yet."""
    place = workplace(url, root)
    raw = root / "raw"
    raw.mkdir()
    place.sources.mkdir()
    (place.sources / f"{NAME}.yaml").write_text(_YAML.format(raw=raw, zone=zone, more=more))
    yield Plain(place, raw)
    place.engine.dispose()


def hours(day: date, first: int = 0, last: int = 23) -> list[datetime]:
    """A moment each hour of a day, half past."""
    start = datetime(day.year, day.month, day.day)
    return [start + timedelta(hours=hour, minutes=30) for hour in range(first, last + 1)]
