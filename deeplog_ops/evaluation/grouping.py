"""How well templates group messages, whatever they are called.

Grouping accuracy is that of Zhu et al., Tools and Benchmarks for Automated Log Parsing (ICSE-SEIP'19); F1 of
grouping that of Jiang et al., A Large-Scale Evaluation for Log Parsing Techniques (ISSTA'24), where a rare
template counts as much as a common one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Grouping:
    """`accuracy` is GA, a share of messages; `f1` is FGA, of which precision and recall are shares of templates."""

    accuracy: float
    precision: float
    recall: float
    f1: float


def grouping(parsed: Sequence[Hashable], truth: Sequence[Hashable]) -> Grouping:
    """Compare two names for each of N messages. A parsed template is right when its messages are exactly

    those of one true template. All four are 1 where there are no messages. ValueError when the lengths differ.
    """
    if len(parsed) != len(truth):
        raise ValueError(
            f"{len(parsed)} parsed messages against {len(truth)} true ones: one each is expected"
        )
    if not parsed:
        return Grouping(1.0, 1.0, 1.0, 1.0)
    found, true = Counter(parsed), Counter(truth)
    # Equal sets of messages are pairs that meet as often as either name comes at all.
    right = [
        count
        for (name, other), count in Counter(zip(parsed, truth, strict=True)).items()
        if count == found[name] == true[other]
    ]
    precision, recall = len(right) / len(found), len(right) / len(true)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return Grouping(sum(right) / len(parsed), precision, recall, f1)
