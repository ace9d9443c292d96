"""Raw files in the ledger: those a source has, and the manifest of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import copy, opened_by, visible, visible_or_none
from deeplog_ops.db.sources import source_of
from deeplog_ops.records import RawFile

_COLUMNS = (
    "file_id",
    "path",
    "size",
    "modified",
    "compression",
    "read_to",
    "first_time",
    "last_time",
    "duplicate_of",
    "day_hint",
)
_RAW_FILE = ", ".join(_COLUMNS)

# A file that has grown was not read to its end: its last time is not known any more, and its first one is a peek.
# Sorted, so that two runs that see the same files cannot deadlock; what is the same is written once an hour at most.
_SEE = f"""
INSERT INTO deeplog.raw_files AS f (source_id, {_RAW_FILE})
SELECT source_id, {_RAW_FILE} FROM seen_files, deeplog.runs WHERE run_id = :run_id ORDER BY file_id, path
ON CONFLICT (source_id, file_id, path) DO UPDATE SET
    size = excluded.size,
    modified = excluded.modified,
    compression = excluded.compression,
    read_to = excluded.read_to,
    first_time = CASE WHEN NOT :anew AND f.size = excluded.size AND f.last_time IS NOT NULL THEN f.first_time
                      ELSE excluded.first_time END,
    last_time = coalesce(excluded.last_time, CASE WHEN NOT :anew AND f.size = excluded.size THEN f.last_time END),
    duplicate_of = excluded.duplicate_of,
    day_hint = excluded.day_hint,
    last_seen_at = now()
WHERE f.last_seen_at < now() - interval '1 hour'
    OR (f.size, f.modified, f.compression, f.read_to, f.duplicate_of, f.day_hint) IS DISTINCT FROM
       (excluded.size, excluded.modified, excluded.compression, excluded.read_to, excluded.duplicate_of,
        excluded.day_hint)
    OR (excluded.first_time, excluded.last_time) IS DISTINCT FROM (f.first_time, f.last_time)
"""


def record_files(
    engine: Engine,
    run_id: int,
    seen: Sequence[RawFile],
    touching: Sequence[RawFile] | None = None,
    *,
    anew: bool = False,
) -> None:
    """Note all files of the source as `seen`, and keep those `touching` the run (default: all) as its manifest.

    The manifest keeps its order and replaces one recorded before. With `anew` the times that are known are those that
    `seen` has, even where a file was read to its end before.
    """
    manifest = seen if touching is None else touching
    with transaction(engine) as connection:
        connection.execute(
            text("SELECT 1 FROM deeplog.runs WHERE run_id = :run_id FOR UPDATE"), {"run_id": run_id}
        )
        connection.execute(text("DELETE FROM deeplog.run_files WHERE run_id = :run_id"), {"run_id": run_id})
        copy(
            connection,
            "deeplog.run_files",
            ("run_id", "ordinal", *_COLUMNS),
            ((run_id, ordinal, *row) for ordinal, row in enumerate(map(_row, manifest))),
        )
        _see(connection, run_id, map(_row, seen), anew)


def _see(connection: Connection, run_id: int, rows: Iterable[tuple[Any, ...]], anew: bool) -> None:
    connection.execute(
        text(
            f"CREATE TEMPORARY TABLE seen_files ON COMMIT DROP AS SELECT {_RAW_FILE} FROM deeplog.raw_files LIMIT 0"
        )
    )
    copy(connection, "seen_files", _COLUMNS, rows)
    connection.execute(text(_SEE), {"run_id": run_id, "anew": anew})


def files_found_with(engine: Engine, source_key: str) -> Mapping[str, Any] | None:
    """The configuration with which the source's files were noted last; None where they never were."""
    with transaction(engine) as connection:
        return connection.execute(
            text("SELECT config FROM deeplog.runs WHERE run_id = :run_id"),
            {"run_id": noted_last_by(connection, source_of(connection, source_key))},
        ).scalar()


def noted_last_by(connection: Connection, source_id: int) -> int | None:
    """The run that noted the source's files last; None where none did. It stays when others are deleted: its configuration
    says how the times that are known of the files were read."""
    return connection.execute(
        text(
            "SELECT r.run_id FROM deeplog.runs r JOIN deeplog.run_stages s USING (run_id) "
            "WHERE r.source_id = :source_id AND s.stage = 'find_files' AND s.state = 'done' "
            "ORDER BY s.finished_at DESC LIMIT 1"
        ),
        {"source_id": source_id},
    ).scalar()


def raw_files(engine: Engine, source_key: str) -> list[RawFile]:
    """Every file of a source as it was last seen, by path. `last_time` is set once a file was read to its end."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                f"SELECT {_RAW_FILE} FROM deeplog.raw_files "
                "WHERE source_id = :source_id ORDER BY path, file_id"
            ),
            {"source_id": source_of(connection, source_key)},
        )
        return [_file(row._mapping) for row in rows]


def run_files(engine: Engine, run_id: int) -> list[RawFile]:
    """The manifest of a run, as it was recorded."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(f"SELECT {_RAW_FILE} FROM deeplog.run_files WHERE run_id = :run_id ORDER BY ordinal"),
            {"run_id": run_id},
        )
        return [_file(row._mapping) for row in rows]


def _file(row: Mapping[Any, Any]) -> RawFile:
    return RawFile(
        **{
            **row,
            "path": opened_by(row["path"]),
            "duplicate_of": row["duplicate_of"] and opened_by(row["duplicate_of"]),
        }
    )


def _row(file: RawFile) -> tuple[Any, ...]:
    return (
        file.file_id,
        visible(file.path),
        file.size,
        file.modified,
        file.compression,
        file.read_to,
        file.first_time,
        file.last_time,
        visible_or_none(file.duplicate_of),
        file.day_hint,
    )
