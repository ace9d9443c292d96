"""What a source no longer keeps: old results, old partitions, garbage of killed attempts, old versions."""

from __future__ import annotations

from datetime import timedelta

from deeplog_ops.db import maintenance as rows
from deeplog_ops.db import models as model_rows
from deeplog_ops.steps.workplace import Workplace


def expire(place: Workplace, source_name: str) -> dict[str, int]:
    """Delete results older than `retention.results_days` and the lake's partitions older than `retention.lake_days`."""
    source = place.registered(source_name)
    today = place.now().astimezone(source.timezone).date()
    deleted = rows.expire_results(
        place.engine, source.key, today - timedelta(days=source.retention.results_days)
    )
    paths = rows.expire_partitions(
        place.engine, source.key, today - timedelta(days=source.retention.lake_days)
    )
    for path in paths:
        place.lake.delete(path)
    return {"rows": deleted, "partitions": len(paths)}


def collect_garbage(place: Workplace, source_name: str) -> dict[str, int]:
    """Delete files that no ledger row names and that are old enough to belong to no attempt under way."""
    source = place.registered(source_name)
    live = rows.live_partition_paths(place.engine, source.key)
    older = place.now() - timedelta(hours=source.retention.garbage_hours)
    return {
        "partitions": place.lake.collect_garbage(source.key, live, older),
        "versions": place.registry.collect_garbage(source.key, older),
    }


def prune_versions(place: Workplace, source_name: str) -> list[str]:
    """Delete the oldest versions beyond `retention.versions` that no day, run or champion needs."""
    source = place.registered(source_name)
    doomed = model_rows.delete_expendable(place.engine, source.key, source.retention.versions)
    for version in doomed:
        place.registry.delete(source.key, version)
    return doomed
