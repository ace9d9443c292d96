"""Distinct sequences to scores, by the run's model version. Without one the day is warming up and has no scores."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from deeplog_ops import schemas
from deeplog_ops.steps.assign_keys import version_catalogue
from deeplog_ops.steps.sequence_groups import distinct_sequences
from deeplog_ops.steps.stage import OpenRun, commit, stage, writer
from deeplog_ops.steps.workplace import Workplace

AT_ONCE = 2**14  # sequences in one table: bounds memory


def score(place: Workplace, run_id: int) -> int:
    """Write the stage "scores"; how many distinct sequences were scored."""
    opened = OpenRun.of(place, run_id)
    with stage(opened, "score") as record, writer(opened, "scores", record.attempt) as out:
        sessions = 0
        if opened.version is None:
            record.message = "no model version yet: the day is warming up"
        else:
            for table, count in _scored(opened):
                out.write_batch(table)
                sessions += count
        out.write_batch(schemas.SCORES.empty_table())  # a partition has one table at least
        out.close()
        commit(opened, out)
        record.rows = out.ref.rows
        record.message = record.message or f"{record.rows} distinct sequences of {sessions} sessions"
    return out.ref.rows


def _scored(opened: OpenRun) -> Iterator[tuple[pa.Table, int]]:
    """Tables of scores, and of how many sessions each is."""
    assert opened.version is not None
    model, catalogue = opened.version.key_model(), version_catalogue(opened)
    for shard in distinct_sequences(opened):
        for sequences in shard.iter_slices(AT_ONCE):
            resolved = {
                key: catalogue.resolve(key) for key in sequences["keys"].explode().unique().drop_nulls()
            }
            table = model.score(
                [[resolved[key] for key in keys] for keys in sequences["keys"].to_list()],
                sequence_ids=sequences["sequence_id"].to_list(),
                sessions=sequences["sessions"].to_list(),
                expected=opened.source.detection.expected_keys,
            )
            yield table.cast(schemas.SCORES), int(sequences["sessions"].sum())
