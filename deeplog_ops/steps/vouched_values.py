"""The values in sessions of false positives, and value models that let them pass."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

import numpy as np
import polars as pl

from deeplog_ops.config_detection import Values
from deeplog_ops.db.feedback import KeptSession
from deeplog_ops.detection.value_calibration import ValueCalibration
from deeplog_ops.errors import LakeError
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.value_keys import KeyValues
from deeplog_ops.models.value_models import ValueModels
from deeplog_ops.models.value_scoring import Found
from deeplog_ops.models.value_widening import widened
from deeplog_ops.sequences.parameter_series import SERIES
from deeplog_ops.steps.lake_days import lake_days
from deeplog_ops.steps.learnt import Name, name_of
from deeplog_ops.steps.value_events import parameter_series
from deeplog_ops.steps.workplace import Workplace

log = logging.getLogger(__name__)

Resolve = Callable[[str], str]
CONTEXT_DAYS = 7  # days that are read again, at most, for what the network says of a value among others


def kept_series(sessions: Sequence[KeptSession], resolve: Resolve) -> pl.DataFrame:
    """A row (sequences.parameter_series.SERIES) an event of kept sessions, session i being unit i."""
    found = []
    for unit, session in enumerate(sessions):
        keys, times = session.keys or (), session.times or ()
        before: datetime | None = None
        key_before: str | None = None
        for place, key in enumerate(map(resolve, keys)):
            time = times[place]
            apart = None if place == 0 or time is None or before is None else (time - before).total_seconds()
            found.append(
                {
                    "unit": unit,
                    "session": session.session,
                    "piece": session.piece,
                    "key": key,
                    "previous": key_before,
                    "elapsed": apart,
                    "time": time,
                    "file_id": f"{session.day} {session.session} {session.piece}",
                    "line_no": place + 1,
                    "byte_offset": 0,
                    "parameters": list((session.parameters or ())[place]),
                    "numbers": list((session.numbers or ())[place]),
                }
            )
            before, key_before = time, key
    return pl.DataFrame(found, schema=SERIES)


def rare_values(
    part: ModelPart, settings: Values, frames: Iterable[pl.DataFrame], keys: Iterable[str] | None = None
) -> list[Found]:
    """What the part "values" of a version finds in series; of these templates alone, where `keys` are given."""
    models = ValueModels.restore(part)
    if keys is not None:
        some = set(keys)
        models = replace(models, keys={key: values for key, values in models.keys.items() if key in some})
    scores = models.day(ValueCalibration.from_dict(part.data["calibration"]).least(settings))
    for rows in frames:
        scores.add(rows)
    return scores.findings()


def letting_pass(
    place: Workplace,
    source_key: str,
    part: ModelPart,
    settings: Values,
    sessions: Sequence[KeptSession],
    resolve: Resolve,
) -> ModelPart:
    """The part "values" without findings in these sessions; all else in it is as it was.

    What the network predicts of a value depends on the sessions around it: where the lake has their days still, they
    are judged there as well.
    """
    models = ValueModels.restore(part)
    least = ValueCalibration.from_dict(part.data["calibration"]).least(settings)
    found = rare_values(part, settings, [kept_series(sessions, resolve)])
    keys = {resolve(key) for session in sessions for key in session.keys or ()}
    predicted = {key for key, values in models.keys.items() if key in keys and values.predicted}
    if predicted:
        found += _in_their_days(place, source_key, part, settings, sessions, resolve, predicted)
    if not found:
        return part
    return ModelPart({**part.data, **widened(models, found, least).to_part().data}, part.arrays)


def changed_keys(before: ModelPart | None, after: ModelPart | None) -> set[str]:
    """The templates of which two parts "values" say something else."""
    if before is None or after is None:
        return set()
    old: Mapping[str, KeyValues] = before.data["keys"]
    return {key for key, values in after.data["keys"].items() if old.get(key) != values}


def _in_their_days(
    place: Workplace,
    source_key: str,
    part: ModelPart,
    settings: Values,
    sessions: Sequence[KeptSession],
    resolve: Resolve,
    keys: set[str],
) -> list[Found]:
    names: defaultdict[date, set[Name]] = defaultdict(set)
    for session in sessions:
        names[session.day].add(name_of(session))
    found: list[Found] = []
    for opened in lake_days(place, source_key, sorted(names, reverse=True)[:CONTEXT_DAYS]):
        try:
            of_day = rare_values(part, settings, parameter_series(opened, resolve), keys)
        except LakeError as error:
            log.warning("values of %s %s are not looked at again: %s", source_key, opened.run.day, error)
            continue
        found += _of_sessions(of_day, opened.run.day, names[opened.run.day])
    return found


def _of_sessions(found: Iterable[Found], day: date, names: set[Name]) -> Iterator[Found]:
    for each in found:
        whose = each.rows.select("session", "piece").iter_rows()
        rows = np.array([row for row, name in enumerate(whose) if (day, *name) in names], np.int64)
        if len(rows):
            yield each.of(rows, rows)
