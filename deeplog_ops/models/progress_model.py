"""The progress model: how surprising is each next key, given how far the session has come?

A variable-order Markov model with Witten-Bell smoothing (Witten and Bell, 1991). It backs off through ever smaller
histories: the multiset of all keys so far; the same without the keys whose counts vary freely; the last two keys; the
last one; none. The multiset is what a workflow with concurrent branches has as its state, so that a step left out or
done twice shows at the first key that follows, in whatever order the branches wrote. Fitting takes seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.errors import ModelError
from deeplog_ops.models.classic.count_vectors import sessions_of
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.session_events import Hashes, SessionEvents, mixed, symbol_hashes
from deeplog_ops.models.vocabulary import EOS, ESCAPE, Vocabulary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS = 5  # none, the last key, the last two, the multiset of the structural keys, the multiset of all
LAST = 1  # the level of the last key


@dataclass(frozen=True)
class _Level:
    """How often each history came in training, with how many different keys after it, and each of these."""

    history: Hashes  # (H,) sorted
    events: Ints  # (H,)
    followers: Ints  # (H,)
    pair: Hashes  # (P,) sorted: hash of a history and the key after it
    pairs: Ints  # (P,)

    @classmethod
    def of(cls, history: Hashes, pair: Hashes, each: Ints) -> _Level:
        """From the history and the pair of every event (E,), event i counting each[i] times."""
        no_hash, no_count = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        return cls(no_hash, no_count, no_count, no_hash, no_count).with_events(history, pair, each)

    def with_events(self, history: Hashes, pair: Hashes, each: Ints) -> _Level:
        """The same with more events (see `of`)."""
        distinct, first = np.unique(pair, return_index=True)
        new = history[first[~np.isin(distinct, self.pair)]]  # the histories that get one more follower each
        known, place = np.unique(np.concatenate([self.history, history]), return_inverse=True)
        pairs, pair_place = np.unique(np.concatenate([self.pair, pair]), return_inverse=True)
        followers = np.bincount(np.searchsorted(known, new), minlength=len(known))
        followers[np.searchsorted(known, self.history)] += self.followers
        return _Level(
            known,
            np.bincount(place, np.concatenate([self.events, each]), len(known)).astype(np.int64),
            followers.astype(np.int64),
            pairs,
            np.bincount(pair_place, np.concatenate([self.pairs, each]), len(pairs)).astype(np.int64),
        )


@dataclass(frozen=True)
class ProgressModel:
    """A fitted model. `free` are the keys left out of the structural multiset. Scores are larger where more anomalous."""

    vocabulary: Vocabulary
    free: tuple[str, ...]
    levels: tuple[_Level, ...]

    @classmethod
    def fit(
        cls,
        sequences: Sequence[Sequence[str]],
        weights: Sequence[int] | None = None,
        free: Collection[str] = (),
    ) -> ProgressModel:
        """From N sequences, sequence i standing for weights[i] sessions. ModelError without any."""
        present, counts = sessions_of(sequences, weights)
        vocabulary = Vocabulary.of(present)
        levels = tuple(_Level.of(*each) for each in _counted(vocabulary, present, counts, free))
        return cls(vocabulary, tuple(sorted(free)), levels)

    def with_sessions(
        self, sequences: Sequence[Sequence[str]], weights: Sequence[int] | None = None
    ) -> ProgressModel:
        """What a fit on all of its training and N sequences more gives, with the same `free`: the scores are equal.

        New keys stand behind the others in the vocabulary, so that what was counted keeps its meaning.
        """
        present, counts = sessions_of(sequences, weights)
        vocabulary = self.vocabulary.with_keys_of(present)
        added = _counted(vocabulary, present, counts, self.free)
        levels = tuple(level.with_events(*each) for level, each in zip(self.levels, added, strict=True))
        return ProgressModel(vocabulary, self.free, levels)

    def surprises(self, sequences: Sequence[Sequence[str]]) -> tuple[Floats, Ints]:
        """-ln P of every event and end, flat (E,), and where each sequence begins (N + 1,)."""
        events = SessionEvents.of(self.vocabulary, sequences)
        return -np.log(self._probability(events, leave_out=False)), events.starts

    def session_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        """The largest surprise of each sequence (N,), in nats."""
        if not len(sequences):
            return np.zeros(0)
        surprise, starts = self.surprises(sequences)
        return np.maximum.reduceat(surprise, starts[:-1])

    def left_out_scores(self, sequences: Sequence[Sequence[str]]) -> Floats:
        """The largest surprise of each training sequence (N,), had one session of it not been in training.

        Exact, by taking the sequence's own counts away; the training's other sessions stay, and so does the vocabulary.
        ModelError for a sequence that was not in training.
        """
        if not len(sequences):
            return np.zeros(0)
        events = SessionEvents.of(self.vocabulary, sequences)
        surprise = -np.log(self._probability(events, leave_out=True))
        return np.maximum.reduceat(surprise, events.starts[:-1])

    def strange_steps(
        self, sequences: Sequence[Sequence[str]], *, leave_out: bool = False
    ) -> tuple[NDArray[np.bool_], Ints]:
        """Whether each event and end never came after the key before it in training, flat (E,), and where each sequence
        begins (N + 1,). A step that a sequence repeats is told of once, where it first came; each key that training
        never saw makes steps of its own.

        `leave_out` is for training sequences: then a session of the sequence itself does not count.
        """
        told = SessionEvents.of(self.vocabulary.with_keys_of(sequences), sequences)
        # New keys stand behind those of training, to which each is the same ESCAPE.
        known = np.where(told.symbols < len(self.vocabulary), told.symbols, ESCAPE)
        events = replace(told, symbols=known)
        history = next(islice(_histories(self.vocabulary, events, self.free), LAST, None))
        pair = mixed(history, events.symbols.view(np.uint64))
        (came,) = _looked_up(self.levels[LAST].pair, pair, self.levels[LAST].pairs)
        if leave_out:
            came = came - _own(events, history, pair, came)[1]
        step = mixed(*(each.view(np.uint64) for each in (told.sequence, told.before(1), told.symbols)))
        first = np.zeros(len(pair), bool)
        first[np.unique(step, return_index=True)[1]] = True
        return first & (came <= 0), events.starts

    def expected(self, keys: Sequence[str], place: int, most: int) -> list[tuple[str, float]]:
        """The likeliest keys at `place` of a session, with their probabilities, "" for the end; likeliest first."""
        return self.ranked(keys, place, most)[0]

    def ranked(self, keys: Sequence[str], place: int, most: int) -> tuple[list[tuple[str, float]], int]:
        """What `expected` gives, and how many keys are likelier there than the one that came."""
        symbols = np.array([EOS, *range(ESCAPE + 1, len(self.vocabulary))], np.int64)
        events = SessionEvents.of(self.vocabulary, [keys])
        chance = np.full(len(symbols), 1 / self._base)
        for level, history in zip(self.levels, _histories(self.vocabulary, events, self.free), strict=True):
            total, kinds = _looked_up(
                level.history, history[place : place + 1], level.events, level.followers
            )
            if total[0]:
                (came,) = _looked_up(level.pair, mixed(history[place], symbols.view(np.uint64)), level.pairs)
                chance = (came + kinds * chance) / (total + kinds)
        best = np.lexsort((symbols, -chance))[:most]
        came = chance[symbols == events.symbols[place]]  # nothing where training did not see the key
        likelier = int((chance > came[0]).sum()) if len(came) else len(symbols)
        return [(self.vocabulary.key(int(symbols[row])) or "", float(chance[row])) for row in best], likelier

    def to_part(self) -> ModelPart:
        arrays: dict[str, NDArray[np.generic]] = {}
        for number, level in enumerate(self.levels):
            for name in _Level.__dataclass_fields__:
                arrays[f"level_{number}.{name}"] = getattr(level, name)
        return ModelPart({"keys": list(self.vocabulary.keys), "free": list(self.free)}, arrays)

    @classmethod
    def restore(cls, part: ModelPart) -> ProgressModel:
        try:
            levels = tuple(
                _Level(*(part.arrays[f"level_{number}.{name}"] for name in _Level.__dataclass_fields__))  # type: ignore[arg-type]
                for number in range(LEVELS)
            )
            return cls(Vocabulary(tuple(part.data["keys"])), tuple(part.data["free"]), levels)
        except KeyError as error:
            raise ModelError(f"this is no progress model: {error} is missing") from error

    @property
    def _base(self) -> int:
        """Of how many symbols any may come where nothing is known: the keys, the end, and a new key."""
        return len(self.vocabulary) - 1

    def _probability(self, events: SessionEvents, leave_out: bool) -> Floats:
        chance = np.full(len(events.symbols), 1 / self._base)
        for level, history in zip(self.levels, _histories(self.vocabulary, events, self.free), strict=True):
            pair = mixed(history, events.symbols.view(np.uint64))
            total, kinds = _looked_up(level.history, history, level.events, level.followers)
            (came,) = _looked_up(level.pair, pair, level.pairs)
            if leave_out:
                own_total, own_came, vanished = _own(events, history, pair, came)
                if (came < own_came).any():
                    strange = int(events.sequence[came < own_came][0])
                    raise ModelError(f"sequence {strange} was not in training: it cannot be left out of it")
                total, came, kinds = total - own_total, came - own_came, kinds - vanished
            known = total > 0
            better = (came + kinds * chance) / np.maximum(total + kinds, 1)
            chance = np.where(known, better, chance)
        return chance


def _counted(
    vocabulary: Vocabulary, sequences: Sequence[Sequence[str]], sessions: Ints, free: Collection[str]
) -> list[tuple[Hashes, Hashes, Ints]]:
    """For each level the history and the pair of every event (E,), and how often it came."""
    events = SessionEvents.of(vocabulary, sequences)
    each = sessions[events.sequence]
    return [
        (history, mixed(history, events.symbols.view(np.uint64)), each)
        for history in _histories(vocabulary, events, free)
    ]


def _histories(vocabulary: Vocabulary, events: SessionEvents, free: Collection[str]) -> Iterator[Hashes]:
    """What stands before each event (E,), from the smallest history to the largest, LEVELS in all; each made when asked."""
    hashes, left_out = symbol_hashes(vocabulary), frozenset(free)
    yield np.zeros(len(events.symbols), np.uint64)
    last = hashes[events.before(1)]
    yield mixed(1, last)
    yield mixed(2, last, hashes[events.before(2)])
    structural = hashes.copy()
    structural[vocabulary.encode([key for key in vocabulary.keys if key in left_out])] = 0
    yield mixed(3, events.so_far(structural))
    yield mixed(4, events.so_far(hashes))


def _looked_up(known: Hashes, wanted: Hashes, *values: Ints) -> tuple[Ints, ...]:
    """The values of the wanted hashes, 0 where a hash is not known."""
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    found = known[place] == wanted
    return tuple(np.where(found, value[place], 0) for value in values)


def _own(events: SessionEvents, history: Hashes, pair: Hashes, came: Ints) -> tuple[Ints, Ints, Ints]:
    """What one session of each event's sequence itself gave: to the history, to the pair; how many pairs vanish.

    A pair vanishes from its history when no other session has it.
    """
    of = events.sequence.view(np.uint64)
    _, place, size = np.unique(mixed(of, history), return_inverse=True, return_counts=True)
    _, first, pair_place, pair_size = np.unique(
        mixed(of, pair), return_index=True, return_inverse=True, return_counts=True
    )
    gone = (came[first] <= pair_size).astype(np.int64)
    vanished = np.bincount(place[first], gone, len(size)).astype(np.int64)
    return size[place], pair_size[pair_place], vanished[place]
