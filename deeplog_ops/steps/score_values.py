"""A day's values to findings, by the run's model version."""

from __future__ import annotations

from deeplog_ops.detection.value_calibration import ValueCalibration
from deeplog_ops.detection.values import value_anomalies
from deeplog_ops.models.value_models import ValueModels
from deeplog_ops.records import Anomaly
from deeplog_ops.steps.detect import run_texts
from deeplog_ops.steps.fit_values import PART
from deeplog_ops.steps.stage import OpenRun, StageLog, commit, stage, writer
from deeplog_ops.steps.stage_rows import anomaly_table
from deeplog_ops.steps.value_events import parameter_series
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.templates.catalogue import Catalogue


def score_values(place: Workplace, run_id: int) -> int:
    """Write the stage "value_findings"; how many there are. Empty where values are not watched or the day warms up."""
    opened = OpenRun.of(place, run_id)
    with stage(opened, "score_values") as record, writer(opened, "value_findings", record.attempt) as out:
        found = _found(opened, record)
        out.write_batch(anomaly_table(found))
        out.close()
        commit(opened, out)
        record.rows = len(found)
    return len(found)


def _found(opened: OpenRun, record: StageLog) -> list[Anomaly]:
    version, detection = opened.version, opened.source.detection
    settings = detection.values
    if not settings.enabled:
        record.message = "values are not watched (detection.values.enabled)"
        return []
    if version is None or version.warming_up(detection.least_sessions):
        record.message = "no model version to judge by yet: the day is warming up"
        return []
    part = version.part(PART)
    if part is None:
        record.message = f"version {version.version} has learnt nothing of values: train again"
        return []
    models = ValueModels.restore(part)
    calibration = ValueCalibration.from_dict(part.data["calibration"])
    catalogue = Catalogue.from_rows(version.catalogue)
    scores = models.day(calibration.least(settings))
    events = 0
    for rows in parameter_series(opened, catalogue.resolve):
        events += len(rows)
        scores.add(rows)
    found = value_anomalies(
        scores.findings(),
        models.keys,
        calibration,
        settings,
        source_key=opened.source.key,
        day=opened.run.day,
        model_version=version.version,
        texts=run_texts(opened, catalogue),
    )
    record.message = f"{len(found)} events with rare values among {events}"
    return found
