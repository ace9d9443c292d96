"""### Maintenance of one source

Deletes what the source no longer keeps: results and lake partitions past their retention, files of attempts that were
killed before they committed, and old model versions that no day refers to. Champions are never deleted.

Watches whether the champion still fits the last days (`deeplog-ops health`), and starts the train DAG where the source says
`training.on_drift: train`.
"""

from __future__ import annotations

import pendulum
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, CronTriggerTimetable

from deeplog_ops.config import SourceConfig
from deeplog_ops.orchestration import sources, tasks


def maintenance(source: SourceConfig) -> DAG:
    with DAG(
        f"{source.name}__maintenance",
        description=f"Retention and clean-up for {source.name}",
        schedule=CronTriggerTimetable("30 5 * * *", timezone=source.reading.zone),
        start_date=pendulum.parse(sources.FIRST_DAY, tz=source.reading.zone),
        max_active_runs=1,
        doc_md=__doc__,
        tags=sources.tags(source, "maintenance"),
        **sources.common_arguments(source),
    ) as dag:
        tasks.expire(source.name) >> tasks.prune_versions(source.name) >> tasks.collect_garbage(source.name)
        train = TriggerDagRunOperator(
            task_id="start_training",
            trigger_dag_id=f"{source.name}__train",
            doc_md="Starts the train DAG; it promotes what passes its checks.",
        )
        tasks.watch_drift(source.name, source.training.on_drift == "train") >> train
    return dag


globals().update(sources.dags_for_sources("maintenance", maintenance))
