"""Detectors side by side on labelled sessions, every threshold frozen before an abnormal session is seen.

Sessions count one by one: a sequence that a thousand sessions share counts a thousand times.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deeplog_ops.errors import ModelError
from deeplog_ops.evaluation.confusion import Confusion, auc

KeySequence = tuple[str, ...]

COUNTS = ("tp", "fp", "fn", "tn")


class Judge(Protocol):
    """A verdict that is settled: nothing about it changes any more."""

    def judge(self, sequences: Sequence[KeySequence]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Which of N sessions are flagged (N,), and a score of each (N,), larger where more anomalous."""
        ...


@dataclass(frozen=True)
class Candidate:
    """What makes a judge of D distinct sequences, the sessions that each stands for, and a seed.

    One that is not `seeded` gives the same judge for every seed, so it is made once.
    """

    name: str
    fit: Callable[[Sequence[KeySequence], Sequence[int], int], Judge]
    seeded: bool = False


@dataclass(frozen=True)
class Outcome:
    """Of one seed."""

    seed: int
    counts: Confusion
    auc: float

    def to_dict(self) -> dict[str, float]:
        ratios = {name: getattr(self.counts, name) for name in ("precision", "recall", "f1")}
        return {**{name: int(getattr(self.counts, name)) for name in COUNTS}, **ratios, "auc": self.auc}


@dataclass(frozen=True)
class Comparison:
    """What each candidate reached, by its name, and what could be reached."""

    default: str
    outcomes: Mapping[str, tuple[Outcome, ...]]
    seconds: Mapping[str, float]  # to fit and to judge, of one seed
    ceiling: float
    flag_all: float
    training_sessions: int

    def mean(self, name: str) -> dict[str, float]:
        """The figures of a candidate, averaged over its seeds: the mean of F1, not the F1 of the means."""
        runs = [outcome.to_dict() for outcome in self.outcomes[name]]
        if len(runs) == 1:
            return runs[0]
        return {figure: float(np.mean([run[figure] for run in runs])) for figure in runs[0]}

    def to_dict(self, least_sessions: int) -> dict[str, Any]:
        """The documented JSON. With fewer training sessions than `least_sessions` nothing can be promised."""
        return {
            "default": {
                **self._with_seeds(self.default),
                "training_sessions": self.training_sessions,
                "history_too_short": self.training_sessions < least_sessions,
            },
            "detectors": {name: self._with_seeds(name) for name in self.outcomes if name != self.default},
            "ceiling": self.ceiling,
            "flag_all": self.flag_all,
            "seconds": dict(self.seconds),
        }

    def _with_seeds(self, name: str) -> dict[str, Any]:
        seeds = [{"seed": outcome.seed, **outcome.to_dict()} for outcome in self.outcomes[name]]
        return {**self.mean(name), "seeds": seeds}


def compare(
    training: Sequence[KeySequence],
    normals: Sequence[KeySequence],
    open_abnormals: Callable[[], Sequence[KeySequence]],
    default: Candidate,
    others: Sequence[Candidate],
    *,
    seeds: Sequence[int] = (0,),
    say: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Fit every candidate to the training sessions, then open the abnormal ones and let all of them judge.

    The abnormal sessions come as a function, called once every threshold stands. `say` is told what is done.
    ModelError with fewer than two training sessions.
    """
    if len(training) < 2:
        raise ModelError(f"{len(training)} training sessions: there must be 2 or more to calibrate with")
    distinct, sessions = _distinct(training)
    judges: list[tuple[Candidate, int, Judge]] = []
    spent: defaultdict[str, float] = defaultdict(float)
    for candidate in (default, *others):
        for seed in seeds if candidate.seeded else seeds[:1]:
            say(
                f"fitting {candidate.name}"
                + (f", seed {seed}" if candidate.seeded and len(seeds) > 1 else "")
            )
            began = time.monotonic()
            judges.append((candidate, seed, candidate.fit(distinct, sessions, seed)))
            spent[candidate.name] += time.monotonic() - began

    test = [*normals, *open_abnormals()]
    cases, counts = _distinct(test)
    place = {keys: row for row, keys in enumerate(cases)}
    row = np.array([place[keys] for keys in test], np.int64)
    true = np.arange(len(test)) >= len(normals)
    outcomes: dict[str, list[Outcome]] = {}
    for candidate, seed, judge in judges:
        say(f"judging by {candidate.name}")
        began = time.monotonic()
        flagged, scores = judge.judge(cases)
        spent[candidate.name] += time.monotonic() - began
        outcome = Outcome(seed, Confusion.of(flagged[row], true), auc(scores[row], true))
        outcomes.setdefault(candidate.name, []).append(outcome)
    anomalous = np.bincount(row[true], minlength=len(cases))
    return Comparison(
        default.name,
        {name: tuple(runs) for name, runs in outcomes.items()},
        {name: spent[name] / len(runs) for name, runs in outcomes.items()},
        ceiling=best_f1(anomalous, np.array(counts) - anomalous),
        flag_all=Confusion(tp=float(true.sum()), fp=float((~true).sum()), fn=0.0, tn=0.0).f1,
        training_sessions=len(training),
    )


def best_f1(anomalous: ArrayLike, normal: ArrayLike) -> float:
    """The largest F1 that any verdict by the sequence alone can have, of D sequences of which anomalous[i] and
    normal[i] sessions are: a sequence with both is right for some and wrong for the others.

    F1 = 2 tp / (positives + flagged) grows by flagging a sequence as long as the share of its anomalous sessions
    is more than half of it, so the best verdict flags those with the largest shares.
    """
    odd, even = np.asarray(anomalous, float), np.asarray(normal, float)
    total = odd + even
    odd, total = odd[total > 0], total[total > 0]
    if not odd.any():
        return 1.0  # nothing to find, and nothing flagged
    order = np.argsort(-odd / total, kind="stable")
    found: float = (2 * np.cumsum(odd[order]) / (odd.sum() + np.cumsum(total[order]))).max()
    return float(found)


def _distinct(sequences: Sequence[KeySequence]) -> tuple[list[KeySequence], list[int]]:
    counted = sorted(Counter(map(tuple, sequences)).items())
    return [keys for keys, _ in counted], [count for _, count in counted]
