"""The generator's files: raw logs as a system writes them, and beside them what is true of them."""

from __future__ import annotations

import csv
import gzip as gzip_format
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from deeplog_ops.records import stable_id
from deeplog_ops.simulate.day import Plan, lines_of, started_on
from deeplog_ops.simulate.session import HOUR_MS, Line
from deeplog_ops.simulate.system import CHATTER, TASKS
from deeplog_ops.simulate.workflow import as_json, released, steps

RAW, LABELS, WORKFLOWS = "raw", "labels.csv", "workflows.json"


@dataclass(frozen=True)
class Label:
    """A hidden anomaly. `line_no` (from 1) is in `file`; `session` is empty where it is in lines without a session.

    `shows_in` says what can tell it: order (of a session's lines), values (in them), rate (of lines).
    """

    anomaly_id: str
    day: date
    session: str
    kind: str
    shows_in: str
    file: str
    line_no: int
    time: str
    what: str


@dataclass(frozen=True)
class Truth:
    """What was written: `lines` are physical, `sessions` those that started on one of the days."""

    raw: Path
    days: tuple[date, ...]
    files: tuple[Path, ...]
    lines: int
    sessions: int
    anomalies: tuple[Label, ...]


def write(
    out: Path,
    *,
    days: int,
    start: date,
    sessions_per_day: int = 1200,
    seed: int = 0,
    anomalies_per_day: int = 12,
    anomalies_from: date | None = None,
    deploy: date | None = None,
    gzip: bool = False,
    per: Literal["hour", "day"] = "hour",
    progress: Callable[[date], None] = lambda day: None,
) -> Truth:
    """Write `days` days from `start` (UTC): out/raw/*.log, out/labels.csv and out/workflows.json.

    A day's files depend on the seed, the day and the settings alone: written alone or in a series they are the same
    bytes. Days before `anomalies_from` have no anomalies; from `deploy` on a new release writes a few new messages.
    labels.csv keeps the rows of other days that were written to the same folder. `progress` is told each day done.
    Raises ValueError if a day has too few sessions to hide its anomalies in.
    """
    plan = Plan(seed, sessions_per_day, anomalies_per_day, anomalies_from, deploy)
    raw = out / RAW
    raw.mkdir(parents=True, exist_ok=True)
    written = tuple(start + timedelta(days=number) for number in range(days))
    files: list[Path] = []
    labels: list[Label] = []
    lines = sessions = 0
    yesterday = started_on(start - timedelta(days=1), plan)
    for day in written:
        today = started_on(day, plan)
        for path, records in _split(raw, day, lines_of(day, plan, today, yesterday), per, gzip):
            lines += _write_file(path, day, records)
            labels += _labels(path.name, day, records)
            files.append(path)
        sessions += today.sessions
        yesterday = today
        progress(day)
    _write_labels(out / LABELS, labels, written)
    (out / WORKFLOWS).write_text(json.dumps(_workflows(), indent=1) + "\n", encoding="utf-8")
    return Truth(raw, written, tuple(files), lines, sessions, tuple(labels))


def read_labels(path: Path) -> list[Label]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [_label(row) for row in csv.DictReader(stream)]


def _label(row: dict[str, Any]) -> Label:
    return Label(**{**row, "day": date.fromisoformat(row["day"]), "line_no": int(row["line_no"])})


def _split(
    raw: Path, day: date, records: list[Line], per: str, gzip: bool
) -> Iterable[tuple[Path, list[Line]]]:
    end = ".log.gz" if gzip else ".log"
    if per == "day":
        return [(raw / f"harbour-{day}{end}", records)]
    hours = groupby(records, key=lambda record: record.ms // HOUR_MS)
    return [(raw / f"harbour-{day}-{hour:02d}{end}", list(group)) for hour, group in hours]


def _write_file(path: Path, day: date, records: list[Line]) -> int:
    """Write the file; returns its physical lines."""
    clock = _clock()
    text = "".join([f"{day} {clock[ms // 1000]},{ms % 1000:03d} {rest}\n" for ms, _, rest, _ in records])
    data = text.encode("utf-8")
    if path.suffix == ".gz":
        data = gzip_format.compress(
            data, compresslevel=6, mtime=0
        )  # no time of writing: the same bytes again
    path.write_bytes(data)
    return text.count("\n")


@cache
def _clock() -> tuple[str, ...]:
    """HH:MM:SS of every second of a day."""
    return tuple(
        f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}" for second in range(86_400)
    )


def _labels(file: str, day: date, records: list[Line]) -> list[Label]:
    labels = []
    line_no = 1
    for record in records:
        if record.mark is not None:
            mark = record.mark
            time = f"{day}T{_clock()[record.ms // 1000]}.{record.ms % 1000:03d}Z"
            found = stable_id("simulated", file, str(line_no), mark.kind, length=12)
            labels.append(
                Label(found, day, mark.session, mark.kind, mark.shows_in, file, line_no, time, mark.what)
            )
        line_no += 1 + record.text.count("\n")
    return labels


def _write_labels(path: Path, labels: list[Label], days: tuple[date, ...]) -> None:
    others = [label for label in read_labels(path) if label.day not in days] if path.exists() else []
    with path.open("w", encoding="utf-8", newline="") as stream:
        names = [field.name for field in fields(Label)]
        rows = csv.DictWriter(stream, names)
        rows.writeheader()
        for label in sorted(others + labels, key=lambda label: (label.time, label.file, label.line_no)):
            rows.writerow({name: getattr(label, name) for name in names})


def _workflows() -> dict[str, Any]:
    """The graphs before and after the deploy day, and what each step writes."""
    return {
        "tasks": {
            task.name: {
                release: as_json(flow) for release in ("old", "new") if (flow := released(task.flow, release))
            }
            for task in TASKS
        },
        "steps": {
            step.name: {"component": step.component, "level": step.level, "text": step.text}
            for task in TASKS
            for step in steps(task.flow)
        },
        "chatter": {each.name: {"component": each.component, "text": each.text} for each in CHATTER},
    }
