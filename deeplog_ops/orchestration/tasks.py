"""Every step as a task. Tasks pass on the number of the run; the heavy imports happen inside them.

Parsing a DAG file must need neither torch nor a data frame library, so nothing of `deeplog_ops.steps` is imported here
at the top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import PokeReturnValue, get_current_context, task

if TYPE_CHECKING:
    from deeplog_ops.steps.workplace import Workplace


def _open() -> Workplace:
    from deeplog_ops.steps.workplace import Workplace

    return Workplace.open()


def _trigger(context: Any) -> str:
    return str(getattr(context["dag_run"].run_type, "value", context["dag_run"].run_type))


@task
def name_day(zone: str) -> str:
    """Which day this run is for: what the form asks, else the schedule's, else the last whole one."""
    from deeplog_ops.steps.day import resolve_day

    context: Any = get_current_context()
    run = context["dag_run"]
    return resolve_day(
        asked=context["params"].get("day"),
        by_hand=_trigger(context) == "manual",
        logical_date=run.logical_date,
        interval_start=run.data_interval_start,
        run_after=run.run_after,
        zone=zone,
    ).isoformat()


@task.sensor(poke_interval=60, mode="reschedule")
def wait_for_files(source: str, day: str) -> PokeReturnValue:
    """Wait until the day's files are complete, as the source's `daily.wait` says."""
    from deeplog_ops.steps.day import parse_day
    from deeplog_ops.steps.wait import day_is_ready

    context: Any = get_current_context()
    if not context["params"].get("wait", True):
        return PokeReturnValue(is_done=True)
    readiness = day_is_ready(_open(), source, parse_day(day))
    if not readiness.ready:
        print(f"{source} {day} waits for {readiness.waiting_for}")
    return PokeReturnValue(is_done=readiness.ready)


@task
def begin(source: str, day: str) -> int:
    """Pin configuration, bounds and model version; the number of the run."""
    from deeplog_ops.steps.begin import begin_day
    from deeplog_ops.steps.day import parse_day

    context: Any = get_current_context()
    run = context["dag_run"]
    return begin_day(
        _open(),
        source,
        parse_day(day),
        _attempt_of(run),
        trigger=_trigger(context),
        choice=context["params"].get("model") or "champion",
    )


def _attempt_of(run: Any) -> str:
    """One key for all retries of a task, and another once people or a backfill clear the run: then the day is run anew,
    with the champion of that moment."""
    return f"{run.run_id} cleared {run.clear_number}" if run.clear_number else str(run.run_id)


@task
def begin_training(source: str, zone: str) -> int:
    """Pin the training's days and configuration; the number of the run."""
    from deeplog_ops.steps import begin as steps
    from deeplog_ops.steps.day import resolve_day

    context: Any = get_current_context()
    run, params = context["dag_run"], context["params"]
    last = resolve_day(
        asked=params.get("last_day"),
        by_hand=_trigger(context) == "manual",
        logical_date=run.logical_date if _trigger(context) == "manual" else None,
        interval_start=None,
        run_after=run.run_after,
        zone=zone,
    )
    place = _open()
    first, last = steps.training_days(place, source, last, params.get("days"))
    return steps.begin_training(place, source, first, last, run.run_id, trigger=_trigger(context))


@task
def find_files(run: int) -> int:
    """The manifest: which raw files touch the run's days, which are another one again."""
    from deeplog_ops.steps import find_files as step

    step.find_files(_open(), run)
    return run


@task
def ingest(run: int) -> int:
    """Raw lines to Parquet; every line accounted for, what cannot be read in the quarantine."""
    from deeplog_ops.steps import ingest as step

    step.ingest(_open(), run, lambda path, number, total: print(f"file {number} of {total}: {path}"))
    return run


@task
def assign_keys(run: int) -> int:
    """Messages to template ids and parameters, by the version's catalogue."""
    from deeplog_ops.steps import assign_keys as step

    step.assign_keys(_open(), run)
    return run


@task
def learn_keys(run: int) -> int:
    """Mine and merge templates: the next catalogue."""
    from deeplog_ops.steps import assign_keys as step

    step.learn_keys(_open(), run)
    return run


@task
def sequence(run: int) -> int:
    """Events to sessions."""
    from deeplog_ops.steps import sequence as step

    step.sequence(_open(), run)
    return run


