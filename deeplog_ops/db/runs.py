"""Runs: begun once a key, pinned to a model version, ended in a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import json_text, visible, visible_or_none
from deeplog_ops.db.sources import source_of
from deeplog_ops.errors import DatabaseError, ModelError
from deeplog_ops.records import DayBounds, stable_id

_COLUMNS = (
    "r.run_id, r.source_id, s.key AS source_key, r.kind, r.day, r.run_key, r.version, "
    "r.view_start, r.starts_at, r.ends_at, r.config, r.config_hash, r.state, r.started_at, "
    "coalesce(r.passed_to, r.ends_at) AS passed_to"
)


@dataclass(frozen=True)
class Run:
    """A run of a day (kind daily), a training on the days up to it (train), or an update by what people said
    (feedback), with its pinned version. `passed_to` is the end of its day, or, of one that was not over, when the run
    began."""

    run_id: int
    source_id: int
    source_key: str
    day: date
    run_key: str
    version: str | None
    kind: str
    bounds: DayBounds
    config: Mapping[str, Any]
    config_hash: str
    state: str
    started_at: datetime
    passed_to: datetime


def begin_run(
    engine: Engine,
    source_key: str,
    day: date,
    run_key: str,
    *,
    trigger: str,
    choice: str,
    config: Mapping[str, Any],
    bounds: DayBounds,
    kind: Literal["daily", "train", "feedback"] = "daily",
    now: datetime | None = None,
) -> Run:
    """Begin a run, or take it up again: the same key on the same day is the same run with its pinned version.
    Bounds and configuration are those of the last begin, and so is what had passed of the day by `now` (default: all).

    `choice` is "champion", "keep" (the version of the day's live run, else the champion) or a version. A training
    and an update leave the table of days alone. Raises ModelError for a version that the source does not have.
    """
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key)
        key = {"source_id": source_id, "day": day, "run_key": run_key, "kind": kind}
        passed_to = bounds.end if now is None else min(now, bounds.end)
        pinned = {
            "passed_to": passed_to,
            "config": json_text(dict(config)),
            "config_hash": stable_id(json_text(dict(config))),
        }
        run_id = connection.execute(
            text(
                "UPDATE deeplog.runs SET state = 'running', finished_at = NULL, error = NULL, view_start = :view_start, "
                "starts_at = :start, ends_at = :end, config = CAST(:config AS jsonb), config_hash = :config_hash, "
                "passed_to = :passed_to WHERE source_id = :source_id "
                "AND kind = :kind AND day = :day AND run_key = :run_key RETURNING run_id"
            ),
            {**key, **_instants(bounds), **pinned},
        ).scalar()
        if run_id is None:
            # Another transaction may insert the key meanwhile: then its row, and its version, are the run.
            run_id = connection.execute(
                text(
                    "INSERT INTO deeplog.runs (source_id, kind, day, run_key, view_start, starts_at, ends_at, trigger, "
                    "model_choice, version, config, config_hash, passed_to) VALUES (:source_id, :kind, :day, :run_key, :view_start, "
                    ":start, :end, :trigger, :choice, :version, CAST(:config AS jsonb), :config_hash, :passed_to) "
                    "ON CONFLICT (source_id, kind, day, run_key) DO UPDATE SET state = 'running' RETURNING run_id"
                ),
                {
                    **key,
                    **_instants(bounds),
                    "trigger": trigger,
                    "choice": choice,
                    "version": _pinned(connection, source_id, source_key, day, choice),
                    **pinned,
                },
            ).scalar_one()
        if kind == "daily":
            connection.execute(
                text(
                    "INSERT INTO deeplog.days (source_id, day, last_run_id, reason, view_start, starts_at, ends_at) "
                    "VALUES (:source_id, :day, :run_id, :reason, :view_start, :start, :end) "
                    "ON CONFLICT (source_id, day) DO UPDATE SET last_run_id = excluded.last_run_id"
                ),
                {
                    "source_id": source_id,
                    "day": day,
                    "run_id": run_id,
                    "reason": "a run has begun",
                    **_instants(bounds),
                },
            )
        return _run(connection, run_id)


def get_run(engine: Engine, run_id: int) -> Run:
    """The run. Raises DatabaseError when there is none."""
    with transaction(engine) as connection:
        return _run(connection, run_id)


def finish_run(
    engine: Engine, run_id: int, state: Literal["done", "failed"], error: str | None = None
) -> None:
    """End a run. A failed day is marked so, with the error as its reason, unless it has published rows already."""
    with transaction(engine) as connection:
        row = connection.execute(
            text(
                "UPDATE deeplog.runs SET state = CASE WHEN state = 'superseded' THEN state ELSE :state END, "
                "finished_at = now(), error = :error WHERE run_id = :run_id RETURNING source_id, day, kind"
            ),
            {"run_id": run_id, "state": state, "error": visible_or_none(error)},
        ).one_or_none()
        if row is None:
            raise DatabaseError(f"there is no run {run_id}")
        if state == "failed" and row.kind == "daily":
            _mark_failed(connection, row.source_id, row.day, error or "the run failed")


def leave_unscored(engine: Engine, run: Run, reason: str) -> None:
    """End a run that had nothing to score. A day that was never published says why; a published one stays as it was."""
    with transaction(engine) as connection:
        key = {"run_id": run.run_id, "source_id": run.source_id, "day": run.day, "reason": visible(reason)}
        connection.execute(
            text(
                "UPDATE deeplog.runs SET state = 'done', finished_at = now(), error = NULL WHERE run_id = :run_id"
            ),
            key,
        )
        connection.execute(
            text(
                "UPDATE deeplog.days SET state = 'not_scored', reason = :reason "
                "WHERE source_id = :source_id AND day = :day AND run_id IS NULL"
            ),
            key,
        )


def note_unrun(
    engine: Engine, source_key: str, bounds: DayBounds, state: Literal["not_scored", "failed"], reason: str
) -> None:
    """Say of a day that no run has begun yet why that is so. A day that was published stays as it was."""
    with transaction(engine) as connection:
        connection.execute(
            text(
                "INSERT INTO deeplog.days AS d (source_id, day, state, reason, view_start, starts_at, ends_at) "
                "VALUES (:source_id, :day, :state, :reason, :view_start, :start, :end) "
                "ON CONFLICT (source_id, day) DO UPDATE SET state = excluded.state, reason = excluded.reason "
                "WHERE d.run_id IS NULL"
            ),
            {
                "source_id": source_of(connection, source_key),
                "day": bounds.day,
                "state": state,
                "reason": visible(reason),
                **_instants(bounds),
            },
        )


def mark_stale(engine: Engine, source_key: str, day: date, reason: str) -> bool:
    """Say that a published day no longer holds all of its lines. False: nothing is published, or it is stale already."""
    with transaction(engine) as connection:
        result = connection.execute(
            text(
                "UPDATE deeplog.days SET state = 'stale', reason = :reason, stale_since = now() "
                "WHERE source_id = :source_id AND day = :day AND state IN ('scored', 'warming_up')"
            ),
            {"source_id": source_of(connection, source_key), "day": day, "reason": visible(reason)},
        )
        return bool(result.rowcount)


def _mark_failed(connection: Connection, source_id: int, day: date, reason: str) -> None:
    connection.execute(
        text(
            "UPDATE deeplog.days SET state = 'failed', reason = :reason "
            "WHERE source_id = :source_id AND day = :day AND run_id IS NULL"
        ),
        {"source_id": source_id, "day": day, "reason": visible(reason)},
    )


def _pinned(connection: Connection, source_id: int, source_key: str, day: date, choice: str) -> str | None:
    key = {"source_id": source_id, "day": day, "version": choice}
    if choice not in ("champion", "keep"):
        found = connection.execute(
            text("SELECT state FROM deeplog.models WHERE source_id = :source_id AND version = :version"), key
        ).scalar()
        if found != "available":
            problem = "was deleted" if found else "does not exist"
            raise ModelError(
                f"version {choice!r} of {source_key} {problem}: deeplog-ops models list shows what there is"
            )
        return choice
    if choice == "keep":
        live = connection.execute(
            text(
                "SELECT run_id, version FROM deeplog.days "
                "WHERE source_id = :source_id AND day = :day AND run_id IS NOT NULL"
            ),
            key,
        ).one_or_none()
        if live is not None:
            version: str | None = live.version
            return version
    return connection.execute(
        text("SELECT version FROM deeplog.champions WHERE source_id = :source_id"), key
    ).scalar()


def _run(connection: Connection, run_id: int) -> Run:
    row = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM deeplog.runs r JOIN deeplog.sources s USING (source_id) WHERE run_id = :run_id"
        ),
        {"run_id": run_id},
    ).one_or_none()
    if row is None:
        raise DatabaseError(f"there is no run {run_id}")
    bounds = DayBounds(row.day, row.view_start, row.starts_at, row.ends_at)
    return Run(
        row.run_id,
        row.source_id,
        row.source_key,
        row.day,
        row.run_key,
        row.version,
        row.kind,
        bounds,
        row.config,
        row.config_hash,
        row.state,
        row.started_at,
        row.passed_to,
    )


def _instants(bounds: DayBounds) -> dict[str, Any]:
    return {"view_start": bounds.view_start, "start": bounds.start, "end": bounds.end}
