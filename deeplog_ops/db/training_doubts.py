"""What trainings would ask a person, a list for each model version; the answers are verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import copy, visible
from deeplog_ops.db.sources import source_of
from deeplog_ops.records import LineRef

_COLUMNS = (
    "source_id", "version", "rank", "doubt_id", "kind", "sessions", "share", "nats", "reason", "run_id", "day", "session",
    "first_time", "last_time", "event_count", "file_id", "line_no", "byte_offset", "sequence_ids", "known_answers",
)  # fmt: skip


@dataclass(frozen=True)
class TrainingDoubt:
    """A group of training sessions that only vouch for each other. `share` is of all sessions of the training, `where`
    the first line of the example, `sequence_ids` those of the group in the stage "sessions" of the run. `known_answers` are
    verdicts on it that held when the training read what people said: it asks in spite of them."""

    doubt_id: str
    kind: str
    sessions: int
    share: float
    nats: float
    reason: str
    run_id: int
    sequence_ids: tuple[str, ...]
    day: date
    session: str
    first_time: datetime | None
    last_time: datetime | None
    event_count: int
    where: LineRef
    known_answers: tuple[int, ...] = ()


@dataclass(frozen=True)
class AskedDoubt:
    """A doubt as a person reads it; `verdict` is what was answered, None: nothing yet. `path` is where the file of the
    example was seen last."""

    rank: int
    doubt_id: str
    kind: str
    sessions: int
    share: float
    sequences: int
    reason: str
    day: date
    session: str
    event_count: int
    path: str | None
    line_no: int
    verdict: str | None
    verdict_id: int | None


def answers(engine: Engine, source_key: str) -> Mapping[str, tuple[int, ...]]:
    """The answers that hold now: of each doubt that has some their numbers, in order. A training asks for them before it
    reads what people said, so that those named here were read."""
    found: dict[str, list[int]] = defaultdict(list)
    with transaction(engine) as connection:
        for row in connection.execute(
            text(
                "SELECT doubt_id, verdict_id FROM deeplog.verdicts WHERE source_id = :source_id AND scope = 'doubt' "
                "AND withdrawn_at IS NULL ORDER BY verdict_id"
            ),
            {"source_id": source_of(connection, source_key, lock="")},
        ):
            found[row.doubt_id].append(row.verdict_id)
    return {doubt_id: tuple(numbers) for doubt_id, numbers in found.items()}


def write_doubts(engine: Engine, source_key: str, version: str, doubts: Sequence[TrainingDoubt]) -> None:
    """Put the doubts of a registered version, the most telling first, in place of those written before."""
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key)
        delete_doubts(connection, source_id, [version])
        _note_error(connection, source_id, version, None)
        copy(
            connection,
            "deeplog.training_doubts",
            _COLUMNS,
            (
                (
                    *(
                        source_id,
                        version,
                        rank,
                        each.doubt_id,
                        each.kind,
                        each.sessions,
                        each.share,
                        each.nats,
                    ),
                    *(each.reason, each.run_id, each.day, each.session, each.first_time, each.last_time),
                    *(each.event_count, each.where.file_id, each.where.line_no, each.where.byte_offset),
                    "{" + ",".join(each.sequence_ids) + "}",  # hashes: nothing in them needs quotes
                    "{" + ",".join(map(str, each.known_answers)) + "}",
                )
                for rank, each in enumerate(doubts, 1)
            ),
        )


def note_unasked(engine: Engine, source_key: str, version: str, error: str) -> None:
    """Say of a registered version why its training could not ask. What it asked before stands no more."""
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key)
        delete_doubts(connection, source_id, [version])
        _note_error(connection, source_id, version, visible(error))


def unasked(engine: Engine, source_key: str, version: str | None) -> str | None:
    """Why the training of a version could not ask; None where it could."""
    with transaction(engine) as connection:
        found: str | None = connection.execute(
            text(
                "SELECT doubts_error FROM deeplog.models WHERE source_id = :source_id AND version = :version"
            ),
            {"source_id": source_of(connection, source_key, lock=""), "version": version},
        ).scalar()
        return found


def _note_error(connection: Connection, source_id: int, version: str, error: str | None) -> None:
    connection.execute(
        text(
            "UPDATE deeplog.models SET doubts_error = :error WHERE source_id = :source_id AND version = :version"
        ),
        {"source_id": source_id, "version": version, "error": error},
    )


def hand_on_doubts(engine: Engine, source_key: str, version: str, updated: str) -> None:
    """Give an updated version the doubts of the version that it was made of, or why it has none: its training is the
    same."""
    columns = ", ".join(_COLUMNS)
    taken = columns.replace("version", ":updated", 1)
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key)
        delete_doubts(connection, source_id, [updated])
        connection.execute(
            text(
                f"INSERT INTO deeplog.training_doubts ({columns}) SELECT {taken} FROM deeplog.training_doubts "
                "WHERE source_id = :source_id AND version = :version"
            ),
            {"source_id": source_id, "version": version, "updated": updated},
        )
        connection.execute(
            text(
                "UPDATE deeplog.models AS u SET doubts_error = m.doubts_error FROM deeplog.models m "
                "WHERE (u.source_id, u.version) = (:source_id, :updated) "
                "AND (m.source_id, m.version) = (:source_id, :version)"
            ),
            {"source_id": source_id, "version": version, "updated": updated},
        )


def doubts_of(engine: Engine, source_key: str, version: str) -> list[AskedDoubt]:
    """The doubts of a version with what people answered, the most telling first."""
    with transaction(engine) as connection:
        rows = connection.execute(
            text(
                "SELECT d.rank, d.doubt_id, d.kind, d.sessions, d.share, d.sequences, d.reason, d.day, d.session, "
                "d.event_count, f.path, d.line_no, d.verdict, d.verdict_id FROM bi.training_doubts d LEFT JOIN LATERAL "
                "(SELECT path FROM deeplog.raw_files r WHERE r.source_id = :source_id AND r.file_id = d.file_id "
                "ORDER BY last_seen_at DESC, path LIMIT 1) f ON true "
                "WHERE d.source_key = :source_key AND d.model_version = :version ORDER BY d.rank"
            ),
            {
                "source_id": source_of(connection, source_key, lock=""),
                "source_key": source_key,
                "version": version,
            },
        )
        return [AskedDoubt(*row) for row in rows]


def awaiting(engine: Engine, source_key: str, version: str | None) -> int:
    """How many doubts of a version nobody has answered."""
    if version is None:
        return 0
    return sum(doubt.verdict is None for doubt in doubts_of(engine, source_key, version))


def doubt(engine: Engine, source_key: str, doubt_id: str) -> TrainingDoubt | None:
    """What the latest run that has it says of a doubt; None where no version has it any more."""
    with transaction(engine) as connection:
        row = connection.execute(
            text(
                "SELECT * FROM deeplog.training_doubts WHERE source_id = :source_id AND doubt_id = :doubt_id "
                "ORDER BY run_id DESC, version LIMIT 1"
            ),
            {"source_id": source_of(connection, source_key, lock=""), "doubt_id": doubt_id},
        ).one_or_none()
    if row is None:
        return None
    lists = ("sequence_ids", "known_answers")
    names = [name for name in TrainingDoubt.__dataclass_fields__ if name not in ("where", *lists)]
    return TrainingDoubt(
        **{name: getattr(row, name) for name in names},
        sequence_ids=tuple(row.sequence_ids),
        known_answers=tuple(row.known_answers),
        where=LineRef(row.file_id, row.line_no, row.byte_offset),
    )


def delete_doubts(connection: Connection, source_id: int, versions: Sequence[str]) -> None:
    """Delete the doubts of versions that are no longer kept."""
    connection.execute(
        text("DELETE FROM deeplog.training_doubts WHERE source_id = :source_id AND version = ANY(:versions)"),
        {"source_id": source_id, "versions": list(versions)},
    )
