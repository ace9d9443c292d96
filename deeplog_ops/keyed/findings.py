"""What a detector found in sessions of keys, and how well the keys were predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deeplog_ops.detection.explain import quoted, reason, stretch_reason
from deeplog_ops.detection.session_detector import SessionDetector
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.session_findings import related
from deeplog_ops.detection.strange_stretch import Stretch
from deeplog_ops.evaluation.confusion import Confusion, auc
from deeplog_ops.keyed.sessions import KeyedSessions
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.vocabulary import END

EXPECTED = 5  # keys named that were expected at the worst place
DIFFERENCES = 3  # keys named whose number is unusual
COLUMNS = (
    "session", "p_value", "events", "worst", "came", "probability", "rank", "expected", "reason", "label",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """An anomalous session. `worst` is the place of the least likely key, from 1; events + 1 is the end.

    `came` is None where the end came too early; among `expected` "" is the end. `rank` counts from 1.
    """

    session: str
    p_value: float
    events: int
    worst: int
    came: str | None
    probability: float
    rank: int
    expected: tuple[tuple[str, float], ...]
    reason: str
    label: int | None

    def to_dict(self) -> dict[str, Any]:
        expected = [{"key": key, "probability": chance} for key, chance in self.expected]
        return {**asdict(self), "expected": expected}

    def cells(self) -> list[str]:
        """As text, a cell each of COLUMNS."""
        row = asdict(self) | {"expected": " ".join(key or "(end)" for key, _ in self.expected)}
        return ["" if row[name] is None else _text(row[name]) for name in COLUMNS]


@dataclass(frozen=True)
class KeyHits:
    """How often a key was among the likeliest when it came; "" is the end of a session."""

    key: str
    events: int
    hits: int
    surprise: float  # its mean, in nats

    @property
    def hit_rate(self) -> float:
        return self.hits / self.events


@dataclass(frozen=True)
class Report:
    """`verdict` and `rank_rule` compare with the labels, where there are any: the detector's verdict, and the rule
    that flags a session with any key not among the `top` likeliest."""

    sessions: int
    flagged: int
    top: int
    keys: tuple[KeyHits, ...]
    verdict: Confusion | None
    rank_rule: Confusion | None
    auc: float | None

    @property
    def hit_rate(self) -> float:
        """Of all events and ends, those among the likeliest."""
        events = sum(key.events for key in self.keys)
        return sum(key.hits for key in self.keys) / events if events else 1.0

    def to_dict(self) -> dict[str, Any]:
        def told(counts: Confusion | None) -> dict[str, float] | None:
            if counts is None:
                return None
            return {
                **asdict(counts),
                **{name: getattr(counts, name) for name in ("precision", "recall", "f1")},
            }

        return {
            "sessions": self.sessions,
            "flagged": self.flagged,
            "top": self.top,
            "hit_rate": self.hit_rate,
            "verdict": told(self.verdict),
            "rank_rule": told(self.rank_rule),
            "auc": self.auc,
            "keys": [{**asdict(key), "hit_rate": key.hit_rate} for key in self.keys],
        }


def findings(
    sessions: KeyedSessions,
    detector: SessionDetector,
    p_values: ArrayLike,
    flagged: ArrayLike,
    budget: float | None = None,
) -> list[Finding]:
    """The flagged sessions (N,), the least p-value first, each with where it is least likely to the key model; where it
    has keys that training never saw, with the first of these. `budget` is the one that they were flagged for."""
    p = np.asarray(p_values, float)
    rows = np.flatnonzero(np.asarray(flagged, bool))
    rows = rows[np.argsort(p[rows], kind="stable")]
    scores = detector.key_model.score([sessions.keys[row] for row in rows], expected=EXPECTED).to_pylist()
    evidence = detector.evidence
    keys = [sessions.keys[row] for row in rows]
    differences, stretches = (
        evidence.supported.counts.differences_of(keys),
        evidence.strange_stretches(keys, budget),
    )
    return [
        _finding(sessions, row, float(p[row]), score, apart, stretch, evidence)
        for row, score, apart, stretch in zip(rows.tolist(), scores, differences, stretches, strict=True)
    ]


def report(
    sessions: KeyedSessions, model: KeyModel, p_values: ArrayLike, flagged: ArrayLike, top: int
) -> Report:
    """How well N sessions were predicted, and judged where they are labelled."""
    said, p = np.asarray(flagged, bool), np.asarray(p_values, float)
    keys, sequence = _distinct(sessions.keys)
    scores = model.score(keys, expected=1)
    true, labelled = sessions.anomalous, sessions.labels is not None
    outside = np.zeros(0, bool)
    per_key: tuple[KeyHits, ...] = ()
    if keys:
        ranks, known = scores["rank"].combine_chunks(), scores["known"].combine_chunks()
        starts = ranks.offsets.to_numpy()
        # A key that training never saw is not predicted, however few there are to predict.
        hit = (ranks.values.to_numpy() < top) & known.values.to_numpy(zero_copy_only=False)
        outside = np.logical_or.reduceat(~hit, starts[:-1])
        per_key = _hits(
            [key for row in keys for key in (*row, END)],
            hit,
            scores["surprise"].combine_chunks().values.to_numpy(),
            np.repeat(np.bincount(sequence, minlength=len(keys)), np.diff(starts)),
        )
    return Report(
        sessions=len(sessions),
        flagged=int(said.sum()),
        top=top,
        keys=per_key,
        verdict=Confusion.of(said, true) if labelled else None,
        rank_rule=Confusion.of(outside[sequence], true) if labelled else None,
        auc=auc(-p, true) if labelled else None,
    )


def _finding(
    sessions: KeyedSessions,
    row: int,
    p_value: float,
    score: dict[str, Any],
    differences: Sequence[tuple[str, int, int]],
    stretch: Stretch | None,
    evidence: SessionEvidence,
) -> Finding:
    keys, worst = sessions.keys[row], score["worst"]
    expected = tuple(zip(score["expected_keys"], score["expected_probabilities"], strict=True))
    unseen = next((place for place, known in enumerate(score["known"]) if not known), worst)
    if unseen != worst:  # no other place says as much, however likely a new key is to the network
        worst, expected = unseen, tuple(evidence.supported.order.expected(keys, unseen, EXPECTED))
    came = keys[worst] if worst < len(keys) else None
    probability, rank = score["probability"][worst], score["rank"][worst]
    return Finding(
        session=sessions.names[row],
        p_value=p_value,
        events=len(keys),
        worst=worst + 1,
        came=came,
        probability=probability,
        rank=rank + 1,
        expected=expected,
        reason=(
            reason(
                came,
                keys[worst - 1] if worst else None,
                [(key or None, chance) for key, chance in expected],
                probability=probability,
                rank=rank,
                known=score["known"][worst],
            )
            + (f" {stretch_reason(stretch.first, stretch.strange, stretch.steps)}" if stretch else "")
            + _counted(differences)
            + f" {related(evidence.supported.counts, keys, {})}"
        ).rstrip(),
        label=None if sessions.labels is None else sessions.labels[row],
    )


def _counted(differences: Sequence[tuple[str, int, int]]) -> str:
    """What a session has more or less often than the most similar one of training; nothing where it has the same."""
    named = [
        f"{quoted(key) if key else 'what training never saw'} {came} instead of {there}"
        for key, came, there in differences[:DIFFERENCES]
    ]
    if not named:
        return ""
    more = f" and {len(differences) - len(named)} more" if len(differences) > len(named) else ""
    return f" Against the most similar session of training: {', '.join(named)}{more}."


def _distinct(sequences: Sequence[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], NDArray[np.int64]]:
    number: dict[tuple[str, ...], int] = {}
    of = [number.setdefault(keys, len(number)) for keys in sequences]
    return list(number), np.array(of, np.int64)


def _hits(
    keys: list[str], hit: NDArray[np.bool_], surprise: NDArray[np.float64], sessions: NDArray[np.int64]
) -> tuple[KeyHits, ...]:
    """Places (E,), each standing for so many sessions, gathered by key; the worst predicted first."""
    names, of = np.unique(np.array(keys, object).astype(str), return_inverse=True)
    events = np.bincount(of, sessions)
    hits, total = np.bincount(of, sessions * hit), np.bincount(of, sessions * surprise)
    rows = [
        KeyHits(str(name), int(came), int(among), float(nats / came))
        for name, came, among, nats in zip(names, events, hits, total, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (row.hit_rate, -row.surprise, row.key)))


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
