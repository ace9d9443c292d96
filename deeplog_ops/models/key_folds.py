"""Key models of three folds as one detector: no session is judged by a network alone that has learnt it by heart.

Each network learns from two thirds of the training sessions, and what it says of the third it did not see rates the
surprises (`key_rates`) and sets the threshold. New sessions are judged by the mean of the networks' probabilities. So
nothing is trained only to be thrown away, and what one network happens to be sure of the others temper.

The networks read keys with their number: the third "block received" is another symbol than the first. What came long before
the last ten events then still shows in them, as a step too few or too many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.models.held_out import HeldOutScores, folds_of
from deeplog_ops.models.key_model import KeyModel, KeySequence
from deeplog_ops.models.key_rates import RARE, Events, KeyRates
from deeplog_ops.models.key_usage import sessions_having
from deeplog_ops.models.session_split import distinct_sessions
from deeplog_ops.models.vocabulary import EOS, Vocabulary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OFTEN = 10  # a key's tenth event in a session and all after it are alike


@dataclass(frozen=True)
class KeyModelFolds:
    """A fitted detector. Scores are nats: how rarely a normal session has any key as surprising; larger is more anomalous.

    A key that training did not see, or that no more than RARE of its sessions have, is a new one wherever it stands.
    """

    vocabulary: Vocabulary  # of numbered keys
    models: tuple[KeyModel, ...]
    common: NDArray[np.bool_]  # (V,) symbols of keys that more sessions have
    rates: KeyRates
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
        `KeyModel.fit`. ModelError where there is nothing to train on.
        """
        plain, counts = distinct_sessions(sequences, weights)
        keys = [numbered(sequence) for sequence in plain]
        vocabulary = Vocabulary.of(keys)
        common = _common(vocabulary, keys, counts)
        models: list[KeyModel] = []
        worst = Events.none()
        held, sessions = np.empty((2, 0), np.int64)
        for fold in folds_of(plain, counts):
            seen = [keys[row] for row in fold.seen]
            models.append(KeyModel.fit(seen, fold.seen_sessions.tolist(), settings)[0])
            unseen = [keys[row] for row in fold.held]
            of_fold = _surprises(models[-1:], vocabulary, common, unseen).worst_by_key()
            worst = worst.and_of(of_fold, len(held))
            held, sessions = np.append(held, fold.held), np.append(sessions, fold.held_sessions)
        rates = KeyRates.of(worst, sessions[worst.row], int(counts.sum()), common)
        scores = np.zeros(len(held))
        np.maximum.at(scores, worst.row, rates.rarity(worst.symbol, worst.surprise, left_out=True))
        return cls(
            vocabulary,
            tuple(models or [KeyModel.fit(keys, counts.tolist(), settings)[0]]),
            common,
            rates,
            HeldOutScores(held, scores, sessions),
        )

    def session_scores(self, sequences: Sequence[KeySequence]) -> Floats:
        """How rare the rarest event of each sequence is (N,), in nats; any key and any length is accepted."""
        keys = [numbered(sequence) for sequence in sequences]
        events = _surprises(self.models, self.vocabulary, self.common, keys)
        scores = np.zeros(len(sequences))
        np.maximum.at(scores, events.row, self.rates.rarity(events.symbol, events.surprise))
        return scores


def numbered(keys: KeySequence) -> tuple[str, ...]:
    """Each key behind the number of its event among those of that key in the session, OFTEN at most."""
    came: Counter[str] = Counter()
    found = []
    for key in keys:
        came[key] += 1
        found.append(f"{min(came[key], OFTEN)} {key}")
    return tuple(found)


def _common(vocabulary: Vocabulary, keys: Sequence[KeySequence], counts: Ints) -> NDArray[np.bool_]:
    """Which symbols are of a key that more sessions have than RARE (V,); every session has an end."""
    first = sessions_having(
        vocabulary, keys, counts
    )  # of a key as many sessions have the first event as have any
    enough = {
        key.removeprefix("1 ")
        for key in vocabulary.keys
        if key.startswith("1 ") and first[vocabulary.encode([key])[0]] > RARE * counts.sum()
    }
    symbols = [vocabulary.key(symbol) for symbol in range(len(vocabulary))]
    found = np.array([key is not None and key.split(" ", 1)[1] in enough for key in symbols])
    found[EOS] = True
    return found


def _surprises(
    models: Sequence[KeyModel],
    vocabulary: Vocabulary,
    common: NDArray[np.bool_],
    sequences: Sequence[KeySequence],
) -> Events:
    """Of each event and each end, by the mean of the models' probabilities; a rare key is no likelier than a new one."""
    if not len(sequences):
        return Events.none()
    probability = np.mean([_probabilities(model, sequences) for model in models], axis=0)
    symbol = np.concatenate([np.append(vocabulary.encode(keys), EOS) for keys in sequences]).astype(np.int64)
    new = float(np.mean([model.usage.this_new_key for model in models]))
    row = np.repeat(np.arange(len(sequences)), [len(keys) + 1 for keys in sequences])
    return Events(row, symbol, -np.log(np.where(common[symbol], probability, np.minimum(probability, new))))


def _probabilities(model: KeyModel, sequences: Sequence[KeySequence]) -> Floats:
    found: Floats = pc.list_flatten(model.score(sequences, expected=1)["probability"]).to_numpy()
    return found
