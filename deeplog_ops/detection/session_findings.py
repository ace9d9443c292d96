"""What is said of a sequence that the default verdict flags: of what kind it is, where it shows, and why."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.config import Detection
from deeplog_ops.detection.explain import counts_reason, reason, relation_reason, stretch_reason
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.strange_stretch import Stretch
from deeplog_ops.models.count_distance import CountDistance
from deeplog_ops.records import ExpectedKey

UNKNOWN_TEMPLATE = "unknown_template"  # a template came that training never saw
MISSING_END = "missing_end"  # the session ended where more was expected
KEY_ORDER = "key_order"  # a known template came where another was expected
KEY_COUNTS = "key_counts"  # nothing came at an odd place, but something too often or not often enough

PLAIN = 3.0  # nats: a place less surprising than this does not tell what is wrong
NAMED = 10  # differences that the details name

Floats = NDArray[np.float64]
History = tuple[int, tuple[str, ...]]  # a place, and the keys up to it
Ranked = tuple[list[tuple[str, float]], int]
Differences = Sequence[
    tuple[str, int, int]
]  # key, how often it came, how often it came in the nearest of training


@dataclass(frozen=True)
class Finding:
    """What is said of a sequence, and so of every session that has it. `worst` is a place; the end is the last one."""

    kind: str
    score: float
    p_value: float | None
    worst: int
    event_count: int
    template_id: str | None
    rank: int | None
    probability: float | None
    expected: tuple[ExpectedKey, ...]
    reason: str
    details: Mapping[str, Any]


def findings(
    rows: Sequence[Mapping[str, Any]],
    strengths: Sequence[float],
    p_values: Sequence[float],
    evidence: SessionEvidence,
    settings: Detection,
    texts: Mapping[str, str],
) -> list[Finding]:
    """Of N rows of schemas.SCORES whose sequences were flagged. `texts` has texts of templates by id."""
    keys = [row["keys"] for row in rows]
    order = evidence.supported.order
    surprise, starts = order.surprises(keys)
    known = frozenset(order.vocabulary.keys)
    differences = evidence.supported.counts.differences_of(keys)
    stretches = evidence.strange_stretches(keys, settings.false_alarms)
    ranked: dict[History, Ranked] = {}
    return [
        _finding(
            row,
            strengths[number],
            p_values[number],
            surprise[starts[number] : starts[number + 1]],
            differences[number],
            stretches[number],
            known,
            evidence,
            settings,
            texts,
            ranked,
        )
        for number, row in enumerate(rows)
    ]


def _finding(
    row: Mapping[str, Any],
    strength: float,
    p_value: float,
    surprise: Floats,
    differences: Differences,
    stretch: Stretch | None,
    known: Container[str],
    evidence: SessionEvidence,
    settings: Detection,
    texts: Mapping[str, str],
    ranked: dict[History, Ranked],
) -> Finding:
    keys: list[str] = row["keys"]
    unknown = next((place for place, key in enumerate(keys) if key not in known), None)
    worst, kind = int(surprise.argmax()), KEY_ORDER
    if unknown is not None:
        worst, kind = unknown, UNKNOWN_TEMPLATE
    elif stretch is not None:
        worst = stretch.first + int(surprise[stretch.first : stretch.last + 1].argmax())
    elif surprise[worst] < PLAIN and differences:
        kind, worst = KEY_COUNTS, _last_of(keys, differences, worst)
    if kind == KEY_ORDER and worst == len(keys):
        kind = MISSING_END
    history = (worst, tuple(keys[: worst + 1]))
    if history not in ranked:  # what was expected does not depend on what came later
        ranked[history] = evidence.supported.order.ranked(keys, worst, settings.expected_keys)
    likely, likelier = ranked[history]
    expected = tuple(ExpectedKey(key, chance) for key, chance in likely)
    came = keys[worst] if worst < len(keys) else None
    before = keys[worst - 1] if worst else None
    told = [{"key": key or None, "came": count, "usual": usual} for key, count, usual in differences[:NAMED]]
    why = reason(
        None if came is None else texts.get(came, came),
        None if before is None else texts.get(before, before),
        [(texts.get(each.key, each.key) or None, each.probability) for each in expected],
        # All numbers of the sentence are of the model that gives the verdict: those of two would contradict each other.
        probability=float(np.exp(-surprise[worst])),
        rank=likelier,
        known=kind != UNKNOWN_TEMPLATE,
    )
    counted = counts_reason([(texts.get(key, key), count, usual) for key, count, usual in differences if key])
    if differences:
        counted = f"{counted} {related(evidence.supported.counts, keys, texts)}".strip()
    told_strange = {}
    if stretch is not None:
        counted = f"{stretch_reason(stretch.first, stretch.strange, stretch.steps)} {counted}".strip()
        told_strange = {"stretch": {"first": stretch.first, "last": stretch.last, "strange": stretch.strange}}
    return Finding(
        kind=kind,
        score=strength * evidence.thresholds(settings.false_alarms)[0],
        p_value=p_value,
        worst=worst,
        event_count=len(keys),
        template_id=came,
        rank=row["rank"][worst],
        probability=row["probability"][worst],
        expected=expected,
        reason=counted if kind == KEY_COUNTS else f"{why} {counted}".strip(),
        details={
            "place": worst,
            "before": before,
            "surprise": round(float(surprise[worst]), 3),
            "differences": told,
            **told_strange,
        },
    )


def related(counts: CountDistance, keys: Sequence[str], texts: Mapping[str, str]) -> str:
    """One sentence on the relation between two counts that a session breaks, "" without any."""
    broken = counts.broken_relation(keys)
    if broken is None:
        return ""
    first, count, second, other, usual = broken
    return relation_reason(texts.get(first, first), count, texts.get(second, second), other, usual)


def _last_of(keys: Sequence[str], differences: Differences, otherwise: int) -> int:
    """The last event whose key came too often; where keys only came too seldom, the most surprising place."""
    for key, came, usual in differences:
        if key and came > usual:
            return len(keys) - 1 - list(reversed(keys)).index(key)
    return otherwise
