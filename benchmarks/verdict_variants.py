"""The default verdict put together anew, with a part left out or another in its place: for the ablation alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.detection import session_evidence as default
from deeplog_ops.detection import strange_stretch
from deeplog_ops.detection.tail import Tail
from deeplog_ops.detection.unsupported import unsupported
from deeplog_ops.evaluation.session_evaluation import KeySequence
from deeplog_ops.models.classic.count_vectors import count_keys
from deeplog_ops.models.count_distance import CountDistance
from deeplog_ops.models.held_out import held_out_scores
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.progress_model import ProgressModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
UNCAPPED = 1e9


class Score(Protocol):
    """Half of the evidence: a score of any sequence, and of those of training as if they had not been there."""

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> Floats: ...

    def left_out_scores(self, sequences: Sequence[Sequence[str]]) -> Floats: ...


@dataclass(frozen=True)
class Nothing:
    """A half that says nothing."""

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        return np.zeros(len(sequences))

    left_out_scores = session_scores


class Markov:
    """Order 2 with Witten-Bell smoothing: the last two keys, the last, none. The largest surprise."""

    def __init__(self, sequences: Sequence[KeySequence], weights: Sequence[int]) -> None:
        self.base = len({key for keys in sequences for key in keys}) + 2
        self.pairs, self.events = Counter[tuple[object, str]](), Counter[object]()
        for keys, weight in zip(sequences, weights, strict=True):
            for history, key in _steps(keys):
                self.pairs[history, key] += weight
                self.events[history] += weight
        self.kinds = Counter(history for history, _ in self.pairs)

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        return np.array([self._score(tuple(keys), Counter()) for keys in sequences])

    def left_out_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        return np.array([self._score(tuple(keys), Counter(_steps(keys))) for keys in sequences])

    def _score(self, keys: KeySequence, own: Counter[tuple[object, str]]) -> float:
        own_events, gone = Counter[object](), Counter[object]()
        for (history, key), count in own.items():
            own_events[history] += count
            gone[history] += self.pairs[history, key] <= count
        least = 1.0
        chance = 1.0
        for number, (history, key) in enumerate(_steps(keys)):
            chance = 1 / self.base if number % 3 == 0 else chance
            events = self.events[history] - own_events[history]
            if events > 0:
                kinds = self.kinds[history] - gone[history]
                came = self.pairs[history, key] - own[history, key]
                chance = (came + kinds * chance) / (events + kinds)
            least = min(least, chance) if number % 3 == 2 else least
        return float(-np.log(least))


def _steps(keys: Sequence[str]) -> list[tuple[object, str]]:
    """Of each event and the end: what stands before it, none, one key, two keys."""
    padded = ["begin", "begin", *keys, "end"]
    return [
        (history, padded[place])
        for place in range(2, len(padded))
        for history in ((), (padded[place - 1],), (padded[place - 2], padded[place - 1]))
    ]


class Lstm:
    """The key model; held out in three folds, as it cannot be without one session."""

    def __init__(self, sequences: Sequence[KeySequence], weights: Sequence[int], seed: int = 0) -> None:
        settings = KeyModelSettings(seed=seed)

        def fit(keys: Sequence[Sequence[str]], counts: Sequence[int]) -> KeyModel:
            return KeyModel.fit(keys, counts, settings)[0]

        self.model = fit(sequences, weights)
        held = held_out_scores(sequences, weights, fit)
        total, sessions = np.zeros(len(sequences)), np.zeros(len(sequences))
        np.add.at(total, held.sequence, held.score * held.sessions)
        np.add.at(sessions, held.sequence, held.sessions)
        self.held = dict(zip(map(tuple, sequences), total / sessions, strict=True))

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        return self.model.session_scores(sequences)

    def left_out_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        return np.array([self.held[tuple(keys)] for keys in sequences])


class Taxicab:
    """L1 distance to the nearest count vector of training; each difference is a choice among the keys, in nats."""

    def __init__(self, sequences: Sequence[KeySequence], weights: Sequence[int]) -> None:
        self.usual = CountDistance.fit(sequences, weights)
        self.unit = float(np.log(len(self.usual.keys) + 1))
        vectors = count_keys(sequences, self.usual.keys)
        self.vectors, place = np.unique(vectors, axis=0, return_inverse=True)
        self.sessions = np.bincount(place.reshape(-1), weights)

    @property
    def new_key(self) -> float:
        return self.usual.novel + self.unit

    def session_scores(self, sequences: Sequence[Sequence[str]], left_out: bool = False) -> Floats:
        apart = cdist(count_keys(sequences, self.usual.keys), self.vectors, "cityblock")
        if left_out:
            own = apart.argmin(axis=1)
            rows = np.flatnonzero(self.sessions[own] == 1)
            apart[rows, own[rows]] = np.inf
        nearest = apart.min(axis=1, initial=np.inf)
        nearest = np.where(np.isinf(nearest), 1.0, nearest)
        return np.where(nearest == 0, 0.0, self.usual.novel + nearest * self.unit)

    def left_out_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        return self.session_scores(sequences, left_out=True)


def unrelated(sequences: Sequence[KeySequence], weights: Sequence[int]) -> CountDistance:
    """The set score without relations between counts."""
    whole = CountDistance.fit(sequences, weights)
    return replace(whole, relations=replace(whole.relations, cost=0.0))


def bounded_tail(scores: Floats, weights: Ints, largest: float, confidence: float) -> Tail:
    return Tail.fit(scores, weights, largest=largest, confidence=confidence)


def point_tail(scores: Floats, weights: Ints, largest: float, confidence: float) -> Tail:
    """The same tail as it was found, without a margin for what few sessions cannot show."""
    order = np.argsort(scores, kind="stable")
    values, counts = scores[order], weights[order]
    total = int(counts.sum())
    count = min(max(10, int(total * largest)), total // 2)
    start = float(values[np.searchsorted(np.cumsum(counts), total - count)])
    scale = float(counts @ np.maximum(values - start, 0.0)) / count
    return Tail(total, start, count / total, max(scale, 1e-6))


@dataclass(frozen=True)
class Variant:
    """What is in the verdict. As it stands here it is the default; a test holds that."""

    order: str = "progress"  # progress, markov, lstm or nothing
    counts: str = "costed"  # costed, unrelated, taxicab or nothing
    unsupported: bool = True
    cap: float = default.ORDER_CAP
    lone_cap: float = default.LONE_CAP
    clipped: bool = True
    trust: float = default.TRUST
    stretches: bool = True
    tail: Callable[[Floats, Ints, float, float], Tail] = bounded_tail

    def fit(self, sequences: Sequence[KeySequence], weights: Sequence[int], budget: float) -> VariantJudge:
        keys, counts = list(sequences), np.array(weights, np.int64)
        every = self._scores(keys, counts)
        order, sets = every[0].left_out_scores(keys), every[1].left_out_scores(keys)
        supported, alone = every, np.zeros(len(keys), bool)
        if self.unsupported:
            alone = unsupported(
                np.minimum(order, self.lone_cap) + sets, counts, self._highest(every[1]) - default.LONE_MARGIN
            )
        if alone.any():
            kept = np.flatnonzero(~alone)
            supported = self._scores([keys[row] for row in kept], counts[kept])
            for scores, half in ((order, supported[0]), (sets, supported[1])):
                scores[kept] = half.left_out_scores([keys[row] for row in kept])
                scores[alone] = half.session_scores([keys[row] for row in np.flatnonzero(alone)])
        known = sets == 0
        if counts[known].sum() < default.KNOWN_ORDERS or self.counts == "nothing":
            known = np.ones(len(keys), bool)
        total = np.minimum(order, self.cap) + sets
        confidence = default.SUM_CONFIDENCE if counts.sum() >= default.SHORT else default.SHORT_CONFIDENCE
        at_sum = self.tail(total, counts, default.SUM_TAIL, confidence).threshold(budget)
        if self.clipped:
            highest = self._highest(supported[1])
            at_sum = float(np.clip(at_sum, default.FLOOR * highest, highest))
        at_order = self.tail(
            order[known], counts[known], default.ORDER_TAIL, default.ORDER_CONFIDENCE
        ).threshold(budget * default.ORDER_BUDGET)
        at_order = max(default.ORDER_FLOOR, at_order)
        steps, enough = ProgressModel.fit(keys, counts.tolist()), np.inf
        if self.stretches:
            strange = strange_stretch.most_strange(*steps.strange_steps(keys, leave_out=True))
            enough = strange_stretch.telling(
                strange_stretch.reaching(strange[~alone], counts[~alone]), int(counts.sum()), budget
            )
        return VariantJudge(self, supported, every if alone.any() else None, at_sum, at_order, steps, enough)

    def _highest(self, counts: Score) -> float:
        new_key = counts.new_key if isinstance(counts, (CountDistance, Taxicab)) else 0.0
        cap = 0.0 if self.order == "nothing" else self.cap
        return cap + new_key - default.MARGIN

    def _scores(self, keys: list[KeySequence], counts: Ints) -> tuple[Score, Score]:
        weights = counts.tolist()
        costed = CountDistance.fit(keys, weights)
        sets: Score = costed
        if self.counts != "costed":
            others: dict[str, Callable[[Sequence[KeySequence], Sequence[int]], Score]] = {
                "taxicab": Taxicab,
                "unrelated": unrelated,
            }
            sets = others[self.counts](keys, weights) if self.counts in others else Nothing()
        if self.order == "progress":
            return ProgressModel.fit(keys, weights, costed.free), sets
        if self.order == "markov":
            return Markov(keys, weights), sets
        return (Lstm(keys, weights) if self.order == "lstm" else Nothing()), sets


@dataclass(frozen=True)
class VariantJudge:
    variant: Variant
    supported: tuple[Score, Score]
    every: tuple[Score, Score] | None
    at_sum: float
    at_order: float
    steps: ProgressModel
    strange_enough: float

    def judge(self, sequences: Sequence[KeySequence]) -> tuple[NDArray[np.bool_], Floats]:
        order, sets = (half.session_scores(sequences) for half in self.supported)
        by_sum, known = (np.minimum(order, self.variant.cap) + sets) / self.at_sum, sets == 0
        if self.every is not None:
            order_all, sets_all = (half.session_scores(sequences) for half in self.every)
            total_all = np.minimum(order_all, self.variant.cap) + sets_all
            by_sum = np.minimum(by_sum, total_all / self.variant.trust)
            known, order = sets_all == 0, np.minimum(order, order_all)
        strength = np.maximum(by_sum, np.where(known, order / self.at_order, 0.0))
        strange = strange_stretch.most_strange(*self.steps.strange_steps(sequences))
        strength = np.maximum(strength, strange_stretch.strength(strange, self.strange_enough, self.at_sum))
        return strength >= 1, strength
