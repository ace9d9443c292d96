"""The sessions that a training learns from: those of its days, less what people know to be true, plus what they
called a false alarm."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import date

import polars as pl

from deeplog_ops.db import feedback
from deeplog_ops.steps.learnt import Name, name_of
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.templates.catalogue import Catalogue

Keys = tuple[str, ...]

VOUCHED = 3  # sessions that one which people called normal counts as, at least
VOUCHED_SHARE = 2e-5  # of all sessions; with less, -ln of the share alone would be flagged among millions


def vouched_weight(sessions: int) -> int:
    """How many sessions one counts as that people called normal, among so many."""
    return max(VOUCHED, math.ceil(VOUCHED_SHARE * sessions))


@dataclass(frozen=True)
class TrainingSessions:
    """Distinct sequences of keys that are no aliases, sorted, and how many sessions have each.

    The one thing that a training holds whole, 8 bytes a key of each distinct sequence: the models compare any two of them.

    `vouched` are sequences that people called normal, of the sessions that `learnt` names. `left_out` names the sessions
    kept out; `true_positives` counts what people said of these.
    """

    sequences: list[Keys]
    weights: list[int]
    vouched: frozenset[Keys]
    anomalous: tuple[Keys, ...]  # what people know to be true, for detectors that learn from both
    left_out: frozenset[str]
    learnt: tuple[Name, ...]
    true_positives: int

    @property
    def sessions(self) -> int:
        return sum(self.weights)

    def keep(self, session: str | None) -> bool:
        return session not in self.left_out


def training_sessions(opened: OpenRun, catalogue: Catalogue) -> TrainingSessions:
    """From the stage "sessions" of a training, and the verdicts that hold now."""
    engine, key = opened.place.engine, opened.source.key
    zone = opened.source.timezone
    first, last = opened.bounds.start.astimezone(zone).date(), opened.run.day
    barred = feedback.kept_out(engine, key, first, last)
    counts, left_out = _of_days(opened, catalogue, barred)
    vouched: set[Keys] = set()
    weight = vouched_weight(counts.total())
    learnt: list[Name] = []
    for session in feedback.normal_sessions(engine, key):
        if session.keys:
            keys = tuple(map(catalogue.resolve, session.keys))
            vouched.add(keys)
            counts[keys] += weight
            learnt.append(name_of(session))
    anomalous = {
        tuple(map(catalogue.resolve, session.keys))
        for session in feedback.labelled_sessions(engine, key)
        if session.anomalous
    }
    ordered = sorted(counts)
    return TrainingSessions(
        ordered,
        [counts[keys] for keys in ordered],
        frozenset(vouched),
        tuple(sorted(anomalous)),
        frozenset(left_out),
        tuple(learnt),
        len(barred),
    )


def _of_days(
    opened: OpenRun, catalogue: Catalogue, barred: set[tuple[date, str]]
) -> tuple[Counter[Keys], set[str]]:
    """How many judged sessions have each sequence, without the barred ones; and the names of these."""
    counts: Counter[Keys] = Counter()
    left_out: set[str] = set()
    names = {name for _, name in barred}
    resolved: dict[
        str, str
    ] = {}  # one object a key, however many sequences have it: they all stand in memory
    columns = ["session", "keys", "judged", "closed_at", "last_time"]
    for table in opened.place.lake.read(opened.partition("sessions"), columns=columns):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        frame = frame.filter("judged")
        suspects = frame.filter(pl.col("session").is_in(list(names))) if names else frame.clear()
        out = [row["session"] for row in suspects.iter_rows(named=True) if _is_barred(opened, row, barred)]
        left_out.update(out)
        kept = frame.filter(~pl.col("session").is_in(out)) if out else frame
        for keys, sessions in kept.group_by("keys").agg(pl.len()).iter_rows():
            for key in keys:
                if key not in resolved:
                    resolved[key] = catalogue.resolve(key)
            counts[tuple(resolved[key] for key in keys)] += sessions
    return counts, left_out


def _is_barred(opened: OpenRun, row: dict[str, object], barred: set[tuple[date, str]]) -> bool:
    """Whether this is the session that was spoken of: a name may come again on other days."""
    closed = row["closed_at"] or row["last_time"]
    name = str(row["session"])
    if closed is None:
        return any(name == other for _, other in barred)
    return (closed.astimezone(opened.source.timezone).date(), name) in barred  # type: ignore[attr-defined]
