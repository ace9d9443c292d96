"""The default verdict on a session: an order score and a set score, put together and held against a budget.

Both are in nats, so they add up: the largest surprise of the progress model, as far as ORDER_CAP, and the distance of
the counts. A session is anomalous when the sum reaches a threshold, or when its counts are known and its order alone is
more surprising than in any but the rarest normal session, or when it goes on for a while as no session of training does
(`strange_stretch`). The thresholds come from the training sessions alone, each scored as if it had not been in training,
those of the scores by a tail with a margin. Why this and no other way: docs/decisions/0014.

The few sessions that the others do not support, and that would be flagged at the highest threshold, teach nothing: a
session like them is still flagged if it is surprising by TRUST nats even to a model that learnt from them. So an
anomaly or two in the training days do not make the next of their kind look normal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.detection import strange_stretch
from deeplog_ops.detection.ceiling import SHORT, ceiling_holds
from deeplog_ops.detection.session_scores import MARGIN, ORDER_CAP, SessionScores, summed
from deeplog_ops.detection.tail import Tail
from deeplog_ops.detection.unsupported import unsupported
from deeplog_ops.errors import ModelError
from deeplog_ops.models.classic.count_vectors import sessions_of
from deeplog_ops.models.count_distance import CountDistance
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.progress_model import ProgressModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KeySequence = Sequence[str]

TRUST = 7.0  # nats, one in a thousand, to a model that knows a session like it: then it is anomalous even so
NEW_KEYS = 0.01  # of the training sessions, at most, with a key of their own: then any new key tells
FLOOR = 0.6  # of the highest threshold is the lowest: what few sessions seem to allow is not believed
ORDER_FLOOR = ORDER_CAP  # the lowest threshold of the order alone
SUM_TAIL = 0.01
SUM_CONFIDENCE = 0.99
SHORT_CONFIDENCE = 0.9  # with fewer than SHORT sessions: to ask for more would blind it, and promise nothing
ORDER_TAIL = 0.005
ORDER_CONFIDENCE = 0.99
ORDER_BUDGET = 0.5  # the share of the budget that is the order's alone
LONE_CAP = 15.0  # as ORDER_CAP, where it is asked what nothing supports
LONE_MARGIN = 2.0  # nats below the highest threshold from where on a session counts as unsupported
KNOWN_ORDERS = 20  # with fewer sessions of known counts, the order's threshold is that of all sessions
KNOTS = 200
LEAST_CHANCE = -690.0  # nats; a p-value has a logarithm


@dataclass(frozen=True)
class Judged:
    """What the two scores say of N sequences. `strength` is 1 at the threshold; larger is more anomalous."""

    order: Floats  # (N,) nats
    counts: Floats  # (N,) nats
    strength: Floats  # (N,)
    p_value: Floats  # (N,) the budget at the threshold


@dataclass(frozen=True)
class SessionEvidence:
    """A fitted default verdict. `supported` learnt from the sessions that others support, `every` from all."""

    supported: SessionScores
    every: SessionScores
    sum_tail: Tail
    order_tail: Tail
    budget: float
    sessions: int
    left_out_sessions: int  # that nothing supports
    capped: bool  # whether the highest threshold holds
    strange: tuple[int, ...]  # `strange_stretch.reaching` of the training sessions
    training_alarms: float  # share of training sessions flagged when they were not in training
    knots: tuple[tuple[float, float], ...]  # strength, share of training sessions at least so strong

    @classmethod
    def fit(
        cls,
        sequences: Sequence[KeySequence],
        weights: Sequence[int] | None = None,
        *,
        budget: float,
        vouched: Collection[tuple[str, ...]] = (),
    ) -> SessionEvidence:
        """From N sequences, sequence i standing for weights[i] sessions. Those `vouched` for as normal teach, however
        rare they are. ModelError without any."""
        keys, counts = _distinct(sequences, weights)
        every = SessionScores.fit(keys, counts.tolist())
        order, sets = every.left_out(keys)
        alone = unsupported(np.minimum(order, LONE_CAP) + sets, counts, every.highest - LONE_MARGIN)
        alone &= np.array([sequence not in vouched for sequence in keys])
        supported = every
        if alone.any():
            kept = np.flatnonzero(~alone)
            supported = SessionScores.fit([keys[row] for row in kept], counts[kept].tolist())
            order[kept], sets[kept] = supported.left_out([keys[row] for row in kept])
            order[alone], sets[alone] = supported.of([keys[row] for row in np.flatnonzero(alone)])
        known = sets == 0
        if counts[known].sum() < KNOWN_ORDERS:
            known = np.ones(len(keys), bool)
        total = summed(order, sets)
        capped = ceiling_holds(int(counts[total >= supported.highest].sum()), int(counts.sum()))
        strange = strange_stretch.most_strange(*every.order.strange_steps(keys, leave_out=True))
        found = cls(
            supported=supported,
            every=every,
            sum_tail=Tail.fit(
                total,
                counts,
                largest=SUM_TAIL,
                confidence=SHORT_CONFIDENCE if capped and counts.sum() < SHORT else SUM_CONFIDENCE,
            ),
            order_tail=Tail.fit(order[known], counts[known], largest=ORDER_TAIL, confidence=ORDER_CONFIDENCE),
            budget=budget,
            sessions=int(counts.sum()),
            left_out_sessions=int(counts[alone].sum()),
            capped=capped,
            strange=strange_stretch.reaching(strange[~alone], counts[~alone]),
            training_alarms=0.0,
            knots=(),
        )
        own = every.counts.keys_of_one_session
        new_key = (not own.isdisjoint(each) for each in keys)
        strength = found._strength(total / found.thresholds()[0], order, sets == 0, strange, new_key, None)
        return replace(
            found,
            training_alarms=float(counts[strength >= 1].sum() / counts.sum()),
            knots=_knots(strength, counts),
        )

    def with_vouched(self, sequences: Sequence[KeySequence], weights: Sequence[int]) -> SessionEvidence:
        """The same with N sequences that people vouched for as normal, sequence i counting as weights[i] sessions.

        The scores are those of a fit that had them, with the same keys taken as free. The tails, and so what share of
        normal sessions is flagged, stay those of the training: few sessions that were picked out say nothing of them.
        """
        keys, counts = _distinct(sequences, weights)
        supported = self.supported.with_sessions(keys, counts.tolist())
        every = supported
        if self.left_out_sessions:
            every = self.every.with_sessions(keys, counts.tolist())
        return replace(self, supported=supported, every=every, sessions=self.sessions + int(counts.sum()))

    def judge(self, sequences: Sequence[KeySequence], budget: float | None = None) -> Judged:
        """Any sequences (N), of any keys and lengths; anomalous ones have a strength of 1 or more."""
        order, sets = self.supported.of(sequences)
        by_sum, known, least_order = summed(order, sets) / self.thresholds(budget)[0], sets == 0, order
        if self.left_out_sessions:
            order_all, sets_all = self.every.of(sequences)
            by_sum = np.minimum(by_sum, summed(order_all, sets_all) / TRUST)
            known, least_order = sets_all == 0, np.minimum(order, order_all)
        strange = strange_stretch.most_strange(*self.every.order.strange_steps(sequences))
        seen = frozenset(self.every.counts.keys)
        new_key = (not seen.issuperset(keys) for keys in sequences)
        strength = self._strength(by_sum, least_order, known, strange, new_key, budget)
        return Judged(order, sets, strength, self._p_value(strength, budget))

    def thresholds(self, budget: float | None = None) -> tuple[float, float]:
        """Of the sum, and of the order alone where the counts are known, in nats."""
        allowed = self._allowed(budget)
        highest = self.supported.highest
        total = max(FLOOR * highest, self.sum_tail.threshold(allowed))
        if self.capped:
            total = min(total, highest)
        return total, max(ORDER_FLOOR, self.order_tail.threshold(allowed * ORDER_BUDGET))

    def telling_strange(self, budget: float | None = None) -> float:
        """How many strange steps in a stretch make a session anomalous; infinite where that tells nothing here."""
        # Of the sessions that were counted in training: those that people vouched for since are not among them.
        return strange_stretch.telling(self.strange, self.sum_tail.sessions, self._allowed(budget))

    def strange_stretches(
        self, sequences: Sequence[KeySequence], budget: float | None = None
    ) -> list[strange_stretch.Stretch | None]:
        """For each of N sequences the stretch that makes it anomalous, None for those that have none."""
        strange, starts = self.every.order.strange_steps(sequences)
        found = [strange_stretch.strangest(strange[first:end]) for first, end in pairwise(starts)]
        enough = self.telling_strange(budget)
        return [each if each is not None and each.strange >= enough else None for each in found]

    @property
    def new_keys_tell(self) -> bool:
        """Whether any new key makes a session anomalous: where there is no ceiling, and training hardly brought any."""
        return not self.capped and len(self.every.counts.keys_of_one_session) <= NEW_KEYS * self.sessions

    def to_parts(self) -> dict[str, ModelPart]:
        """As parts of a model version, by name."""
        data: dict[str, Any] = {
            "sum_tail": self.sum_tail.to_dict(),
            "order_tail": self.order_tail.to_dict(),
            "budget": self.budget,
            "sessions": self.sessions,
            "left_out_sessions": self.left_out_sessions,
            "capped": self.capped,
            "strange": list(self.strange),
            "training_alarms": self.training_alarms,
            "knots": [list(knot) for knot in self.knots],
        }
        parts = {
            "verdict": ModelPart(data),
            "order": self.supported.order.to_part(),
            "counts": self.supported.counts.to_part(),
        }
        if self.left_out_sessions:
            parts["order_of_all"] = self.every.order.to_part()
            parts["counts_of_all"] = self.every.counts.to_part()
        return parts

    @classmethod
    def restore(cls, parts: Mapping[str, ModelPart]) -> SessionEvidence:
        """From `to_parts`. ModelError names the part that is missing or does not fit."""
        try:
            data = parts["verdict"].data
            supported = SessionScores(
                ProgressModel.restore(parts["order"]), CountDistance.restore(parts["counts"])
            )
            every = supported
            if data["left_out_sessions"]:
                every = SessionScores(
                    ProgressModel.restore(parts["order_of_all"]),
                    CountDistance.restore(parts["counts_of_all"]),
                )
            return cls(
                supported=supported,
                every=every,
                sum_tail=Tail(**data["sum_tail"]),
                order_tail=Tail(**data["order_tail"]),
                budget=float(data["budget"]),
                sessions=int(data["sessions"]),
                left_out_sessions=int(data["left_out_sessions"]),
                capped=bool(data.get("capped", True)),
                strange=tuple(int(count) for count in data.get("strange", ())),
                training_alarms=float(data["training_alarms"]),
                knots=tuple((float(strength), float(share)) for strength, share in data["knots"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the default verdict cannot be read: {error!r}") from error

    def _allowed(self, budget: float | None) -> float:
        allowed = self.budget if budget is None else budget
        if not 0 < allowed < 1:
            raise ModelError(f"a budget of {allowed} false alarms: a share above 0 and below 1 is expected")
        return allowed

    def _strength(
        self,
        by_sum: Floats,
        order: Floats,
        known: NDArray[np.bool_],
        strange: Ints,
        new_key: Iterable[bool],
        budget: float | None,
    ) -> Floats:
        """The most that any of them says (N,): the sum, the order where the counts are known, a strange stretch, and a new
        key where that alone tells, then MARGIN nats beyond the threshold."""
        at_sum, at_order = self.thresholds(budget)
        strength = np.maximum(by_sum, np.where(known, order / at_order, 0.0))
        strength = np.maximum(
            strength, strange_stretch.strength(strange, self.telling_strange(budget), at_sum)
        )
        if not self.new_keys_tell:
            return strength
        new = np.fromiter(new_key, bool, len(strength))
        return np.maximum(strength, np.where(new, 1 + MARGIN / at_sum, 0.0))

    def _p_value(self, strength: Floats, budget: float | None) -> Floats:
        """Below the threshold as often as in training; at it the budget; e times less for each nat beyond; never 0."""
        allowed, at_sum = self._allowed(budget), self.thresholds(budget)[0]
        scale = self.thresholds()[0] / at_sum  # the knots are strengths at the training's own budget
        shares = [
            (level * scale, share) for level, share in self.knots if level * scale < 1 and share > allowed
        ]
        levels = np.array([0.0, *(level for level, _ in shares), 1.0])
        chances = np.log([1.0, *(share for _, share in shares), allowed])
        beyond = np.maximum(strength - 1, 0) * at_sum
        return np.exp(np.maximum(np.interp(strength, levels, chances) - beyond, LEAST_CHANCE))


def _knots(strength: Floats, counts: NDArray[np.int64]) -> tuple[tuple[float, float], ...]:
    """Some levels and the share of sessions that reach them, falling."""
    order = np.argsort(strength, kind="stable")
    ordered, each = strength[order], counts[order]
    above = (np.cumsum(each[::-1])[::-1] + 1) / (each.sum() + 1)
    distinct = np.flatnonzero(np.concatenate([[True], np.diff(ordered) > 0]))
    kept = distinct[
        np.unique(np.linspace(0, len(distinct) - 1, min(KNOTS, len(distinct))).round().astype(int))
    ]
    return tuple((float(ordered[row]), float(above[row])) for row in kept)


def _distinct(
    sequences: Sequence[KeySequence], weights: Sequence[int] | None
) -> tuple[list[tuple[str, ...]], NDArray[np.int64]]:
    """Equal sequences as one, sorted, so that nothing depends on the order of training."""
    total: Counter[tuple[str, ...]] = Counter()
    for keys, count in zip(*sessions_of(sequences, weights), strict=True):
        total[tuple(keys)] += int(count)
    ordered = sorted(total)
    return ordered, np.array([total[keys] for keys in ordered], np.int64)
