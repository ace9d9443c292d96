"""What training learns from verdicts: sessions of false positives, kept for good, and those to leave out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import json_text, visible
from deeplog_ops.db.sources import source_of
from deeplog_ops.db.verdict_subjects import Subject

# Of the verdicts that hold on a session the nearest to it counts, and of two as near the later one, as in bi.anomalies.
_COUNTED = """
SELECT DISTINCT ON (f.day, f.session, f.piece)
    f.day, f.session, f.piece, f.normal, f.keys, f.times, f.parameters, f.numbers, v.doubt_kind
FROM deeplog.feedback_sessions f
JOIN deeplog.verdicts v USING (source_id, verdict_id)
WHERE f.source_id = :source_id AND v.withdrawn_at IS NULL AND NOT EXISTS (
    SELECT FROM deeplog.verdicts later -- the later answer to a doubt is about all that the earlier one kept
    WHERE later.source_id = v.source_id AND later.doubt_id = v.doubt_id AND later.scope = 'doubt'
        AND later.withdrawn_at IS NULL AND later.verdict_id > v.verdict_id
)
ORDER BY f.day, f.session, f.piece,
    array_position(ARRAY['anomaly', 'doubt', 'incident', 'session', 'template'], v.scope), v.verdict_id DESC
"""
MATCHES = {
    "anomaly": "a.day = :day AND a.anomaly_id = :anomaly_id",
    "incident": "EXISTS (SELECT FROM deeplog.incidents i WHERE (i.source_id, i.day, i.incident_id) = "
    "(a.source_id, a.day, a.incident_id) AND i.fingerprint = :fingerprint)",
    "template": "a.template_id IN (SELECT kin.template_id FROM bi.templates own JOIN bi.templates kin "
    "USING (source_key, root_id) WHERE own.source_key = :source_key AND own.template_id = :template_id)",
    "session": "(a.session LIKE :session_like OR a.session ~ :session_regex)",
    "doubt": "false",  # its sessions are the training's
}


@dataclass(frozen=True)
class KeptSession:
    """A session as training reads it. One entry an event in each list: its key (a template id), its time, what stood
    at each <*> of its template, and the same as numbers (None where it is none).

    All four are None where the lines were gone already; then it can be left out, and not learnt.
    """

    day: date
    session: str
    piece: int = 0
    keys: tuple[str, ...] | None = None
    times: tuple[datetime | None, ...] | None = None
    parameters: tuple[tuple[str, ...], ...] | None = None
    numbers: tuple[tuple[float | None, ...], ...] | None = None
    doubt_kind: str | None = None  # of the doubt of a training that it answers: it was learnt from already


@dataclass(frozen=True)
class LabelledSession:
    """A session with a label from people, for detectors that learn from labels."""

    day: date
    session: str
    keys: tuple[str, ...]
    anomalous: bool


@dataclass(frozen=True)
class Target:
    """A published anomaly's session, of which its verdict teaches: what of the day's sessions to look for."""

    day: date
    session: str
    first_time: datetime | None
    last_time: datetime | None


@dataclass(frozen=True)
class Unkept:
    """A verdict that teaches, sessions that it speaks of and that are not kept for it, and how many are."""

    verdict_id: int
    normal: bool
    kept: int
    targets: tuple[Target, ...]


def targets(
    engine: Engine, source_key: str, subject: Subject, until: date | None = None
) -> tuple[int, list[Target]]:
    """How many published anomalies up to a day a subject names, and their sessions, the latest day first."""
    with transaction(engine) as connection:
        key = {"source_id": source_of(connection, source_key, lock=""), "source_key": source_key}
        rows = connection.execute(
            text(
                "SELECT a.day, a.session, min(a.first_time), max(a.last_time), count(*) AS anomalies "
                f"FROM deeplog.anomalies a WHERE a.source_id = :source_id AND {MATCHES[subject.scope]} "
                "AND (CAST(:until AS date) IS NULL OR a.day <= :until) "
                "GROUP BY a.day, a.session ORDER BY a.day DESC, a.session"
            ),
            {**subject.columns(), **key, "until": until},
        ).all()
        found = [Target(*row[:4]) for row in rows if row.session is not None]
        return sum(row.anomalies for row in rows), found


def unkept(engine: Engine, source_key: str) -> list[Unkept]:
    """What later days brought to verdicts about incidents, templates and patterns: sessions that are not kept yet."""
    with transaction(engine) as connection:
        key = {"source_key": source_key, "source_id": source_of(connection, source_key, lock="")}
        rows = connection.execute(
            text(
                "SELECT a.verdict_id, a.verdict, a.day, a.session, min(a.first_time) AS first_time, "
                "max(a.last_time) AS last_time FROM bi.anomalies a WHERE a.source_key = :source_key "
                "AND a.verdict IN ('false_positive', 'true_positive') AND a.session IS NOT NULL AND NOT EXISTS "
                "(SELECT FROM deeplog.feedback_sessions f WHERE (f.source_id, f.verdict_id, f.day, f.session) = "
                "(:source_id, a.verdict_id, a.day, a.session)) GROUP BY 1, 2, 3, 4 ORDER BY 1, 3 DESC, 4"
            ),
            key,
        ).all()
        kept = connection.execute(
            text(
                "SELECT verdict_id, count(*) AS sessions FROM deeplog.feedback_sessions "
                "WHERE source_id = :source_id GROUP BY verdict_id"
            ),
            key,
        )
        already = {row.verdict_id: row.sessions for row in kept}
    found: dict[tuple[int, bool], list[Target]] = {}
    for row in rows:
        target = Target(row.day, row.session, row.first_time, row.last_time)
        found.setdefault((row.verdict_id, row.verdict == "false_positive"), []).append(target)
    return [
        Unkept(number, normal, already.get(number, 0), tuple(some))
        for (number, normal), some in found.items()
    ]


def keep_more(engine: Engine, source_key: str, verdict: Unkept, sessions: Sequence[KeptSession]) -> None:
    """Keep sessions for a verdict that holds already."""
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key, lock="")
        keep_sessions(connection, source_id, verdict.verdict_id, sessions, normal=verdict.normal)


def keep_sessions(
    connection: Connection, source_id: int, verdict_id: int, sessions: Sequence[KeptSession], *, normal: bool
) -> None:
    """Keep sessions for a verdict. One whose lines are gone is kept by name, where it is to be left out."""
    rows = [
        {
            "source_id": source_id,
            "verdict_id": verdict_id,
            "normal": normal,
            "day": kept.day,
            "session": visible(kept.session),
            "piece": kept.piece,
            "keys": None if kept.keys is None else list(kept.keys),
            "times": None if kept.times is None else list(kept.times),
            "parameters": None if kept.parameters is None else json_text(kept.parameters),
            "numbers": None if kept.numbers is None else json_text(kept.numbers),
        }
        for kept in sessions
        if kept.keys is not None or not normal
    ]
    if rows:
        connection.execute(
            text(
                "INSERT INTO deeplog.feedback_sessions (source_id, verdict_id, normal, day, session, piece, keys, "
                "times, parameters, numbers) VALUES (:source_id, :verdict_id, :normal, :day, :session, :piece, "
                "CAST(:keys AS text[]), CAST(:times AS timestamptz[]), CAST(:parameters AS jsonb), "
                "CAST(:numbers AS jsonb)) ON CONFLICT DO NOTHING"
            ),
            rows,
        )


def normal_sessions(engine: Engine, source_key: str) -> Iterator[KeptSession]:
    """The sessions of false positives that hold, each piece once, by day, session and piece.

    They are read in one transaction as they are asked for, a few at a time.
    """
    yield from map(_kept, _counted(engine, source_key, "normal"))


def abnormal_sessions(engine: Engine, source_key: str) -> Iterator[KeptSession]:
    """The sessions of true positives that hold and whose lines were kept; else as `normal_sessions`."""
    yield from map(_kept, _counted(engine, source_key, "NOT normal AND keys IS NOT NULL"))


def labelled_sessions(engine: Engine, source_key: str) -> Iterator[LabelledSession]:
    """All kept sessions with what people called them, each piece once, by day, session and piece."""
    for row in _counted(engine, source_key, "keys IS NOT NULL"):
        yield LabelledSession(row.day, row.session, tuple(row.keys), not row.normal)


def kept_out(engine: Engine, source_key: str, first_day: date, last_day: date) -> set[tuple[date, str]]:
    """Day and session of all that a training on these days leaves out: what is known to be a true positive.

    These are the sessions kept for true positives, and those of published anomalies that a true positive stands for.
    """
    with transaction(engine) as connection:
        key = {
            "source_id": source_of(connection, source_key, lock=""),
            "source_key": source_key,
            "first": first_day,
            "last": last_day,
        }
        stored = connection.execute(
            text(
                f"SELECT day, session FROM ({_COUNTED}) counted "
                "WHERE NOT normal AND day BETWEEN :first AND :last"
            ),
            key,
        )
        found = {(row.day, row.session) for row in stored}
        published = connection.execute(
            text(
                "SELECT DISTINCT day, session FROM bi.anomalies WHERE source_key = :source_key "
                "AND day BETWEEN :first AND :last AND verdict = 'true_positive' AND session IS NOT NULL"
            ),
            key,
        )
        return found | {(row.day, row.session) for row in published}


def _counted(engine: Engine, source_key: str, condition: str) -> Iterator[Any]:
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key, lock="")
        streamed = connection.execution_options(stream_results=True, max_row_buffer=256)
        yield from streamed.execute(
            text(f"SELECT * FROM ({_COUNTED}) counted WHERE {condition} ORDER BY day, session, piece"),
            {"source_id": source_id},
        )


def _kept(row: Any) -> KeptSession:
    return KeptSession(
        row.day,
        row.session,
        row.piece,
        tuple(row.keys),
        tuple(row.times),
        tuple(tuple(some) for some in row.parameters),
        tuple(tuple(_number(value) for value in some) for some in row.numbers),
        row.doubt_kind,
    )


def _number(value: float | str | None) -> float | None:
    return None if value is None else float(value)  # what JSON has no number for is kept by its name
