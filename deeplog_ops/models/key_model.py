"""The key model: how surprising is each next log key, given the ten before it (DeepLog, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.errors import ModelError
from deeplog_ops.models.key_growth import grown
from deeplog_ops.models.key_network import KeyNetwork, KeyNetworkShape
from deeplog_ops.models.key_scoring import next_keys, score_sequences
from deeplog_ops.models.key_training import train_network
from deeplog_ops.models.key_usage import KeyUsage
from deeplog_ops.models.key_windows import distinct_windows
from deeplog_ops.models.session_split import distinct_sessions, sessions_held_out
from deeplog_ops.models.training_loop import VALIDATION_FOLDS, EpochLoss, Progress
from deeplog_ops.models.vocabulary import Vocabulary

KeySequence = Sequence[str]

FURTHER_EPOCHS = 8  # of an update
FURTHER_RATE = 0.1  # of the learning rate of the training before it


@dataclass(frozen=True)
class KeyModel:
    """A fitted key model. Scores are larger where more anomalous.

    `usage` counts the training's events: it says how likely a new key is.
    """

    vocabulary: Vocabulary
    settings: KeyModelSettings
    network: KeyNetwork
    usage: KeyUsage

    @classmethod
    def fit(
        cls,
        sequences: Sequence[KeySequence],
        weights: Sequence[int] | None = None,
        settings: KeyModelSettings | None = None,
        *,
        progress: Progress | None = None,
    ) -> tuple[KeyModel, list[EpochLoss]]:
        """Train on N sequences, sequence i standing for weights[i] sessions (default 1 each).

        A tenth of the sessions are held out for early stopping. Equal input, seed and versions give
        bit-identical weights on the same machine's CPU. ModelError where there is nothing to train on.
        """
        settings = settings or KeyModelSettings()
        sequences, counts = distinct_sessions(sequences, weights)
        vocabulary = Vocabulary.of(sequences)
        windows = distinct_windows([vocabulary.encode(keys) for keys in sequences], settings.history)
        held_out = sessions_held_out(sequences, counts, VALIDATION_FOLDS, 0)
        if not (counts - held_out).any():
            held_out = np.zeros_like(counts)
        network, losses = train_network(
            windows,
            windows.summed((counts - held_out).astype(float)),
            windows.summed(held_out.astype(float)),
            len(vocabulary),
            settings,
            progress,
        )
        return cls(vocabulary, settings, network, KeyUsage.of(vocabulary, sequences, counts)), losses

    def learnt_more(
        self,
        sequences: Sequence[KeySequence],
        weights: Sequence[int],
        known: Sequence[KeySequence],
        known_weights: Sequence[int],
    ) -> tuple[KeyModel, list[EpochLoss]]:
        """Trained some epochs further on N sequences that are new to it, and on some that it knows, lest it forgets.

        New keys stand behind the others in the vocabulary. As deterministic as `fit`.
        """
        new, counts = distinct_sessions(sequences, weights)
        vocabulary = self.vocabulary.with_keys_of(new)
        every, every_counts = distinct_sessions([*known, *new], [*known_weights, *counts.tolist()])
        windows = distinct_windows([vocabulary.encode(keys) for keys in every], self.settings.history)
        further = self.settings.model_copy(
            update={
                "epochs": FURTHER_EPOCHS,
                "patience": FURTHER_EPOCHS,
                "learning_rate": self.settings.learning_rate * FURTHER_RATE,
            }
        )
        occurs = windows.summed(every_counts.astype(float))
        network, losses = train_network(
            windows,
            occurs,
            np.zeros_like(occurs),
            len(vocabulary),
            further,
            start=grown(self.network, len(vocabulary)),
        )
        usage = self.usage.with_sessions(vocabulary, new, counts)
        return KeyModel(vocabulary, self.settings, network, usage), losses

    def score(
        self,
        sequences: Sequence[KeySequence],
        sequence_ids: Sequence[str] | None = None,
        sessions: Sequence[int] | None = None,
        expected: int = 5,
    ) -> pa.Table:
        """One row a sequence, in the order given, with schemas.SCORES; sessions[i] of them share sequence i.

        A row's lists have one entry an event and one for the end. Its score is the largest surprise; its
        `expected_keys` are the likeliest at that place, with "" for the end of the session. A sequence's row
        is the same whatever else is scored beside it. Keys the model does not know are never an error.
        """
        return score_sequences(self, sequences, sequence_ids, sessions, expected)

    def session_scores(self, sequences: Sequence[KeySequence]) -> NDArray[np.float64]:
        """The largest surprise of each sequence (N,)."""
        return self.score(sequences, expected=1)["score"].to_numpy()

    def next_keys(self, histories: Sequence[KeySequence], most: int) -> list[dict[str, float]]:
        """After each history (keys from a session's beginning) the likeliest keys with their probabilities, `most` of
        them, with "" for the end of the session."""
        return next_keys(self, histories, most)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The network's arrays by name, for safetensors."""
        arrays = self.network.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in arrays.items()}

    def to_dict(self) -> dict[str, Any]:
        """All that `restore` needs besides the weights and the vocabulary, as plain data."""
        return {"settings": self.settings.model_dump(), "usage": self.usage.to_dict()}

    @classmethod
    def restore(
        cls, vocabulary: Vocabulary, data: Mapping[str, Any], weights: Mapping[str, NDArray[np.float32]]
    ) -> KeyModel:
        """A model from its parts. ModelError names the array that is missing, unknown or of another shape."""
        try:
            settings = KeyModelSettings.model_validate(data["settings"])
            usage = KeyUsage.from_dict(data["usage"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the key model's description cannot be used: {error!r}") from error
        if len(usage.events) != len(vocabulary):
            raise ModelError(
                f"the key model counts {len(usage.events)} symbols, but its vocabulary has {len(vocabulary)}"
            )
        network = KeyNetwork(
            KeyNetworkShape(len(vocabulary), settings.embedding, settings.hidden, settings.layers)
        )
        wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
        found = {name: tuple(value.shape) for name, value in weights.items()}
        for name in sorted(wanted.keys() | found.keys()):
            if wanted.get(name) != found.get(name):
                raise ModelError(
                    f"the key model's weights do not fit: {name} has shape {found.get(name, 'missing')}, "
                    f"expected {wanted.get(name, 'no such array')} for {len(vocabulary.keys)} keys "
                    "and these settings"
                )
        network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
        return cls(vocabulary, settings, network.eval(), usage)
