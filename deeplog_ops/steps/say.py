"""What a person says of what was found: the verdict, and with it the sessions that training shall learn or leave out.

Their keys, times and parameters are read from the lake while it has them, and kept beyond its retention.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from deeplog_ops.db import feedback, ledger, readers, verdicts
from deeplog_ops.db.feedback import KeptSession, Target
from deeplog_ops.db.feedback_findings import keep_later_findings, kept_for
from deeplog_ops.db.verdict_subjects import Subject, find_anomaly, find_doubt, find_incident, find_template
from deeplog_ops.db.verdicts import VerdictKind
from deeplog_ops.errors import DatabaseError, LakeError
from deeplog_ops.records import PartitionRef
from deeplog_ops.steps.doubt_sessions import sessions_of_doubt
from deeplog_ops.steps.kept_sessions import COLUMNS, frames, with_values
from deeplog_ops.steps.workplace import Workplace

log = logging.getLogger(__name__)

# A verdict on a template or a pattern may speak of thousands of sessions, which teach the same.
MOST_SESSIONS = 500


@dataclass(frozen=True)
class Said:
    """A verdict that was recorded: the published anomalies that it names now, and the sessions kept for training.

    `gone` names those whose lines the lake has no more, `beyond` counts those left out for their number, and
    `sessionless` says that anomalies were named, and none with a session to learn. `rates` is how many odd rates training
    learns, `rules` which rules are hidden for which templates.
    """

    verdict_id: int
    kind: VerdictKind
    subject: Subject
    anomalies: int
    kept: int
    gone: tuple[tuple[date, str], ...]
    beyond: int
    sessionless: bool
    rates: int = 0
    rules: tuple[tuple[str, str], ...] = ()


def subject_of(
    place: Workplace,
    source_name: str,
    *,
    anomaly: str | None = None,
    incident: str | None = None,
    template: str | None = None,
    session: str | None = None,
    doubt: str | None = None,
) -> Subject:
    """What is spoken of, by one of: an anomaly's id, an incident's id or fingerprint, a template's id, the id of a doubt
    (all of them or their beginning), or a pattern for names of sessions. Raises DatabaseError that names the nearest."""
    key = place.registered(source_name).key
    given = [value for value in (anomaly, incident, template, session, doubt) if value is not None]
    if len(given) != 1:
        raise ValueError("name one of anomaly, incident, template, session and doubt")
    if anomaly is not None:
        return find_anomaly(place.engine, key, anomaly)
    if incident is not None:
        return find_incident(place.engine, key, incident)
    if template is not None:
        return find_template(place.engine, key, template)
    if doubt is not None:
        return find_doubt(place.engine, key, doubt)
    return Subject.session(given[0])


def say_verdict(
    place: Workplace,
    source_name: str,
    kind: VerdictKind,
    subject: Subject,
    *,
    who: str,
    note: str = "",
    until: date | None = None,
) -> Said:
    """Record a verdict together with what training learns from it. The views honour it at once, on all days."""
    key = place.registered(source_name).key
    verdicts.check_session_pattern(place.engine, key, subject)
    anomalies, named = feedback.targets(place.engine, key, subject, until)
    wanted = named[:MOST_SESSIONS] if kind.teaches else []
    beyond = len(named) - len(wanted) if kind.teaches else 0
    kept = sessions_of(place, key, wanted)
    if subject.doubt_id is not None:
        if not kind.teaches:
            raise DatabaseError(
                f"a doubt of a training is answered by a true or a false positive; {kind} teaches nothing"
            )
        real = kind is VerdictKind.TRUE_POSITIVE
        kept, beyond = sessions_of_doubt(place, key, subject.doubt_id, MOST_SESSIONS, real=real)
    verdict_id = verdicts.record_verdict(
        place.engine, key, kind, subject, who=who, note=note, until=until, sessions=kept
    )
    found = kept_for(place.engine, verdict_id)
    return Said(
        verdict_id,
        kind,
        subject,
        anomalies,
        kept=sum(session.keys is not None for session in kept),
        gone=tuple((session.day, session.session) for session in kept if session.keys is None),
        beyond=beyond,
        sessionless=kind.teaches and anomalies > 0 and not named,
        rates=found.rates,
        rules=found.rules
        if kind is VerdictKind.FALSE_POSITIVE and subject.scope in ("anomaly", "incident")
        else (),
    )


def keep_what_was_said(place: Workplace, source_name: str) -> int:
    """Keep the sessions that later days brought to verdicts on incidents, templates and patterns; returns how many.

    Training calls it before it learns. It may be called at any time, and again.
    """
    key = place.registered(source_name).key
    keep_later_findings(place.engine, key)
    kept = 0
    for verdict in feedback.unkept(place.engine, key):
        room = max(0, MOST_SESSIONS - verdict.kept)
        found = sessions_of(place, key, verdict.targets[:room])
        feedback.keep_more(place.engine, key, verdict, found)
        kept += sum(session.keys is not None for session in found)
    return kept


def sessions_of(place: Workplace, source_key: str, targets: Sequence[Target]) -> list[KeptSession]:
    """The sessions of the days' live runs as training reads them; without keys where the lake has them no more."""
    by_day: dict[date, list[Target]] = defaultdict(list)
    for target in targets:
        by_day[target.day].append(target)
    kept: list[KeptSession] = []
    for day, wanted in sorted(by_day.items()):
        found = _of_day(place, source_key, day, wanted)
        there = {session.session for session in found}
        kept += found
        kept += [
            KeptSession(day, name)
            for name in dict.fromkeys(target.session for target in wanted)
            if name not in there
        ]
    return kept


def _of_day(place: Workplace, source_key: str, day: date, wanted: Sequence[Target]) -> list[KeptSession]:
    status = readers.coverage(place.engine, source_key, day, day)
    run_id = status[0].run_id if status else None
    if run_id is None or not {"sessions", "events"} <= ledger.committed_stages(place.engine, run_id):
        return []
    try:
        return _read(place, run_id, day, wanted)
    except LakeError as error:
        log.warning("what was said of %s %s is kept without its lines: %s", source_key, day, error)
        return []


def _read(place: Workplace, run_id: int, day: date, wanted: Sequence[Target]) -> list[KeptSession]:
    sessions = _sessions(place, ledger.partition(place.engine, run_id, "sessions"), wanted)
    return with_values(place, run_id, sessions.with_columns(pl.lit(day).alias("day")))


def _sessions(place: Workplace, ref: PartitionRef, wanted: Sequence[Target]) -> pl.DataFrame:
    """Of the sessions judged on the day those named, and of one that was cut the pieces that were flagged."""
    named = pl.DataFrame(
        {
            "session": [target.session for target in wanted],
            "from": [target.first_time for target in wanted],
            "to": [target.last_time for target in wanted],
        },
        {"session": pl.String, "from": pl.Datetime("us", "UTC"), "to": pl.Datetime("us", "UTC")},
    )
    parts = []
    for frame in frames(place, ref, COLUMNS):
        met = frame.filter(pl.col("judged")).join(named, on="session", how="inner")
        overlaps = (pl.col("first_time") <= pl.col("to")) & (pl.col("last_time") >= pl.col("from"))
        parts.append(met.filter(overlaps.fill_null(True)))
    return pl.concat(parts).unique(["session", "piece"]).sort("session", "piece")
