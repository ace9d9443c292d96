"""Networks of three folds as one detector: no session is judged by a network alone that has learnt it by heart.

Each network reads two thirds of the training sessions from end to end (`session_network`), and what it says of the third
it did not see rates the surprises (`key_rates`) and sets the threshold. New sessions are judged by the mean of the
networks' probabilities. So nothing is trained only to be thrown away, and what one network happens to be sure of the
others temper.

The networks read keys with their number: the third "block received" is another symbol than the first. That it was awaited
and never came is as much of a surprise as one that nobody awaited.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from sys import intern

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.models.held_out import HeldOutScores, folds_of
from deeplog_ops.models.key_rates import RARE, START, Events, KeyRates
from deeplog_ops.models.key_usage import KeyUsage, sessions_having
from deeplog_ops.models.network_symbols import NetworkSymbols
from deeplog_ops.models.session_pieces import with_ends
from deeplog_ops.models.session_reader import SessionReader
from deeplog_ops.models.session_split import distinct_sessions, sessions_held_out
from deeplog_ops.models.training_loop import VALIDATION_FOLDS
from deeplog_ops.models.vocabulary import EOS, ESCAPE, Vocabulary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KeySequence = Sequence[str]

OFTEN = 10  # a key's tenth event in a session and all after it are alike
LEAST_CHANCE = 1e-9  # that something sure to come does not
AT_ONCE = 2_000  # sessions that are scored at once, and
EVENTS_AT_ONCE = 500_000  # events of theirs, if it is not one session that has more: some 150 bytes each


@dataclass(frozen=True)
class KeyModelFolds:
    """A fitted detector. Scores are nats: how rarely a normal session has any key as surprising, or misses any that was
    as sure to come; larger is more anomalous.

    A key that training did not see, or that no more than RARE of its sessions have, is a new one wherever it stands; so is
    the next event of a key that no more than RARE of the sessions with the one before have.
    """

    vocabulary: Vocabulary  # of numbered keys
    readers: tuple[SessionReader, ...]
    common: NDArray[np.bool_]  # (V + L,) symbols of keys that more sessions have, then what is watched
    rates: KeyRates  # of V symbols that came and L that did not
    held_out: HeldOutScores  # of the distinct sequences of training, sorted

    @classmethod
    def fit(
        cls,
        sequences: Sequence[KeySequence],
        weights: Sequence[int] | None = None,
        settings: KeyModelSettings | None = None,
    ) -> KeyModelFolds:
        """Train on N sequences, sequence i standing for weights[i] sessions (default 1 each).

        A single session can't be held out: one network learns it, and nothing is rated. As deterministic as
        `SessionReader.fit`. ModelError where there is nothing to train on.
        """
        settings = settings or KeyModelSettings()
        plain, counts = distinct_sessions(sequences, weights)
        keys = [numbered(sequence) for sequence in plain]
        vocabulary = Vocabulary.of(keys)
        having = sessions_having(vocabulary, keys, counts)
        common = _common(vocabulary, having, int(counts.sum()))
        symbols = NetworkSymbols.of(having, common)
        common = np.append(common, np.ones(symbols.awaited, np.bool_))
        readers: list[SessionReader] = []
        worst = Events.none()
        held, sessions = np.empty((2, 0), np.int64)
        for fold in folds_of(plain, counts):
            seen = [keys[row] for row in fold.seen]
            readers.append(_reader(vocabulary, seen, fold.seen_sessions, symbols, settings))
            unseen = [keys[row] for row in fold.held]
            for first, some in _parts(unseen):
                of_part = _surprises(readers[-1:], vocabulary, common, some).worst_by_key()
                worst = worst.with_events(of_part, len(held) + first)
            held, sessions = np.append(held, fold.held), np.append(sessions, fold.held_sessions)
        rates = KeyRates.of(worst, sessions[worst.row], int(counts.sum()), common)
        scores = np.zeros(len(held))
        np.maximum.at(scores, worst.row, rates.rarity(worst.symbol, worst.surprise, left_out=True))
        return cls(
            vocabulary,
            tuple(readers or [_reader(vocabulary, keys, counts, symbols, settings)]),
            common,
            rates,
            HeldOutScores(held, scores, sessions),
        )

    def session_scores(self, sequences: Sequence[KeySequence]) -> Floats:
        """How rare the rarest event of each sequence is (N,), in nats; any key and any length is accepted."""
        scores = np.zeros(len(sequences))
        for first, some in _parts(sequences):
            keys = [numbered(sequence) for sequence in some]
            events = _surprises(self.readers, self.vocabulary, self.common, keys)
            np.maximum.at(scores, first + events.row, self.rates.rarity(events.symbol, events.surprise))
        return scores


def _parts(sequences: Sequence[KeySequence]) -> Iterator[tuple[int, Sequence[KeySequence]]]:
    """Sequences a part at a time, with the place of its first: memory does not grow with their number or length."""
    first = events = 0
    for place, sequence in enumerate(sequences):
        if place > first and (place - first == AT_ONCE or events + len(sequence) > EVENTS_AT_ONCE):
            yield first, sequences[first:place]
            first, events = place, 0
        events += len(sequence)
    if len(sequences):
        yield first, sequences[first:]


def numbered(keys: KeySequence) -> tuple[str, ...]:
    """Each key behind the number of its event among those of that key in the session, OFTEN at most. Equal ones are one
    object: a training holds all of its events."""
    came: Counter[str] = Counter()
    found = []
    for key in keys:
        came[key] += 1
        found.append(intern(f"{min(came[key], OFTEN)} {key}"))
    return tuple(found)


def _common(vocabulary: Vocabulary, having: Ints, sessions: int) -> NDArray[np.bool_]:
    """Which symbols are of an event that more sessions have than RARE of those that had the key's event before (V,).

    So a fourth replica where hardly any session has more than three is rare, and a ninth retry where every other has one
    more is not. Every session has an end.
    """
    found = np.zeros(len(vocabulary), np.bool_)
    found[EOS] = True
    for key in {key.split(" ", 1)[1] for key in vocabulary.keys}:
        numbers = vocabulary.encode([f"{number} {key}" for number in range(1, OFTEN + 1)])
        before = sessions
        for symbol in numbers[numbers != ESCAPE]:
            if having[symbol] <= RARE * before:
                break
            found[symbol], before = True, having[symbol]
    return found


def _reader(
    vocabulary: Vocabulary,
    keys: Sequence[KeySequence],
    counts: Ints,
    symbols: NetworkSymbols,
    settings: KeyModelSettings,
) -> SessionReader:
    held_out = sessions_held_out(keys, counts, VALIDATION_FOLDS, 0)
    usage = KeyUsage.of(vocabulary, keys, counts)
    return SessionReader.fit(
        [vocabulary.encode(each) for each in keys], counts, held_out, usage, symbols, settings
    )


def _surprises(
    readers: Sequence[SessionReader],
    vocabulary: Vocabulary,
    common: NDArray[np.bool_],
    sequences: Sequence[KeySequence],
) -> Events:
    """Of each event and each end, and of each key that was sure to come and did not, by the mean of what the readers say.

    A rare key is no likelier than a new one. What did not come stands behind the symbols, by the column it is watched in.
    """
    if not len(sequences):
        return Events.none()
    symbols = [vocabulary.encode(keys) for keys in sequences]
    told = [reader.read(symbols) for reader in readers]
    probability = np.mean([each.probability for each in told], axis=0)
    symbol = with_ends(symbols).astype(np.int64)
    new = float(np.mean([reader.usage.this_new_key for reader in readers]))
    row = np.repeat(np.arange(len(sequences)), [len(keys) + 1 for keys in sequences])
    came = Events(row, symbol, -np.log(np.where(common[symbol], probability, np.minimum(probability, new))))
    surprise = -np.log(np.maximum(1 - np.mean([each.awaited for each in told], axis=0), LEAST_CHANCE))
    row, column = np.nonzero(surprise >= START)
    return came.with_events(Events(row, column + len(vocabulary), surprise[row, column]))
