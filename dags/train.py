"""### Training of one source

Learns the templates, the key model and its thresholds from some days of raw logs, writes a model version, and promotes
it if the form or the checks say so. A version holds all that was learnt and never changes; `deeplog-ops models list`
shows them, `deeplog-ops models revert` goes back.

Runs weekly and by hand. It must not run twice at once: training alone gives templates their ids.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, Param

from deeplog_ops.config import SourceConfig
from deeplog_ops.orchestration import sources, tasks


def train(source: SourceConfig) -> DAG:
    training = source.training
    # Only a queue that someone serves: without a worker for it a task would wait for ever.
    worker = {"pool": training.pool} | ({} if training.queue == "default" else {"queue": training.queue})
    with DAG(
        f"{source.name}__train",
        description=f"Trains the model of {source.name}",
        schedule=CronTriggerTimetable(training.schedule, timezone=source.reading.zone)
        if training.schedule
        else None,
        start_date=pendulum.parse(sources.FIRST_DAY, tz=source.reading.zone),
        max_active_runs=1,
        doc_md=__doc__,
        tags=sources.tags(source, "train"),
        params={
            "last_day": Param(
                None,
                type=["null", "string"],
                format="date",
                title="Last day",
                description="The last of the training days. Empty: the last whole one.",
            ),
            "days": Param(
                training.days,
                type="integer",
                minimum=1,
                title="Days",
                description="How many days to learn from.",
            ),
            "epochs": Param(
                source.model.epochs,
                type="integer",
                minimum=1,
                title="Epochs",
                description="At most so many; training stops early when nothing more is learnt.",
            ),
            "promote": Param(
                training.promote,
                enum=["auto", "yes", "no"],
                title="Promote",
                description="auto: if the checks pass.",
            ),
        },
        **sources.common_arguments(source),
    ) as dag:
        run = tasks.begin_training(source.name, source.reading.zone)
        sequenced = tasks.sequence(tasks.learn_keys(tasks.ingest(tasks.find_files(run))))
        version = tasks.fit.override(execution_timeout=training.timeout, **worker)(sequenced)
        promoted = tasks.promote(source.name, version)
        promoted >> tasks.close_run(run, source.name).as_teardown()
    return dag


globals().update(sources.dags_for_sources("train", train))
