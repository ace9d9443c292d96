"""### Update of one source by what people said

What was called a false alarm since the champion learnt, the champion learns now, without waiting for the next training:
the key model is trained some epochs further, the evidence counts these sessions as normal, and intervals of values are
widened. Before the new version is promoted it must find every true positive that the champion finds, flag no false
positive, raise no alarm on normal sessions, and lose no anomaly of recent days but those that look like the false alarm.

Runs nightly (`training.feedback`) and by hand, and does nothing where there is nothing new or while a training is under
way. The task's log and `bi.runs` say what was decided and why; `deeplog-ops models revert` goes back. docs/verdicts.md
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, Param

from deeplog_ops.config import SourceConfig
from deeplog_ops.orchestration import sources, tasks


def feedback(source: SourceConfig) -> DAG:
    training, zone = source.training, source.reading.zone
    with DAG(
        f"{source.name}__feedback",
        description=f"Updates the model of {source.name} by what people said",
        schedule=CronTriggerTimetable(training.feedback, timezone=zone) if training.feedback else None,
        start_date=pendulum.parse(sources.FIRST_DAY, tz=zone),
        max_active_runs=1,
        doc_md=__doc__,
        tags=sources.tags(source, "feedback"),
        params={
            "promote": Param(
                training.promote,
                enum=["auto", "yes", "no"],
                title="Promote",
                description="auto: if the checks pass.",
            ),
        },
        **sources.common_arguments(source),
    ) as dag:
        tasks.learn_feedback.override(pool=training.pool)(source.name)
    return dag


globals().update(sources.dags_for_sources("feedback", feedback))
