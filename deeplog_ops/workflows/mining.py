"""From sessions to blocks: at every level the cut that lets the sessions be told in the fewest bits.

The description length (Rissanen) weighs a block against what it leaves open: choices, turns of loops and the
interleaving of branches are paid for by every session, steps and operators once, sessions astray as noise at the
assumed rate. It decides where cuts compete: a loop or a key that stands twice, a choice told twice or one key shared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from deeplog_ops.workflows import cuts, loops, places
from deeplog_ops.workflows.blocks import EMPTY, Block, Leaf, Loop, choice, fork, sequence
from deeplog_ops.workflows.dependence import independent
from deeplog_ops.workflows.relations import Log, Relations, bound, relations

OPERATOR_BITS = 3.0
DEEPEST = 40
MOST_WORK = 12_000  # traces looked at before nothing more is tried: bounds the time where nothing fits
GUESSES = 4  # cuts on trial inside one another: bounds the time


@dataclass(frozen=True)
class Mined:
    """A block over keys as numbers (`Leaf.key`), its bits with all sessions told by it, and sessions left out."""

    block: Block
    bits: float


@dataclass
class Miner:
    """Mines logs over `keys` keys with events astray at `rate`."""

    keys: int
    rate: float
    guesses: int = 0  # cuts under trial at this moment, one inside the other
    work: int = 0  # distinct traces looked at so far
    memo: dict[frozenset[tuple[tuple[int, ...], int]], Mined] = field(default_factory=dict)

    def mine(self, log: Log, depth: int = 0) -> Mined:
        name = frozenset(log.items())
        found = self.memo.get(name)
        if found is None:
            found = self.memo[name] = self._mine(log, depth)
        return found

    def _mine(self, log: Log, depth: int) -> Mined:
        self.work += len(log)
        sessions = sum(log.values())
        empty = log.get((), 0)
        if empty == sessions:
            return Mined(EMPTY, 0.0)
        if empty:
            return self._with_empty(log, sessions, empty, depth)
        if len({key for trace in log for key in trace}) == 1:
            return self._one_key(log, sessions)
        log, lost = self._without_strangers(log, sessions)
        paid = self._astray(lost)
        relation = relations(log)
        if len(relation.keys) == 1:
            return Mined(*_plus(self._one_key(log, relation.sessions), paid))
        cut = cuts.alternatives(log, relation, self.rate)
        if cut is not None and len(cut.parts) > 1:
            return Mined(*_plus(self._choice(cut, depth), paid))
        best = self._best(log, relation, depth)
        return Mined(*_plus(best, paid))

    def _best(self, log: Log, relation: Relations, depth: int) -> Mined:
        cut = cuts.stages(log, relation, self.rate)
        if cut is not None:
            groups = independent(cut)
            if len(groups) == len(cut.parts):
                return self._seq(cut, depth)
            if len(groups) > 1:
                return self._seq(cuts.merged(cut, groups), depth)
        found = [self._flower(log, relation)]
        if depth < DEEPEST:
            if cut is not None:
                found.append(self._seq(cut, depth))
            found += self._candidates(log, relation, depth, cut is not None)
        return min(found, key=lambda mined: mined.bits)

    def _candidates(self, log: Log, relation: Relations, depth: int, staged: bool) -> list[Mined]:
        found: list[Mined] = []
        apart = staged
        for rate in (self.rate, 0.0) if self.rate and not staged else (self.rate,):
            cut = cuts.branches(log, relation, rate)
            if cut is not None and not staged:
                found.append(self._fork(cut, depth))
                apart = len(independent(cut)) < len(cut.parts)
                if not apart and cuts.woven_freely(cut, log):
                    return found
                break
        if self.guesses == GUESSES or self.work > MOST_WORK:
            return found
        self.guesses += 1
        for view in places.placed(log, relation, self.rate):
            found += self._numbered(*view, depth)
        if self._repeats(log, relation):
            for cut in places.at_pivot(log, relation, self.rate):
                found += self._stages(cut, depth)
            counted = places.numbered(log, self.rate)
            if counted is not None:
                found += self._numbered(*counted, depth)
            for cut in loops.turns(log, relation, self.rate):
                if cut.parts[0] != log:
                    found.append(self._loop(cut, relation.sessions, depth))
            redone = loops.redone(log, relation, self.rate)
            if redone is not None:
                found.append(self._redo(*redone, relation.sessions, depth))
        for cut in places.by_presence(log, relation, self.rate, 1 if found and not apart else 3):
            found.append(self._choice(cut, depth))
        self.guesses -= 1
        return found

    def _repeats(self, log: Log, relation: Relations) -> bool:
        """Whether more sessions than noise explains have a key twice."""
        repeating = sum(weight for trace, weight in log.items() if len(set(trace)) < len(trace))
        return repeating > bound(relation.sessions * self.rate / 2 / max(1, len(relation.keys)))

    def _numbered(self, view: Log, names: dict[int, int], depth: int) -> list[Mined]:
        """Cuts in which the times of a key fall apart."""
        relation = relations(view)
        found: list[Mined] = []
        cut = cuts.stages(view, relation, self.rate)
        if cut is not None:
            found += self._stages(_named(cut, names), depth)
        else:
            cut = cuts.branches(view, relation, self.rate)
            if cut is not None and not _shared(cut, names):
                found.append(self._fork(cut, depth, names))
        return found

    def _with_empty(self, log: Log, sessions: int, empty: int, depth: int) -> Mined:
        rest = {trace: weight for trace, weight in log.items() if trace}
        limit = cuts.noise_bound(sessions, self.rate)
        if sessions - empty <= limit:
            return Mined(EMPTY, self._astray(sessions - empty))
        mined = self.mine(rest, depth)
        if empty <= limit:
            return Mined(*_plus(mined, self._astray(empty)))
        bits = mined.bits + OPERATOR_BITS + _entropy([empty, sessions - empty])
        optional = Mined(choice(mined.block, EMPTY), bits)
        found = [optional]
        for cut in self._stagings(rest):
            if all(() in part for part in cut.parts):
                cut = cuts.with_empty(cut, empty)  # every stage may be left out, and here all were
                found += self._stages(cut, depth)
        return min(found, key=lambda mined: mined.bits)

    def _stagings(self, log: Log) -> list[cuts.Cut]:
        """Cuts in stages; where there is none, those with a key at several places."""
        relation = relations(log)
        cut = cuts.stages(log, relation, self.rate)
        if cut is not None:
            return [cut]
        found = []
        for view, names in places.placed(log, relation, self.rate):
            cut = cuts.stages(view, relations(view), self.rate)
            if cut is not None:
                found.append(_named(cut, names))
        return found

    def _one_key(self, log: Log, sessions: int) -> Mined:
        key = next(iter(log))[0]
        leaf = Leaf("", str(key))
        one = self._leaf_bits()
        times: dict[int, int] = {}
        for trace, weight in log.items():
            times[len(trace)] = times.get(len(trace), 0) + weight
        limit = cuts.noise_bound(sessions, self.rate)
        usual = {count: weight for count, weight in times.items() if weight > limit} or times
        lost = self._astray(sessions - sum(usual.values()))
        if len(usual) == 1:
            number = next(iter(usual))
            if number <= 3:
                return Mined(sequence(*[leaf] * number), one * number + lost)
        turns = sum(count * weight for count, weight in times.items())
        return Mined(Loop(leaf, EMPTY), one + OPERATOR_BITS + _entropy([sessions, turns - sessions]))

    def _without_strangers(self, log: Log, sessions: int) -> tuple[Log, int]:
        """Without the sessions of keys that are too rare here to be more than noise."""
        if not self.rate:
            return log, 0
        present: dict[int, int] = {}
        for trace, weight in log.items():
            for key in set(trace):
                present[key] = present.get(key, 0) + weight
        limit = cuts.noise_bound(sessions, self.rate)
        strangers = {key for key, count in present.items() if count <= limit}
        kept = {trace: weight for trace, weight in log.items() if strangers.isdisjoint(trace)}
        if not kept:
            return log, 0
        return kept, sessions - sum(kept.values())

    def _choice(self, cut: cuts.Cut, depth: int) -> Mined:
        mined = [self.mine(part, depth + 1) for part in cut.parts]
        sizes = [sum(part.values()) for part in cut.parts]
        bits = sum(part.bits for part in mined) + OPERATOR_BITS + _entropy(sizes) + self._astray(cut.astray)
        return Mined(choice(*(part.block for part in mined)), bits)

    def _seq(self, cut: cuts.Cut, depth: int) -> Mined:
        mined = [self.mine(part, depth + 1) for part in cut.parts]
        bits = sum(part.bits for part in mined) + OPERATOR_BITS + self._astray(cut.astray)
        return Mined(sequence(*(part.block for part in mined)), bits)

    def _fork(self, cut: cuts.Cut, depth: int, names: dict[int, int] | None = None) -> Mined:
        parts = cut.parts if names is None else _named(cut, names).parts
        mined = [self.mine(part, depth + 1) for part in parts]
        woven = 0.0
        for pieces, weight in cut.rows:
            sizes = [len(piece) for piece in pieces]
            woven += weight * (math.lgamma(sum(sizes) + 1) - sum(math.lgamma(size + 1) for size in sizes))
        bits = sum(part.bits for part in mined) + OPERATOR_BITS + woven / math.log(2)
        return Mined(fork(*(part.block for part in mined)), bits)

    def _stages(self, cut: cuts.Cut, depth: int) -> list[Mined]:
        """The stages, those that depend on each other as one; none where all do."""
        groups = independent(cut)
        return [self._seq(cuts.merged(cut, groups), depth)] if len(groups) > 1 else []

    def _loop(self, cut: cuts.Cut, sessions: int, depth: int) -> Mined:
        body = self.mine(cut.parts[0], depth + 1)
        turns = sum(cut.parts[0].values())
        bits = body.bits + OPERATOR_BITS + _entropy([sessions, turns - sessions])
        return Mined(Loop(body.block, EMPTY), bits)

    def _redo(self, bodies: Log, redos: Log, sessions: int, depth: int) -> Mined:
        body, redo = self.mine(bodies, depth + 1), self.mine(redos, depth + 1)
        turns = sum(bodies.values())
        bits = body.bits + redo.bits + OPERATOR_BITS + _entropy([sessions, max(0, turns - sessions)])
        return Mined(Loop(body.block, redo.block), bits)

    def _flower(self, log: Log, relation: Relations) -> Mined:
        """Anything, any number of times: what is left where no cut fits."""
        counts = dict.fromkeys(relation.keys, 0)
        for trace, weight in log.items():
            for key in trace:
                counts[key] += weight
        events = sum(counts.values())
        bits = self._leaf_bits() * len(counts) + 2 * OPERATOR_BITS + _entropy(list(counts.values()))
        bits += _entropy([relation.sessions, events - relation.sessions])
        return Mined(Loop(choice(*(Leaf("", str(key)) for key in relation.keys)), EMPTY), bits)

    def _leaf_bits(self) -> float:
        return math.log2(self.keys + 1) + 2

    def _astray(self, sessions: int) -> float:
        return sessions * (math.log2(4 / self.rate) + 1) if self.rate and sessions else 0.0


def _plus(mined: Mined, bits: float) -> tuple[Block, float]:
    return mined.block, mined.bits + bits


def _entropy(counts: list[int]) -> float:
    """Bits to tell which of the kinds each of sum(counts) things is, with the price of the shares."""
    total = sum(counts)
    told = sum(count * math.log2(total / count) for count in counts if count)
    return told + 0.5 * math.log2(total + 1) * max(0, len(counts) - 1)


def _renamed(log: Log, names: dict[int, int]) -> Log:
    out: Log = {}
    for trace, weight in log.items():
        keys = tuple(names[key] for key in trace)
        out[keys] = out.get(keys, 0) + weight
    return out


def _shared(cut: cuts.Cut, names: dict[int, int]) -> bool:
    """Whether one key stands in two of the parts."""
    keys = [{names[key] for trace in part for key in trace} for part in cut.parts]
    return sum(len(part) for part in keys) > len(set().union(*keys))


def _named(cut: cuts.Cut, names: dict[int, int]) -> cuts.Cut:
    """The cut of a log over new numbers, with the keys that they stand for."""
    rows = tuple(
        (tuple(tuple(names[key] for key in piece) for piece in pieces), weight) for pieces, weight in cut.rows
    )
    return cuts.Cut(tuple(_renamed(part, names) for part in cut.parts), cut.astray, rows)
