"""Whole runs without Airflow: the stages in the order of the DAGs, in this process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from deeplog_ops.models.training_loop import Progress as EpochProgress
from deeplog_ops.steps.apply_rules import apply_rules
from deeplog_ops.steps.assign_keys import assign_keys, learn_keys
from deeplog_ops.steps.begin import begin_day, begin_training, training_days
from deeplog_ops.steps.detect import detect
from deeplog_ops.steps.failure import close_run
from deeplog_ops.steps.find_files import find_files
from deeplog_ops.steps.fit import fit
from deeplog_ops.steps.ingest import Progress, ingest
from deeplog_ops.steps.promote import Decision, promote
from deeplog_ops.steps.publish import Published, publish
from deeplog_ops.steps.score import score
from deeplog_ops.steps.score_rates import score_rates
from deeplog_ops.steps.score_values import score_values
from deeplog_ops.steps.sequence import sequence
from deeplog_ops.steps.workplace import Workplace

Say = Callable[[str], None]


def _silent(_: str) -> None:
    return


def run_day(
    place: Workplace,
    source_name: str,
    day: date,
    *,
    run_key: str,
    trigger: str = "cli",
    choice: str = "champion",
    say: Say = _silent,
    progress: Progress | None = None,
) -> Published:
    """Score one day from raw lines to published rows. On an error the run is marked failed and the error goes on."""
    run_id = begin_day(place, source_name, day, run_key, trigger=trigger, choice=choice)
    try:
        say("finding files")
        find_files(place, run_id)
        say("reading raw lines")
        ingest(place, run_id, progress)
        for name, step in (
            ("assigning keys", assign_keys),
            ("building sessions", sequence),
            ("scoring keys", score),
            ("scoring values", score_values),
            ("scoring rates", score_rates),
            ("applying rules", apply_rules),
            ("judging", detect),
        ):
            say(name)
            step(place, run_id)  # type: ignore[operator]
        say("publishing")
        return publish(place, run_id)
    except BaseException as error:
        close_run(place, run_id, f"{type(error).__name__}: {error}")
        raise


def run_training(
    place: Workplace,
    source_name: str,
    last: date,
    *,
    run_key: str,
    days: int | None = None,
    epochs: int | None = None,
    rule: str | None = None,
    trigger: str = "cli",
    who: str = "cli",
    say: Say = _silent,
    progress: Progress | None = None,
    epoch_progress: EpochProgress | None = None,
) -> tuple[str, Decision]:
    """Train on the days that end with `last`; the version's name and whether it became the champion."""
    first, last = training_days(place, source_name, last, days)
    run_id = begin_training(place, source_name, first, last, run_key, trigger=trigger)
    try:
        say("finding files")
        find_files(place, run_id)
        say("reading raw lines")
        ingest(place, run_id, progress)
        say("learning templates")
        learn_keys(place, run_id)
        say("building sessions")
        sequence(place, run_id)
        say("training the models")
        version = fit(place, run_id, epochs=epochs, progress=epoch_progress)
        decision = promote(
            place, source_name, version, rule=rule or place.source(source_name).training.promote, who=who
        )
    except BaseException as error:
        close_run(place, run_id, f"{type(error).__name__}: {error}")
        raise
    return version, decision
