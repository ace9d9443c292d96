"""What people say: rows of their own, added and withdrawn, never changed, and no scored row changes for them.

The views of schema bi apply them at once, on days past too. What training learns from them is in feedback.py, under
this module's name as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.feedback import (
    KeptSession,
    LabelledSession,
    keep_sessions,
    kept_out,
    labelled_sessions,
    normal_sessions,
)
from deeplog_ops.db.feedback_findings import keep_findings
from deeplog_ops.db.rows import visible
from deeplog_ops.db.sources import source_of
from deeplog_ops.db.verdict_subjects import Scope, Subject, check_session_pattern
from deeplog_ops.errors import DatabaseError

__all__ = [
    "KeptSession",
    "LabelledSession",
    "Verdict",
    "VerdictKind",
    "check_session_pattern",
    "kept_out",
    "labelled_sessions",
    "normal_sessions",
    "record_verdict",
    "verdicts",
    "withdraw",
]


class VerdictKind(StrEnum):
    """What can be said. A true positive stays shown and is kept out of training; all others hide.

    A false positive is learnt as normal for good. Expected (until a day) and mute (until a day, or for good) hide and
    teach nothing.
    """

    FALSE_POSITIVE = "false_positive"
    TRUE_POSITIVE = "true_positive"
    EXPECTED = "expected"
    MUTE = "mute"

    @property
    def hides(self) -> bool:
        return self is not VerdictKind.TRUE_POSITIVE

    @property
    def teaches(self) -> bool:
        return self in (VerdictKind.FALSE_POSITIVE, VerdictKind.TRUE_POSITIVE)


@dataclass(frozen=True)
class Verdict:
    """What was said. `state` is holds, over (its last day is past) or withdrawn; `template` the text of a template."""

    verdict_id: int
    source: str
    kind: VerdictKind
    subject: Subject
    state: str
    created_at: datetime
    who: str
    note: str
    until: date | None
    template: str | None
    sessions_kept: int
    withdrawn_at: datetime | None
    withdrawn_by: str | None


def record_verdict(
    engine: Engine,
    source_key: str,
    kind: VerdictKind,
    subject: Subject,
    *,
    who: str,
    note: str = "",
    until: date | None = None,
    sessions: Sequence[KeptSession] = (),
) -> int:
    """Add a verdict, with the sessions that training shall learn from it, in one transaction; returns its number.

    Of two verdicts on the same thing the later one counts. Raises DatabaseError for an unknown source, for a pattern
    that PostgreSQL does not read, for `expected` without `until`, and for `until` with a verdict that is for good.
    """
    if kind is VerdictKind.EXPECTED and until is None:
        raise DatabaseError("expected until when? Name its last day; what is always so is a false positive")
    if until is not None and kind.teaches:
        raise DatabaseError(
            f"a {kind.replace('_', ' ')} is so for good and takes no last day: expected and mute do"
        )
    if sessions and not kind.teaches:
        raise ValueError(f"{kind} teaches nothing: no sessions are kept for it")
    if subject.session_like is not None and not subject.session_like.strip("%") and until is None:
        raise DatabaseError("this pattern is for every session there is: name the last day of it, too")
    check_session_pattern(engine, source_key, subject)
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key, lock="")
        values = {
            **subject.columns(),
            "source_id": source_id,
            "kind": str(kind),
            "who": visible(who),
            "note": visible(note),
            "until": until,
        }
        verdict_id = connection.execute(
            text(
                f"INSERT INTO deeplog.verdicts ({', '.join(values)}) "
                f"VALUES ({', '.join(':' + name for name in values)}) RETURNING verdict_id"
            ),
            values,
        ).scalar_one()
        normal = kind is VerdictKind.FALSE_POSITIVE
        keep_sessions(connection, source_id, verdict_id, sessions, normal=normal)
        if kind.teaches:
            keep_findings(connection, source_id, source_key, verdict_id, subject)
        # The new row holds the source's against removal from here on: had it gone before, nothing is said.
        source_of(connection, source_key, lock="")
        return int(verdict_id)


def verdicts(engine: Engine, source_key: str | None = None, *, withdrawn: bool = True) -> list[Verdict]:
    """What was said of a source, or of all, the latest first."""
    with transaction(engine) as connection:
        if source_key is not None:
            source_of(connection, source_key, lock="")
        rows = connection.execute(
            text(
                "SELECT * FROM bi.verdicts WHERE (CAST(:source_key AS text) IS NULL OR source_key = :source_key) "
                "AND (:withdrawn OR state <> 'withdrawn') ORDER BY verdict_id DESC"
            ),
            {"source_key": source_key, "withdrawn": withdrawn},
        )
        return [
            Verdict(
                row.verdict_id,
                row.source,
                VerdictKind(row.verdict),
                _subject(row.scope, row),
                *(row.state, row.created_at, row.who, row.note, row.until, row.template),
                *(row.sessions_kept, row.withdrawn_at, row.withdrawn_by),
            )
            for row in rows
        ]


def withdraw(engine: Engine, verdict_id: int, *, who: str) -> Verdict:
    """Take a verdict back, at once and for all days; returns it as it was. It stays on record.

    What training has learnt from it stays in the versions that did; later ones learn without it. Raises DatabaseError.
    """
    found = {verdict.verdict_id: verdict for verdict in verdicts(engine)}
    with transaction(engine) as connection:
        done = connection.execute(
            text(
                "UPDATE deeplog.verdicts SET withdrawn_at = now(), withdrawn_by = :who "
                "WHERE verdict_id = :verdict_id AND withdrawn_at IS NULL"
            ),
            {"verdict_id": verdict_id, "who": visible(who)},
        ).rowcount
    if done:
        return found[verdict_id]
    if verdict_id in found:
        gone = found[verdict_id]
        raise DatabaseError(
            f"verdict {verdict_id} was withdrawn already, {gone.withdrawn_at:%Y-%m-%d %H:%M} UTC by {gone.withdrawn_by}"
        )
    standing = [str(number) for number, verdict in found.items() if verdict.withdrawn_at is None][:10]
    raise DatabaseError(
        f"there is no verdict {verdict_id}; the latest that hold: {', '.join(standing) or 'none'}"
    )


def _subject(scope: Scope, row: object) -> Subject:
    names = [name for name in Subject.__dataclass_fields__ if name != "scope"]
    return Subject(scope, **{name: getattr(row, name) for name in names})
