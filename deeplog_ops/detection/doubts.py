"""What a training should ask a person: groups of its sessions that are unlike the rest, and vouch only for each other.

One odd session is kept out by the default verdict itself. Two of a kind support each other, and no rule tells them from
rare normal sessions; a person does, in seconds. So sessions are put into groups that differ from the bulk in the same way, and
each group is scored by a model that learnt from none of it, as a cross-validation over groups. What would be flagged
then is worth a question, the more the more sessions it has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.session_scores import SessionScores, summed
from deeplog_ops.models.count_distance import CountDistance

KeySequence = tuple[str, ...]
CountPattern = tuple[tuple[str, int], ...]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

KEY_COUNTS = "key_counts"  # all of the group differ from the bulk in the same counts
KEY_ORDER = "key_order"  # their counts are usual, and the same key came at the same odd place

MOST = 20  # groups: more than anybody answers
BULK = 0.9  # of the sessions have one of the usual count vectors,
LEAST_BULK = 0.5  # and where not even so many share theirs with another, there is nothing to differ from
LARGEST = 0.05  # of the sessions: a larger group is part of what the source does
DOUBTFUL = 0.6  # of the highest threshold: from there on a session may be flagged
FOLDS = 5


@dataclass(frozen=True)
class Doubt:
    """A group of training sessions that only vouch for each other. `nats` is how anomalous one of them is to the
    others' model, on average; `example` the sequence that most of its sessions have."""

    kind: str  # KEY_COUNTS or KEY_ORDER
    sequences: tuple[KeySequence, ...]  # distinct, sorted
    sessions: int
    nats: float
    example: KeySequence


@dataclass(frozen=True)
class _Group:
    kind: str
    rows: Ints  # of the distinct sequences
    sessions: int


def pattern_of(keys: Sequence[str]) -> CountPattern:
    """How often each key came, sorted by key: what sessions alike in counts share."""
    return tuple(sorted(Counter(keys).items()))


def doubts(
    sequences: Sequence[KeySequence],
    weights: Sequence[int],
    evidence: SessionEvidence,
    *,
    vouched: Collection[KeySequence] = (),
    most: int = MOST,
) -> list[Doubt]:
    """At most `most` groups, that first whose answer teaches most: sessions times nats beyond what is doubtful.

    `sequences` (N) are distinct and stand for weights[i] sessions each; `evidence` learnt from them. A group with
    a sequence that people vouched for is asked about no more. None where many sessions are like no other.
    """
    order = sorted(range(len(sequences)), key=lambda row: sequences[row])
    keys, counts = [sequences[row] for row in order], np.array([weights[row] for row in order], np.int64)
    if not evidence.capped:
        return []
    sessions = int(counts.sum())
    room = max(2, int(LARGEST * sessions))
    small = [group for group in _groups(keys, counts, evidence.every) if group.sessions <= room]
    found = []
    for group, nats, doubtful in _left_out(small, keys, counts):
        own = [keys[row] for row in group.rows]
        if nats < doubtful or any(each in vouched for each in own):
            continue
        example = own[int(counts[group.rows].argmax())]
        found.append(
            (
                group.sessions * (nats - doubtful + 1),
                Doubt(group.kind, tuple(own), group.sessions, nats, example),
            )
        )
    found.sort(key=lambda each: (-round(each[0], 6), each[1].sequences))
    return [doubt for _, doubt in found[:most]]


def _groups(keys: Sequence[KeySequence], counts: Ints, scores: SessionScores) -> list[_Group]:
    """The sequences by how they differ from the bulk, the largest group first."""
    patterns = [pattern_of(each) for each in keys]
    usual = _bulk(patterns, counts)
    if usual is None:
        return []
    members: defaultdict[tuple[str, tuple[object, ...]], list[int]] = defaultdict(list)
    for row, signature in enumerate(_signatures(keys, patterns, usual, scores)):
        members[signature].append(row)
    found = [
        _Group(kind, np.array(rows, np.int64), int(counts[rows].sum())) for (kind, _), rows in members.items()
    ]
    return sorted(found, key=lambda group: (-group.sessions, keys[group.rows[0]]))


def _bulk(patterns: Sequence[CountPattern], counts: Ints) -> dict[CountPattern, int] | None:
    """The commonest count vectors that make up BULK of the sessions, and how many have each; of vectors as common all
    or none. None without any."""
    total: Counter[CountPattern] = Counter()
    for pattern, sessions in zip(patterns, counts.tolist(), strict=True):
        total[pattern] += sessions
    at_least = np.sort(np.array(list(total.values())))[::-1]
    reached = np.cumsum(at_least) / at_least.sum()
    least = max(2, int(at_least[np.searchsorted(reached, BULK)]))
    if at_least[at_least >= least].sum() < LEAST_BULK * at_least.sum():
        return None
    return {pattern: total[pattern] for pattern in sorted(total) if total[pattern] >= least}


def _signatures(
    keys: Sequence[KeySequence],
    patterns: Sequence[CountPattern],
    usual: dict[CountPattern, int],
    scores: SessionScores,
) -> Iterator[tuple[str, tuple[object, ...]]]:
    """The kind, and in what a sequence differs: by how many of which key from the nearest of the bulk, whatever varies
    freely aside; with counts of the bulk, the key that surprises most and the one before it."""
    counts = CountDistance.fit(
        [tuple(key for key, count in pattern for _ in range(count)) for pattern in usual],
        list(usual.values()),
    )
    free, known = frozenset(scores.counts.free), frozenset(counts.keys)
    differences = counts.differences_of(keys)
    surprise, starts = scores.order.surprises(keys)
    for row, each in enumerate(keys):
        if patterns[row] in usual:
            worst = int(surprise[starts[row] : starts[row + 1]].argmax())
            yield KEY_ORDER, (each[worst - 1 : worst], each[worst : worst + 1])
            continue
        apart = [(key, came - there) for key, came, there in differences[row] if key]
        apart += [(key, 1) for key in sorted(set(each) - known)]
        telling = sorted(pair for pair in apart if pair[0] not in free)
        yield KEY_COUNTS, tuple(telling or sorted((key, 1 if more > 0 else -1) for key, more in apart))


def _left_out(
    groups: Sequence[_Group], keys: Sequence[KeySequence], counts: Ints
) -> Iterator[tuple[_Group, float, float]]:
    """Each group with its mean score, in nats, by a model of all but its fold, and the score that is doubtful there."""
    for first in range(min(FOLDS, len(groups))):
        fold = groups[first::FOLDS]
        held = np.concatenate([group.rows for group in fold])
        rest = np.setdiff1d(np.arange(len(keys)), held)
        if not len(rest):
            continue
        scores = SessionScores.fit([keys[row] for row in rest], counts[rest].tolist())
        nats = np.zeros(len(keys))
        nats[held] = summed(*scores.of([keys[row] for row in held]))
        for group in fold:
            mean = np.average(nats[group.rows], weights=counts[group.rows])
            yield group, float(mean), DOUBTFUL * scores.highest
