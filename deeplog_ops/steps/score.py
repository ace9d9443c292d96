"""Distinct sequences to scores, by the run's model version. Without one the day is warming up and has no scores."""

from __future__ import annotations

from deeplog_ops import schemas
from deeplog_ops.steps.assign_keys import version_catalogue
from deeplog_ops.steps.sequence_groups import distinct_sequences
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.workplace import Workplace


def score(place: Workplace, run_id: int) -> int:
    """Write the stage "scores"; how many distinct sequences were scored."""
    opened = OpenRun.of(place, run_id)
    with stage(opened, "score") as record, writer(opened, "scores", record.attempt) as out:
        sequences = distinct_sequences(opened)
        if opened.version is None:
            table = schemas.SCORES.empty_table()
            record.message = "no model version yet: the day is warming up"
        else:
            catalogue = version_catalogue(opened)
            keys = sequences["keys"].to_list()
            table = opened.version.key_model().score(
                [[catalogue.resolve(key) for key in sequence] for sequence in keys],
                sequence_ids=sequences["sequence_id"].to_list(),
                sessions=sequences["sessions"].to_list(),
                expected=opened.source.detection.expected_keys,
            )
            record.message = f"{len(keys)} distinct sequences of {sequences['sessions'].sum()} sessions"
        out.write_batch(table.cast(schemas.SCORES))
        out.close()
        commit(opened, out)
        record.rows = out.ref.rows
    return out.ref.rows
