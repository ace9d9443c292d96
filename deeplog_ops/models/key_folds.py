"""Key models of three folds as one detector: no session is judged by a network alone that has learnt it by heart.

Two networks a fold learn from two thirds of the training sessions, and what they say of the third they did not see
rates the surprises (`key_rates`) and sets the threshold. New sessions are judged by the mean of all their probabilities.
So nothing is trained only to be thrown away, and what one network happens to be sure of the others temper.
"""

from __future__ import annotations

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

NETWORKS = 2  # a fold; of mutated sessions they find a tenth more than one does, at equal false alarms
SEED_STEP = 1_000  # between their seeds, so that runs with seeds next to each other share no network


@dataclass(frozen=True)
class KeyModelFolds:
    """A fitted detector. Scores are nats: how rarely a normal session has any key as surprising; larger is more anomalous.

    A key that training did not see, or that no more than RARE of its sessions have, is a new one wherever it stands.
    """

    vocabulary: Vocabulary
    models: tuple[KeyModel, ...]
    common: NDArray[np.bool_]  # (V,) symbols that more sessions have
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
        keys, counts = distinct_sessions(sequences, weights)
        vocabulary = Vocabulary.of(keys)
        common = sessions_having(vocabulary, keys, counts) > RARE * counts.sum()
        usual = settings or KeyModelSettings()
        seeded = [
            usual.model_copy(update={"seed": usual.seed + SEED_STEP * turn}) for turn in range(NETWORKS)
        ]
        models: list[KeyModel] = []
        worst = Events.none()
        held, sessions = np.empty((2, 0), np.int64)
        for fold in folds_of(keys, counts):
            seen = [keys[row] for row in fold.seen]
            learnt = [KeyModel.fit(seen, fold.seen_sessions.tolist(), each)[0] for each in seeded]
            models += learnt
            unseen = [keys[row] for row in fold.held]
            of_fold = _surprises(learnt, vocabulary, common, unseen).worst_by_key()
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
        events = _surprises(self.models, self.vocabulary, self.common, sequences)
        scores = np.zeros(len(sequences))
        np.maximum.at(scores, events.row, self.rates.rarity(events.symbol, events.surprise))
        return scores


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
