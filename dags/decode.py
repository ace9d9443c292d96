"""### Workflows of one source, found anew

Rebuilds the workflows of the champion from the sessions of some scored days, as far as the lake has them. Where the
source has no session ids (sessions by stream or window), the tasks that interleave in it are told apart first, and each
is a workflow of its own. They take the place of the version's rows in `bi.workflow_nodes` and `bi.workflow_edges` by
co-occurrence; the version itself, and what it says of a day, stays as it is. `deeplog-ops workflow show` draws them.

By hand only.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, Param

from deeplog_ops.config import SourceConfig
from deeplog_ops.orchestration import sources, tasks


def decode(source: SourceConfig) -> DAG:
    with DAG(
        f"{source.name}__decode",
        description=f"Finds the workflows of {source.name} in some days anew",
        schedule=None,
        start_date=pendulum.parse(sources.FIRST_DAY, tz=source.reading.zone),
        max_active_runs=1,
        doc_md=__doc__,
        tags=sources.tags(source, "decode"),
        params={
            "first_day": Param(
                None,
                type=["null", "string"],
                format="date",
                title="First day",
                description="The first of the days. Empty: the latest scored days.",
            ),
            "days": Param(
                7, type="integer", minimum=1, title="Days", description="How many days to read, scored ones."
            ),
        },
        **sources.common_arguments(source),
    ) as dag:
        tasks.decode_workflows(source.name)
    return dag


globals().update(sources.dags_for_sources("decode", decode))
