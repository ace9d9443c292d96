"""The sessions behind a doubt of a training, as an answer keeps them."""

from __future__ import annotations

import logging

import polars as pl

from deeplog_ops.db import ledger, training_doubts
from deeplog_ops.db.feedback import KeptSession
from deeplog_ops.errors import DatabaseError, LakeError
from deeplog_ops.steps.kept_sessions import COLUMNS, frames, with_values
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.steps.workplace import Workplace

log = logging.getLogger(__name__)


def sessions_of_doubt(
    place: Workplace, source_key: str, doubt_id: str, most: int, *, real: bool
) -> tuple[list[KeptSession], int]:
    """Called real, one session for each of `most` sequences of the group, and how many sequences are beyond that.

    Called normal, the example alone: whoever answers has seen no other, and an anomaly that was vouched for unseen would
    hide its kind. They are read from the stages of the training that asked. When the lake has forgotten these, it is the
    example without keys. Raises DatabaseError for a doubt that no version has any more.
    """
    doubt = training_doubts.doubt(place.engine, source_key, doubt_id)
    if doubt is None:
        raise DatabaseError(f"{source_key} has no doubt {doubt_id} any more: `deeplog-ops doubts` lists them")
    asked = doubt.sequence_ids if real else doubt.sequence_ids[:1]  # the example's is the first
    wanted = list(asked[:most])
    try:
        kept = _read(OpenRun.of(place, doubt.run_id), doubt.session, wanted)
    except LakeError as error:
        log.warning("what was said of doubt %s is kept without its lines: %s", doubt_id, error)
        kept = []
    return kept or [KeptSession(doubt.day, doubt.session)], len(asked) - len(wanted)


def closing_day(zone: str) -> pl.Expr:
    """The day that a session of the stage "sessions" belongs to, in a zone; null where it has no time."""
    return pl.coalesce("closed_at", "last_time").dt.convert_time_zone(zone).dt.date()


def _read(opened: OpenRun, example: str, wanted: list[str]) -> list[KeptSession]:
    """A session for each sequence: the example where it has it, else the latest."""
    place, run = opened.place, opened.run
    if not {"sessions", "events"} <= ledger.committed_stages(place.engine, run.run_id):
        return []
    columns = [*COLUMNS, "sequence_id", "closed_at"]
    found = pl.concat(
        _one_each(frame.filter(pl.col("judged") & pl.col("sequence_id").is_in(wanted)), example)
        for frame in frames(place, opened.partition("sessions"), columns)
    )
    latest = (
        _one_each(found, example)
        .with_columns(closing_day(opened.source.reading.zone).fill_null(run.day).alias("day"))
        .unique(["session", "piece"], keep="first", maintain_order=True)
        .sort("session", "piece")
    )
    return with_values(place, run.run_id, latest)


def _one_each(sessions: pl.DataFrame, example: str) -> pl.DataFrame:
    ordered = sessions.sort(
        pl.col("session") != example,
        "last_time",
        "session",
        "piece",
        descending=[False, True, False, False],
        nulls_last=True,
    )
    return ordered.unique("sequence_id", keep="first", maintain_order=True)
