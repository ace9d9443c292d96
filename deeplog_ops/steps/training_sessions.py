"""The sessions that a training learns from: those of its days, less what people know to be true, plus what they
called a false alarm."""

from __future__ import annotations

import hashlib
import logging
import math
from collections import Counter
from dataclasses import dataclass
from datetime import date

import polars as pl

from deeplog_ops.db import feedback
from deeplog_ops.steps.known_anomalies import KnownAnomalies, known_anomalies
from deeplog_ops.steps.learnt import Name, name_of
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.templates.catalogue import Catalogue

log = logging.getLogger(__name__)

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
    With more than `training.sequences` of them it learns from a sample of the sessions; `sampled_out` were left out so.

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
    sampled_out: int = 0

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
    known = known_anomalies(engine, key, catalogue)
    counts, left_out, sampled_out = _sampled(opened, catalogue, barred, known)
    vouched: set[Keys] = set()
    weight = vouched_weight(counts.total())
    learnt: list[Name] = []
    for session in feedback.normal_sessions(engine, key):
        if session.keys:
            keys = tuple(map(catalogue.resolve, session.keys))
            vouched.add(keys)
            # What a training asked about it had learnt already: counted oftener, rare sessions would support themselves.
            counts[keys] = max(counts[keys], 1) if session.doubt_kind else counts[keys] + weight
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
        sampled_out,
    )


def _sampled(
    opened: OpenRun, catalogue: Catalogue, barred: set[tuple[date, str]], known: KnownAnomalies
) -> tuple[Counter[Keys], set[str], int]:
    """What `_of_days` gives, of all sessions, or of half of them, a quarter, ...: the most that have no more distinct
    sequences than the source allows; and how many sessions are left out."""
    most, share = opened.source.training.sequences, 1.0
    while (found := _of_days(opened, catalogue, barred, known, share, most)) is None:
        share /= 2
    if found[2]:
        log.warning(
            "more than %s distinct sequences (training.sequences): learning from %s sessions, a share of %g of them; "
            "%s are left out",
            *(most, found[0].total(), share, found[2]),
        )
    return found


def _of_days(
    opened: OpenRun,
    catalogue: Catalogue,
    barred: set[tuple[date, str]],
    known: KnownAnomalies,
    share: float,
    most: int,
) -> tuple[Counter[Keys], set[str], int] | None:
    """How many judged sessions have each sequence, without the barred ones and those like known anomalies; the names of
    these; and how many are not in the sample. None with more than `most` sequences."""
    counts: Counter[Keys] = Counter()
    left_out: set[str] = set()
    names = {name for _, name in barred}
    resolved: dict[
        str, str
    ] = {}  # one object a key, however many sequences have it: they all stand in memory
    columns = ["session", "keys", "sequence_id", "judged", "closed_at", "last_time"]
    sampled_out = 0
    if share < 1:
        columns += ["file_ids", "line_nos"]
    for table in opened.place.lake.read(opened.partition("sessions"), columns=columns):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        frame = frame.filter("judged")
        suspects = frame.filter(pl.col("session").is_in(list(names))) if names else frame.clear()
        out = [row["session"] for row in suspects.iter_rows(named=True) if _is_barred(opened, row, barred)]
        left_out.update(out)
        kept = frame.filter(~pl.col("session").is_in(out)) if out else frame
        if share < 1:
            drawn = kept.filter(_drawn(kept, share, opened.source.model.seed))
            kept, sampled_out = drawn, sampled_out + len(kept) - len(drawn)
        odd = []
        grouped = kept.group_by("sequence_id").agg(pl.col("keys").first(), pl.len())
        for sequence_id, keys, sessions in grouped.iter_rows():
            for key in keys:
                if key not in resolved:
                    resolved[key] = catalogue.resolve(key)
            sequence = tuple(resolved[key] for key in keys)
            if known.like(sequence):
                odd.append(sequence_id)
            else:
                counts[sequence] += sessions
        if odd:
            left_out.update(kept.filter(pl.col("sequence_id").is_in(odd))["session"].to_list())
        if len(counts) > most:
            return None
    return counts, left_out, sampled_out


def _drawn(sessions: pl.DataFrame, share: float, seed: int) -> pl.Series:
    """Which sessions are in the sample of this share: by a hash of their name and first line, whatever their keys are, so
    that common sequences stay as common. A smaller sample is part of a larger."""
    key, below = seed.to_bytes(8, "big", signed=True), int(share * 2**64)
    first = sessions.select("session", pl.col("file_ids").list.first(), pl.col("line_nos").list.first())
    return pl.Series(
        [
            int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8, key=key).digest()) < below
            for row in first.iter_rows()
        ],
        dtype=pl.Boolean,
    )


def _is_barred(opened: OpenRun, row: dict[str, object], barred: set[tuple[date, str]]) -> bool:
    """Whether this is the session that was spoken of: a name may come again on other days."""
    closed = row["closed_at"] or row["last_time"]
    name = str(row["session"])
    if closed is None:
        return any(name == other for _, other in barred)
    return (closed.astimezone(opened.source.timezone).date(), name) in barred  # type: ignore[attr-defined]
