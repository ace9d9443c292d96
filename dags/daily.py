"""### The nightly job of one source

Raw log files in, the day's anomalies in Postgres out. A day is a calendar day in the source's zone.

- **Scheduled**: at the day's end; it then waits for the files as the source says (`daily.wait`).
- **By hand**: choose a day in the form, or none for the last whole one. A day may be run as often as you like: each run
  replaces the day's rows in one transaction.
- **Backfill**: from a day to a day, in any order, several at once.

Tables: `bi.days` says what became of each day, `bi.anomalies` and `bi.anomaly_lines` what was found.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from deeplog_ops.config import SourceConfig
from deeplog_ops.orchestration import sources, tasks


def daily(source: SourceConfig) -> DAG:
    zone = source.reading.zone
    with DAG(
        f"{source.name}__daily",
        description=source.description or f"Finds the day's anomalies in the logs of {source.name}",
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=zone) if source.daily.enabled else None,
        start_date=pendulum.parse(sources.FIRST_DAY, tz=zone),
        max_active_runs=source.daily.max_active_runs,
        doc_md=__doc__,
        tags=sources.tags(source, "daily"),
        params={
            "day": Param(
                None,
                type=["null", "string"],
                format="date",
                title="Day",
                description="The day to score. Empty: the last whole one.",
            ),
            "model": Param(
                "champion",
                type="string",
                title="Model version",
                description="champion, keep (the version the day was last scored with), or a version's name.",
            ),
            "wait": Param(
                True,
                type="boolean",
                title="Wait for the files",
                description="Off: run now with what is there, also when the day is not over.",
            ),
        },
        **sources.common_arguments(source),
    ) as dag:
        day = tasks.name_day(zone)
        waited = tasks.wait_for_files.override(timeout=source.daily.wait.timeout.total_seconds())(
            source.name, day
        )
        run = tasks.begin(source.name, day)
        waited >> run
        keyed = tasks.assign_keys(tasks.ingest(tasks.find_files(run)))
        sequenced = tasks.sequence(keyed)
        # Each kind of evidence by itself, at the same time where there are workers; the verdict waits for all.
        evidence = [
            tasks.score(sequenced),
            tasks.score_values(sequenced),
            tasks.score_rates(keyed),
            tasks.apply_rules(keyed),
        ]
        judged = tasks.detect(run)
        evidence >> judged
        published = tasks.publish(judged)
        published >> tasks.close_run(run, source.name, day).as_teardown()
    return dag


globals().update(sources.dags_for_sources("daily", daily))
