"""What people called anomalous when a training asked them: the next trainings leave out all that is like it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from deeplog_ops.db import feedback
from deeplog_ops.detection.doubts import KEY_COUNTS, CountPattern, KeySequence, pattern_of
from deeplog_ops.templates.catalogue import Catalogue


@dataclass(frozen=True)
class KnownAnomalies:
    """Sequences of keys that are no aliases, and of those that were odd in their counts, these."""

    sequences: frozenset[KeySequence]
    patterns: frozenset[CountPattern]
    normal: frozenset[KeySequence]  # what people called normal, which is learnt all the same

    def like(self, keys: KeySequence) -> bool:
        """Whether a training leaves it out: the same sequence, or the same counts where these were odd."""
        if not self.sequences or keys in self.normal:
            return False
        return keys in self.sequences or pattern_of(keys) in self.patterns


def known_anomalies(engine: Engine, source_key: str, catalogue: Catalogue) -> KnownAnomalies:
    """From the answers that hold now. A true positive about an anomaly bars that session alone: its values may have
    been odd, and its keys those of any other."""
    sequences: set[KeySequence] = set()
    patterns: set[CountPattern] = set()
    for session in feedback.abnormal_sessions(engine, source_key):
        if session.doubt_kind is None or session.keys is None:
            continue
        keys = tuple(map(catalogue.resolve, session.keys))
        sequences.add(keys)
        if session.doubt_kind == KEY_COUNTS:
            patterns.add(pattern_of(keys))
    if not sequences:
        return KnownAnomalies(frozenset(), frozenset(), frozenset())
    normal = (session.keys for session in feedback.normal_sessions(engine, source_key))
    return KnownAnomalies(
        frozenset(sequences),
        frozenset(patterns),
        frozenset(tuple(map(catalogue.resolve, keys)) for keys in normal if keys),
    )
