"""The demonstration: two weeks of sample logs, a model trained on the first, the second scored by the scheduler.

Nothing is taken by a shortcut: the train DAG is triggered and the days are backfilled through Airflow's API.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from deeplog_ops.errors import SetupError
from deeplog_ops.local import platform, sample
from deeplog_ops.local.airflow_api import AirflowApi
from deeplog_ops.local.progress import Steps
from deeplog_ops.local.state import Home, require_home

SOURCE = "sample"
_WORST = 5


@dataclass(frozen=True)
class Size:
    """How much is written. `patience`: how often its budget a step may take before the demo gives up."""

    train_days: int
    scored_days: int
    sessions_per_day: int
    patience: float = 12

    @classmethod
    def chosen(cls) -> Size:
        """By the environment's DEEPLOG_DEMO. Raises SetupError for a size that is not known."""
        sizes = {"full": cls(7, 7, 1200), "small": cls(3, 2, 400)}
        name = os.environ.get("DEEPLOG_DEMO") or "full"
        if name not in sizes:
            raise SetupError(f"DEEPLOG_DEMO={name!r} is not a size: choose {' or '.join(sizes)}")
        return sizes[name]


@dataclass(frozen=True)
class Span:
    """The days of the sample: first to last, all over; scored from `split` on."""

    first: date
    split: date
    last: date

    @classmethod
    def until_yesterday(cls, size: Size) -> Span:
        last = datetime.now(UTC).date() - timedelta(days=1)
        split = last - timedelta(days=size.scored_days - 1)
        return cls(split - timedelta(days=size.train_days), split, last)


def run(home: Home | None = None, out: TextIO | None = None) -> None:
    """Run all of it, print what was found, leave Airflow running. May be run again. Raises DeeplogErrors."""
    home, out, size = home or require_home(), out or sys.stdout, Size.chosen()
    span = Span.until_yesterday(size)
    steps = Steps(platform.UP_STEPS + 5, out)
    started = platform.up(home, steps, out)
    folder = home.folder / "sample"
    with steps.step(f"writing {(span.last - span.first).days + 1} days of sample logs", 15) as step:
        truth = _write_logs(folder, span, size)
        step.say(
            f"{truth.lines:,} lines, {truth.sessions:,} sessions, {len(truth.anomalies)} anomalies hidden"
        )
    with steps.step("registering the source", 25) as step:
        config = _register(folder)
        api = AirflowApi(started.state)
        daily, train = f"{SOURCE}__daily", f"{SOURCE}__train"
        api.wait_for_dags([daily, train], 25 * size.patience)
        step.say(f"{config}; its DAGs are in Airflow")
    with steps.step("training on the first days", 60) as step:
        last_training_day = span.split - timedelta(days=1)
        conf = {"last_day": str(last_training_day), "days": size.train_days, "promote": "yes"}
        api.wait_for_run(train, api.trigger(train, conf), 60 * size.patience, step.say)
        step.say(f"{size.train_days} days, {span.first} to {last_training_day}")
    with steps.step("the scheduler scores the other days", 85) as step:
        api.backfill(
            daily, span.split, span.last, max_active_runs=4, seconds=85 * size.patience, say=step.say
        )
    with steps.step("comparing with what was hidden", 5):
        found, comparison = _compare(folder, span)
    out.write(_told(found, comparison, span, folder))
    out.write(f"\nAll of it took {steps.seconds:.0f} s. Airflow keeps running; `make down` stops it.\n\n")
    out.writelines(f"{line}\n" for line in started.lines())


def _write_logs(folder: Path, span: Span, size: Size) -> Any:
    from deeplog_ops import simulate

    return simulate.write(
        folder,
        days=(span.last - span.first).days + 1,
        start=span.first,
        sessions_per_day=size.sessions_per_day,
        anomalies_from=span.split,
    )


def _register(folder: Path) -> Path:
    """Write config/sources/sample.yaml. A file of that name that is not this demo's own is left alone."""
    from deeplog_ops import simulate
    from deeplog_ops.settings import sources_folder

    path = sources_folder() / f"{SOURCE}.yaml"
    written = simulate.source_yaml(folder / "raw", SOURCE)
    if path.exists() and path.read_text(encoding="utf-8").partition("\n")[0] != written.partition("\n")[0]:
        raise SetupError(
            f"{path} is not the demo's: rename that source (`deeplog-ops source rename`) and try again"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written, encoding="utf-8")
    return path


def _compare(folder: Path, span: Span) -> tuple[list[dict[str, Any]], sample.Comparison]:
    from deeplog_ops.db.engine import connect
    from deeplog_ops.settings import Settings
    from deeplog_ops.simulate.files import LABELS, read_labels

    engine = connect(Settings.load().database_url)
    found = sample.anomalies(engine, SOURCE, span.split, span.last)
    engine.dispose()
    return found, sample.compare(found, read_labels(folder / LABELS), span.split, span.last)


def _told(
    found: Sequence[dict[str, Any]], comparison: sample.Comparison, span: Span, folder: Path
) -> str:  # fmt: skip
    lines = [
        "",
        f"Found in {span.split} to {span.last}, against what was hidden ({folder / 'labels.csv'})",
        "",
    ]
    lines.append(f"  {'anomaly':18}{'shows in':12}{'hidden':>8}{'found':>8}{'recall':>9}")
    for kind in comparison.kinds:
        recall = f"{kind.found / kind.hidden:9.0%}" if kind.hidden else f"{'-':>9}"
        lines.append(f"  {kind.name:18}{kind.shows_in:12}{kind.hidden:8}{kind.found:8}{recall}")
    precision = comparison.precision
    lines += [
        "",
        f"  precision {_share(precision)}: {comparison.right} of {comparison.flagged} flagged sessions and rates are anomalies",
        f"  recall    {_share(comparison.recall('order', 'values', 'rate'))} of everything: {_share(comparison.recall('order'))} of what shows in the order of lines, "
        f"{_share(comparison.recall('values'))} in their values, {_share(comparison.recall('rate'))} in their rates",
        "",
        "The worst:",
    ]
    for place, row in enumerate(found[:_WORST], 1):
        lines.append(f"  {place}. {row['day']} {row['session'] or row['kind']}: {row['reason']}")
        if row["line"]:
            first = row["line"].partition("\n")[0]
            lines.append(f"     {Path(row['path'] or '').name}:{row['line_no']}: {first[:120]}")
    return "\n".join(lines) + "\n"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"
