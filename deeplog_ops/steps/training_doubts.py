"""What a training asks: its doubts in words, each with a session as an example and the place of that one's first line."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from deeplog_ops.db.training_doubts import TrainingDoubt, note_unasked, write_doubts
from deeplog_ops.detection.doubts import Doubt, KeySequence, doubts
from deeplog_ops.detection.doubts_words import reasons
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.records import LineRef, stable_digest, stable_id
from deeplog_ops.steps.doubt_sessions import closing_day
from deeplog_ops.steps.kept_sessions import frames
from deeplog_ops.steps.stage import OpenRun, stage
from deeplog_ops.steps.training_sessions import TrainingSessions
from deeplog_ops.templates.catalogue import Catalogue

_READ = [
    *("session", "piece", "first_time", "last_time", "closed_at", "judged", "sequence_id", "keys"),
    *("file_ids", "line_nos", "byte_offsets"),
]

SEEN = 1_000_000  # ids of sequences that need not be looked at twice: what is beyond takes time, not memory

log = logging.getLogger(__name__)


def ask(
    opened: OpenRun,
    version: str,
    evidence: SessionEvidence,
    training: TrainingSessions,
    catalogue: Catalogue,
    answers: Mapping[str, tuple[int, ...]],
) -> int | None:
    """Write the doubts of a version that this training registered, as a stage of its own; how many. `answers` are those
    that held when the training read what people said.

    The version is as good without them: an error here is logged, kept with the stage and the version, and ends
    nothing. Then it is None.
    """
    try:
        with stage(opened, "doubts") as record:
            asked = _doubts(opened, evidence, training, catalogue, answers)
            write_doubts(opened.place.engine, opened.source.key, version, asked)
            record.rows = len(asked)
            if asked:
                record.message = f"in doubt of {len(asked)}, which a person may answer: deeplog-ops doubts"
            return len(asked)
    except Exception as error:
        log.exception("version %s of %s stands, but asks nothing", version, opened.source.name)
        note_unasked(opened.place.engine, opened.source.key, version, f"{type(error).__name__}: {error}")
        return None


def _doubts(
    opened: OpenRun,
    evidence: SessionEvidence,
    training: TrainingSessions,
    catalogue: Catalogue,
    answers: Mapping[str, tuple[int, ...]],
) -> list[TrainingDoubt]:
    found = doubts(training.sequences, training.weights, evidence, vouched=training.vouched)
    texts = {template.template_id: template.text for template in catalogue.templates}
    said = reasons(found, training.sequences, training.weights, texts)
    there = _in_the_lake(opened, found, training, catalogue)
    asked = [
        _row(opened, doubt, why, ids, example, training.sessions)
        for doubt, why, (ids, example) in zip(found, said, there, strict=True)
        if example is not None
    ]
    return [replace(each, known_answers=answers.get(each.doubt_id, ())) for each in asked]


def _row(
    opened: OpenRun, doubt: Doubt, why: str, ids: Sequence[str], example: dict[str, Any], sessions: int
) -> TrainingDoubt:
    sequences = [stable_digest(keys) for keys in doubt.sequences]
    return TrainingDoubt(
        doubt_id=stable_id(opened.source.key, "doubt", doubt.kind, *sequences),
        kind=doubt.kind,
        sessions=doubt.sessions,
        share=min(1.0, doubt.sessions / sessions),
        nats=doubt.nats,
        reason=why,
        run_id=opened.run.run_id,
        sequence_ids=tuple(ids),
        day=example["day"],
        session=example["session"],
        first_time=example["first_time"],
        last_time=example["last_time"],
        event_count=len(doubt.example),
        where=LineRef(example["file_ids"][0], example["line_nos"][0], example["byte_offsets"][0]),
    )


def _in_the_lake(
    opened: OpenRun, found: Sequence[Doubt], training: TrainingSessions, catalogue: Catalogue
) -> list[tuple[list[str], dict[str, Any] | None]]:
    """Of each doubt the ids that the stage "sessions" has for its sequences, the example's first, and the latest session
    that has the example."""
    number = {keys: row for row, doubt in enumerate(found) for keys in doubt.sequences}
    ids: dict[str, int] = {}  # of sequences in doubt, and which doubt it is
    of_example: set[str] = set()
    seen: set[str] = set()
    candidates: list[pl.DataFrame] = []
    for frame in frames(opened.place, opened.partition("sessions"), _READ) if found else ():
        judged = frame.filter("judged")
        for sequence_id, keys in judged.select("sequence_id", "keys").unique("sequence_id").iter_rows():
            if sequence_id in seen:
                continue
            if len(seen) < SEEN:
                seen.add(sequence_id)
            sequence: KeySequence = tuple(map(catalogue.resolve, keys))
            if sequence in number:
                ids[sequence_id] = number[sequence]
                if sequence == found[number[sequence]].example:
                    of_example.add(sequence_id)
        candidates.append(_latest(judged.drop("keys"), of_example, training))
    if not found:
        return []
    day = closing_day(opened.source.reading.zone).fill_null(opened.run.day)
    examples = _latest(pl.concat(candidates), of_example, training).with_columns(day.alias("day"))
    told: list[tuple[list[str], dict[str, Any] | None]] = []
    for row in range(len(found)):
        own = sorted(
            (name for name, doubt in ids.items() if doubt == row),
            key=lambda name: (name not in of_example, name),
        )
        latest = examples.filter(pl.col("sequence_id").is_in(own)).head(1).to_dicts()
        told.append((own, latest[0] if latest else None))
    return told


def _latest(judged: pl.DataFrame, wanted: Collection[str], training: TrainingSessions) -> pl.DataFrame:
    """Of each wanted sequence the session that ended last and was learnt from, the latest of all first."""
    met = judged.filter(
        pl.col("sequence_id").is_in(list(wanted)) & ~pl.col("session").is_in(list(training.left_out))
    )
    ordered = met.sort("last_time", "session", "piece", descending=[True, False, False], nulls_last=True)
    return ordered.unique("sequence_id", keep="first", maintain_order=True)
