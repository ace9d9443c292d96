"""Why a group of training sessions is in doubt, in the words that anomalies are told in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deeplog_ops.detection.doubts import KEY_ORDER, Doubt, KeySequence
from deeplog_ops.detection.explain import counts_reason, reason
from deeplog_ops.detection.session_findings import PLAIN, related
from deeplog_ops.detection.session_scores import SessionScores

EXPECTED = 5  # keys looked up at the odd place


def reasons(
    doubts: Sequence[Doubt],
    sequences: Sequence[KeySequence],
    weights: Sequence[int],
    texts: Mapping[str, str],
) -> list[str]:
    """Of each doubt, how its example differs from the training sessions that are in no doubt. `sequences` and `weights`
    are those of the training, `texts` has texts of templates by id."""
    doubted = {keys for doubt in doubts for keys in doubt.sequences}
    rest = [row for row, keys in enumerate(sequences) if keys not in doubted]
    if not rest:
        return ["No session of the training is like another." for _ in doubts]
    scores = SessionScores.fit([sequences[row] for row in rest], [weights[row] for row in rest])
    return [_reason(doubt, scores, texts) for doubt in doubts]


def _reason(doubt: Doubt, scores: SessionScores, texts: Mapping[str, str]) -> str:
    keys, counts = doubt.example, scores.counts
    known = frozenset(counts.keys)
    new = [(texts.get(key, key), keys.count(key), 0) for key in dict.fromkeys(keys) if key not in known]
    differences = counts.differences(keys)
    apart = [(texts.get(key, key), came, usual) for key, came, usual in differences if key]
    counted = counts_reason([*new, *apart])
    if differences:
        counted = f"{counted} {related(counts, keys, texts)}".strip()
    surprise, _ = scores.order.surprises([keys])
    worst = int(surprise.argmax())
    cut_short = not new and worst == len(keys) and surprise[worst] >= PLAIN
    if doubt.kind != KEY_ORDER and counted and not cut_short:
        return counted
    likely, likelier = scores.order.ranked(keys, worst, EXPECTED)
    came, before = keys[worst] if worst < len(keys) else None, keys[worst - 1] if worst else None
    said = reason(
        None if came is None else texts.get(came, came),
        None if before is None else texts.get(before, before),
        [(texts.get(key, key) or None, chance) for key, chance in likely],
        probability=float(np.exp(-surprise[worst])),
        rank=likelier,
    )
    return f"{said} {counted}".strip()
