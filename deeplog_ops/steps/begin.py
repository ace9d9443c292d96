"""Begin a run: pin the configuration, the bounds and the model version that all its stages will use."""

from __future__ import annotations

from datetime import date, timedelta

from deeplog_ops.db import ledger
from deeplog_ops.db.learning import learning
from deeplog_ops.records import DayBounds
from deeplog_ops.steps.day import require_begun
from deeplog_ops.steps.workplace import Workplace


def begin_day(
    place: Workplace, source_name: str, day: date, run_key: str, *, trigger: str, choice: str = "champion"
) -> int:
    """The number of the run of one day. The same `run_key` again (a retry) is the same run: it keeps its model
    version, and takes the configuration as it is now, so that it sees a mended file. How much of a day that is not
    over had passed is pinned, too.

    `choice` is the model version to score with: "champion", "keep" (the one the day was last scored with) or a
    version's name. MissingInput for a day that lies so far ahead that its lines would be refused.
    """
    source = place.registered(source_name)
    bounds = DayBounds.of(day, source.reading.zone, source.sessions.lookback)
    now = place.now()
    require_begun(bounds, now, source.reading.future)
    run = ledger.begin_run(
        place.engine,
        source.key,
        day,
        run_key,
        trigger=trigger,
        choice=choice,
        config=source.model_dump(mode="json"),
        bounds=bounds,
        now=now,
    )
    return run.run_id


def begin_training(
    place: Workplace, source_name: str, first: date, last: date, run_key: str, *, trigger: str
) -> int:
    """The number of a training run over the days from `first` to `last`: one long day to the stages before the fit."""
    source = place.registered(source_name)
    bounds = DayBounds.span(first, last, source.reading.zone, source.sessions.lookback)
    # An update by what people said that is under way ends first: its result is where this training goes on.
    with learning(place.engine, source.key):
        run = ledger.begin_run(
            place.engine,
            source.key,
            last,
            run_key,
            trigger=trigger,
            choice="champion",
            config=source.model_dump(mode="json"),
            bounds=bounds,
            kind="train",
        )
    return run.run_id


def training_days(
    place: Workplace, source_name: str, last: date, days: int | None = None
) -> tuple[date, date]:
    """The first and last of the `days` (default: the source's own) days that end with `last`."""
    count = days or place.source(source_name).training.days
    return last - timedelta(days=count - 1), last