@task
def score(run: int) -> int:
    """Rank, probability and likelihood of every next key, by the pinned model version."""
    from deeplog_ops.steps import score as step

    step.score(_open(), run)
    return run


@task
def score_values(run: int) -> int:
    """Numbers, times between events and categories that are out of their usual range."""
    from deeplog_ops.steps import score_values as step

    step.score_values(_open(), run)
    return run


@task
def score_rates(run: int) -> int:
    """How often each template came, against the baseline of its hour and weekday."""
    from deeplog_ops.steps import score_rates as step

    step.score_rates(_open(), run)
    return run


@task
def apply_rules(run: int) -> int:
    """What the source's rules call bad, whatever training says."""
    from deeplog_ops.steps import apply_rules as step

    step.apply_rules(_open(), run)
    return run


@task
def detect(run: int) -> int:
    """All evidence to verdicts, incidents, explanations, and the raw lines around each anomaly."""
    from deeplog_ops.steps import detect as step

    step.detect(_open(), run)
    return run


@task
def publish(run: int) -> dict[str, Any]:
    """Replace the day's rows in Postgres, in one transaction."""
    from dataclasses import asdict

    from deeplog_ops.steps import publish as step

    return asdict(step.publish(_open(), run))


@task(retries=1)
def close_run(run: int | None, source: str, day: str | None = None) -> None:
    """Say in the tables how the run ended, when a stage failed. Runs whatever happened, and decides nothing."""
    from deeplog_ops.steps import failure as step
    from deeplog_ops.steps.day import parse_day

    if run is not None:
        step.close_run(_open(), run)
    elif day is not None:
        step.close_unrun(_open(), source, parse_day(day))


@task
def fit(run: int) -> str:
    """Train the key model and register a version; its name."""
    from deeplog_ops.steps import fit as step

    context: Any = get_current_context()
    return step.fit(_open(), run, epochs=context["params"].get("epochs"))


@task
def promote(source: str, version: str) -> str:
    """Make the version the champion, if the form or the checks say so; what was decided and why."""
    from deeplog_ops.steps import promote as step

    context: Any = get_current_context()
    decision = step.promote(
        _open(),
        source,
        version,
        rule=context["params"].get("promote") or "auto",
        who=f"airflow {context['dag_run'].run_id}",
    )
    return decision.reason


@task
def learn_feedback(source: str) -> str:
    """Let the champion learn what people called false alarms, and promote the result if it passes; what was decided."""
    from deeplog_ops.steps import feedback as step

    context: Any = get_current_context()
    run = context["dag_run"]
    updated = step.update(
        _open(),
        source,
        who=f"airflow {run.run_id}",
        run_key=run.run_id,
        trigger=_trigger(context),
        rule=context["params"].get("promote"),
    )
    for check in updated.checks:
        print(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.words}")
    print(updated.reason)
    return updated.reason


@task
def decode_workflows(source: str) -> str:
    """Find the workflows of the champion anew in the sessions of some days; what was found."""
    from deeplog_ops.steps import decode as step
    from deeplog_ops.steps.day import parse_day

    params: Any = get_current_context()["params"]
    first = params.get("first_day")
    decoded = step.decode(_open(), source, parse_day(first) if first else None, params.get("days") or 7)
    print(decoded.words)
    return decoded.words


@task
def expire(source: str) -> dict[str, int]:
    """Delete results and partitions older than the source keeps them."""
    from deeplog_ops.steps import maintenance as step

    return step.expire(_open(), source)


@task
def collect_garbage(source: str) -> dict[str, int]:
    """Delete files of attempts that never committed."""
    from deeplog_ops.steps import maintenance as step

    return step.collect_garbage(_open(), source)


@task
def prune_versions(source: str) -> list[str]:
    """Delete old model versions that no day refers to."""
    from deeplog_ops.steps import maintenance as step

    return step.prune_versions(_open(), source)


@task.short_circuit
def watch_drift(source: str, start: bool) -> bool:
    """Whether the champion still fits the last days. Goes on to the training where it does not, and `start` is set."""
    from deeplog_ops.steps.drift import drift

    found = drift(_open(), source)
    print(f"{source}: {found.advice.level}. {found.advice.reason}")
    return start and found.training_is_due
