"""What is said of a sequence that the default verdict flags: of what kind it is, where it shows, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeplog_ops.config import Detection
from deeplog_ops.detection.explain import counts_reason, reason
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.records import ExpectedKey

UNKNOWN_TEMPLATE = "unknown_template"  # a template came that training never saw
MISSING_END = "missing_end"  # the session ended where more was expected
KEY_ORDER = "key_order"  # a known template came where another was expected
KEY_COUNTS = "key_counts"  # nothing came at an odd place, but something too often or not often enough

PLAIN = 3.0  # nats: a place less surprising than this does not tell what is wrong
NAMED = 10  # differences that the details name


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


def finding(
    row: Mapping[str, Any],
    strength: float,
    p_value: float,
    evidence: SessionEvidence,
    settings: Detection,
    texts: Mapping[str, str],
) -> Finding:
    """Of one row of schemas.SCORES whose sequence was flagged. `texts` has texts of templates by id."""
    keys: list[str] = row["keys"]
    order = evidence.supported.order
    surprise, _ = order.surprises([keys])
    known = set(order.vocabulary.keys)
    differences = evidence.supported.counts.differences(keys)
    unknown = next((place for place, key in enumerate(keys) if key not in known), None)
    worst, kind = int(surprise.argmax()), KEY_ORDER
    if unknown is not None:
        worst, kind = unknown, UNKNOWN_TEMPLATE
    elif worst == len(keys):
        kind = MISSING_END
    elif surprise[worst] < PLAIN and differences:
        kind, worst = KEY_COUNTS, _last_of(keys, differences, worst)
    expected = tuple(
        ExpectedKey(key, chance) for key, chance in order.expected(keys, worst, settings.expected_keys)
    )
    came = keys[worst] if worst < len(keys) else None
    before = keys[worst - 1] if worst else None
    told = [{"key": key or None, "came": count, "usual": usual} for key, count, usual in differences[:NAMED]]
    why = reason(
        None if came is None else texts.get(came, came),
        None if before is None else texts.get(before, before),
        [(texts.get(each.key, each.key) or None, each.probability) for each in expected],
        probability=row["probability"][worst],
        rank=row["rank"][worst],
        known=kind != UNKNOWN_TEMPLATE,
    )
    counted = counts_reason([(texts.get(key, key), count, usual) for key, count, usual in differences if key])
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
        },
    )


def _last_of(keys: Sequence[str], differences: Sequence[tuple[str, int, int]], otherwise: int) -> int:
    """The last event whose key came too often; where keys only came too seldom, the most surprising place."""
    for key, came, usual in differences:
        if key and came > usual:
            return len(keys) - 1 - list(reversed(keys)).index(key)
    return otherwise
