"""What a training leaves out because people called the like of it anomalous."""

from __future__ import annotations

from deeplog_ops.detection.doubts import pattern_of
from deeplog_ops.steps.known_anomalies import KnownAnomalies

REAL = ("open", "fail", "close")
SHUFFLED = ("fail", "open", "close")
NOBODY: frozenset[tuple[str, ...]] = frozenset()


def test_where_counts_were_odd_whatever_has_the_same_counts_is_like_it() -> None:
    known = KnownAnomalies(frozenset({REAL}), frozenset({pattern_of(REAL)}), NOBODY)
    assert known.like(REAL)
    assert known.like(SHUFFLED)
    assert not known.like((*REAL, "close"))
    assert not known.like(REAL[:2])


def test_where_the_order_was_odd_only_the_same_sequence_is_like_it() -> None:
    known = KnownAnomalies(frozenset({REAL}), frozenset(), NOBODY)
    assert known.like(REAL)
    assert not known.like(SHUFFLED)


def test_what_people_called_normal_is_learnt_all_the_same() -> None:
    known = KnownAnomalies(frozenset({REAL}), frozenset({pattern_of(REAL)}), frozenset({SHUFFLED}))
    assert known.like(REAL)
    assert not known.like(SHUFFLED)


def test_without_answers_nothing_is_left_out() -> None:
    assert not KnownAnomalies(NOBODY, frozenset(), NOBODY).like(())
