"""What an updated version must show before it may be the champion: nothing known is lost, and no alarm is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deeplog_ops.config import SourceConfig
from deeplog_ops.db import feedback
from deeplog_ops.db.feedback import KeptSession
from deeplog_ops.db.feedback_findings import said_rates
from deeplog_ops.steps.feedback_version import rehearsal
from deeplog_ops.steps.fit_rates import PART as RATES
from deeplog_ops.steps.flagging import Flagging
from deeplog_ops.steps.recent_days import Compared, compare
from deeplog_ops.steps.vouched_rates import contradicted
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.templates.catalogue import Catalogue

FORGOTTEN = 0.1  # nats by which what was rehearsed may surprise the key model more than before
NAMED = 3  # sessions that a message names


@dataclass(frozen=True)
class Check:
    """One of the checks, with its figures in words and as numbers."""

    name: str
    passed: bool
    words: str
    numbers: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        return {"check": self.name, "passed": self.passed, "words": self.words, **self.numbers}


def checks(
    place: Workplace,
    source: SourceConfig,
    champion: ModelVersion,
    updated: ModelVersion,
    learnt: Sequence[KeptSession],
) -> list[Check]:
    """All of them, in the order in which they matter."""
    before, after = Flagging(champion, source), Flagging(updated, source)
    days = compare(place, before, after)
    return [
        _true_positives(place, before, after),
        _false_positives(before, after, learnt),
        _normals(before, after, days),
        _anomalies(after, days, learnt),
        _forgetting(updated),
    ]


def rates_check(place: Workplace, source: SourceConfig, updated: ModelVersion, learnt: int) -> Check:
    """No odd rate that people called real may pass for what they called normal."""
    real = said_rates(place.engine, source.key, normal=False)
    resolve = Catalogue.from_rows(updated.catalogue).resolve
    lost = contradicted(updated.parts[RATES], real, source.reading.zone, resolve)
    words = f"{learnt} odd rates are learnt to be normal, and {len(real) - len(lost)} of {len(real)} real ones stay odd"
    if lost:
        words += "; lost: " + ", ".join(f"{each.anomaly_id} of {each.day}" for each in lost[:NAMED])
    return Check("rates", not lost, words, {"learnt": learnt, "real": len(real), "lost": len(lost)})


def _true_positives(place: Workplace, before: Flagging, after: Flagging) -> Check:
    known = list(feedback.abnormal_sessions(place.engine, before.source.key))
    found = before.kept(known)
    lost = np.flatnonzero(found & ~after.kept(known)).tolist()
    words = f"{found.sum() - len(lost)} of {found.sum()} true positives that the champion finds are found"
    if lost:
        words += f"; lost {'is' if len(lost) == 1 else 'are'} {_named([known[row] for row in lost])}"
    return Check("true positives", not lost, words, {"found_before": int(found.sum()), "lost": len(lost)})


def _false_positives(before: Flagging, after: Flagging, learnt: Sequence[KeptSession]) -> Check:
    was, still = before.kept(learnt), after.kept(learnt)
    left = np.flatnonzero(still).tolist()
    words = f"{len(learnt) - len(left)} of {len(learnt)} false positives are flagged no more"
    if left:
        words += (
            f"; still flagged {'is' if len(left) == 1 else 'are'} {_named([learnt[row] for row in left])}"
        )
    elif not was.all():
        words += f" ({int((~was).sum())} of these the champion does not flag either)"
    return Check("false positives", not left, words, {"learnt": len(learnt), "still_flagged": len(left)})


def _normals(before: Flagging, after: Flagging, days: Compared) -> Check:
    """Of the champion's training, and of the sessions of recent days that nobody called anything."""
    known = rehearsal(before.version, {}, 1)
    sequences, sessions = list(known), np.array(list(known.values()))
    pass_now = ~before.sequences(sequences)
    risen = pass_now & after.sequences(sequences)
    budget = before.source.detection.false_alarms
    trained, more = int(sessions[pass_now].sum()), int(sessions[risen].sum())
    allowed_trained, allowed = int(budget * trained), int(budget * days.passed)
    words = (
        f"of {trained:,} training sessions that passed {more:,} would be flagged ({allowed_trained:,} allowed); "
        f"of {days.passed:,} of {_days(days)} {days.risen:,} ({allowed:,} allowed)"
    )
    return Check(
        "normal sessions",
        more <= allowed_trained and days.risen <= allowed,
        words,
        {"training": trained, "training_risen": more, "recent": days.passed, "recent_risen": days.risen},
    )


def _anomalies(after: Flagging, days: Compared, learnt: Sequence[KeptSession]) -> Check:
    """What is lost of recent days must look like what was called a false alarm: the same fingerprint."""
    names = {(session.day, session.session) for session in learnt}
    prints: dict[tuple[Any, str], set[str | None]] = {}
    for spoken in days.spoken:
        prints.setdefault((spoken.day, spoken.session), set()).add(spoken.fingerprint)
    alike = set().union(*(prints.get(name, set()) for name in names)) - {None}
    resolve = Catalogue.from_rows(after.version.catalogue).resolve
    counts = {tuple(sorted(map(resolve, session.keys))) for session in learnt if session.keys}
    other = [
        name
        for name, keys in sorted(days.lost.items())
        if name not in names and not prints.get(name, set()) & alike and tuple(sorted(keys)) not in counts
    ]
    like = len(days.lost) - len(other)
    words = f"of {days.flagged:,} anomalous sessions of {_days(days)} {days.flagged - len(days.lost):,} are found still"
    if like:
        words += f", {like:,} look like a false positive"
    if other:
        some = ", ".join(f"{name} of {day}" for day, name in other[:NAMED])
        words += f", and {len(other):,} that do not are lost: {some}"
    return Check(
        "anomalies of recent days",
        not other,
        words,
        {"flagged": days.flagged, "alike": like, "lost": len(other)},
    )


def _forgetting(updated: ModelVersion) -> Check:
    before = float(updated.metrics["rehearsed_surprise_before"])
    after = float(updated.metrics["rehearsed_surprise"])
    words = f"what the key model rehearsed surprises it by {after:.3f} nats an event, {before:.3f} before"
    return Check("key model", after <= before + FORGOTTEN, words, {"before": before, "after": after})


def _named(sessions: Sequence[KeptSession]) -> str:
    some = ", ".join(f"{session.session} of {session.day}" for session in sessions[:NAMED])
    return some + (f" and {len(sessions) - NAMED:,} more" if len(sessions) > NAMED else "")


def _days(days: Compared) -> str:
    if not days.days:
        return "no recent day (the lake has none)"
    first, last = min(days.days), max(days.days)
    return str(first) if first == last else f"{first} to {last}"
