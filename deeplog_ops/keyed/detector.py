"""The key model for those who have arrays: predicts the next event, in the habit of scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.errors import ModelError
from deeplog_ops.models.compute_device import choose_device, one_thread
from deeplog_ops.models.key_network import KeyNetwork
from deeplog_ops.models.key_training import train_network
from deeplog_ops.models.key_windows import KeyWindows
from deeplog_ops.models.training_loop import EpochLoss
from deeplog_ops.models.vocabulary import ESCAPE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FIRST = ESCAPE + 1  # the network's first symbols are BOS, EOS and ESCAPE; integer i of the data is i + FIRST
HELD_OUT = 0.1  # share of the events held out for early stopping
BATCH = 4096
MOST = 10**6  # distinct events: the network has a row of weights for each
_DEFAULT = KeyModelSettings()


class DeepLog(BaseEstimator):  # type: ignore[misc]
    """Which events are likely next, given those before them (DeepLog, section 3.1).

    Contexts X (N, length) and events y (N,) are integers as `Preprocessor` gives them; what a context holds
    beyond the `input_size` integers is read as a key never seen. `input_size` and `output_size` count the
    distinct integers of contexts and of events, found in `fit` when None. The other parameters are those of
    `config.KeyModelSettings`. Equal input, seed and versions give equal results on one machine's CPU.
    """

    def __init__(
        self,
        input_size: int | None = None,
        hidden_size: int = _DEFAULT.hidden,
        output_size: int | None = None,
        num_layers: int = _DEFAULT.layers,
        *,
        embedding: int = _DEFAULT.embedding,
        epochs: int = _DEFAULT.epochs,
        batch_size: int = _DEFAULT.batch_size,
        learning_rate: float = _DEFAULT.learning_rate,
        patience: int = _DEFAULT.patience,
        seed: int = _DEFAULT.seed,
        device: Literal["auto", "cpu", "cuda"] = _DEFAULT.device,
    ) -> None:
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.output_size = output_size
        self.num_layers = num_layers
        self.embedding = embedding
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.seed = seed
        self.device = device

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        verbose: bool = False,
    ) -> Self:
        """Train on contexts X (N, length) and the events y (N,) that came; event i counts sample_weight[i] times.

        What is given here stands instead of the parameter of that name, for this call. Sets `losses_`, an
        entry an epoch. ModelError where there is nothing to train on, or shapes or values do not fit.
        """
        contexts, events = _contexts(X), _events(y)
        if len(contexts) != len(events) or not len(events):
            raise ModelError(
                f"{contexts.shape} contexts came with {events.shape} events: one each is expected"
            )
        self.n_inputs_ = _size("input_size", self.input_size, contexts, events)
        self.n_outputs_ = _size("output_size", self.output_size, events)
        weights = np.ones(len(events)) if sample_weight is None else np.asarray(sample_weight, float)
        if weights.shape != events.shape or not np.isfinite(weights).all() or (weights < 0).any():
            raise ModelError("sample_weight holds one number of 0 or more an event")
        settings = self._settings(contexts.shape[1], epochs, batch_size, learning_rate)
        rows = np.column_stack([contexts, events]).astype(np.int32) + FIRST
        distinct, place = np.unique(rows, axis=0, return_inverse=True)
        windows = KeyWindows(distinct, place.reshape(-1), np.arange(len(rows) + 1))
        # Events are held out after sorting, so that their order does not matter.
        total = windows.summed(weights)
        counts = np.round(total).astype(np.int64)
        held = np.minimum(np.random.default_rng(self.seed).binomial(counts, HELD_OUT), total)
        if not (total - held).any():
            held = np.zeros_like(total)

        def say(loss: EpochLoss, most: int) -> None:
            if verbose:
                print(f"epoch {loss.epoch:>3}/{most}  train {loss.train:.4f}  held out {loss.validation:.4f}")

        symbols = max(self.n_inputs_, self.n_outputs_) + FIRST
        self.network_: KeyNetwork
        self.network_, self.losses_ = train_network(windows, total - held, held, symbols, settings, say)
        self.length_ = contexts.shape[1]
        return self

    def predict(self, X: ArrayLike, y: ArrayLike | None = None, k: int = 1) -> tuple[Ints, Floats]:
        """The k likeliest next events (N, k), likeliest first, and their probabilities (N, k).

        `y` is not looked at; it stands here so that `predict(X, y)` reads as `fit(X, y)` does.
        """
        if not 1 <= k <= self._fitted().n_outputs_:
            raise ModelError(f"k is {k}: 1 to {self.n_outputs_} events can be predicted")
        distinct, place = self._distinct(X)
        keys, confidences = np.empty((len(distinct), k), np.int64), np.empty((len(distinct), k))
        for part, chances in self._chances(distinct):
            top = torch.from_numpy(chances).topk(k, dim=1)
            keys[part], confidences[part] = top.indices.numpy(), top.values.numpy()
        return keys[place], confidences[place]

    def fit_predict(self, X: ArrayLike, y: ArrayLike, k: int = 1, **fit: Any) -> tuple[Ints, Floats]:
        """Train on X and y, then predict for X."""
        return self.fit(X, y, **fit).predict(X, y, k)

    def surprise(self, X: ArrayLike, y: ArrayLike) -> Floats:
        """-ln of the probability of each event that came (N,), larger is more anomalous; infinite where training
        had no such integer. A threshold on it holds where a rank (`y` not among the k likeliest) does not."""
        distinct, place = self._distinct(X)
        events = _events(y)
        if events.shape != place.shape:
            raise ModelError(f"{len(place)} contexts came with {len(events)} events: one each is expected")
        found = np.full(len(events), np.inf)
        order = np.argsort(place, kind="stable")
        for part, chances in self._chances(distinct):
            rows = order[slice(*np.searchsorted(place[order], [part.start, part.stop]))]
            rows = rows[events[rows] < self.n_outputs_]
            with np.errstate(divide="ignore"):
                found[rows] = -np.log(chances[place[rows] - part.start, events[rows]])
        return found

    def save(self, path: str | Path) -> None:
        """A folder with the parameters as JSON and the weights as safetensors."""
        from deeplog_ops.keyed.saved import save_network

        save_network(self._fitted(), Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """What `save` wrote. ModelError names what is missing or does not fit."""
        from deeplog_ops.keyed.saved import load_network

        return load_network(cls, Path(path))

    def _settings(
        self, length: int, epochs: int | None, batch_size: int | None, learning_rate: float | None
    ) -> KeyModelSettings:
        try:
            return KeyModelSettings(
                history=length,
                hidden=self.hidden_size,
                layers=self.num_layers,
                embedding=self.embedding,
                epochs=epochs or self.epochs,
                batch_size=batch_size or self.batch_size,
                learning_rate=learning_rate or self.learning_rate,
                patience=self.patience,
                seed=self.seed,
                device=self.device,
            )
        except ValueError as error:
            raise ModelError(f"these parameters cannot be used: {error}") from error

    def _fitted(self) -> Self:
        if not hasattr(self, "network_"):
            raise ModelError("this detector has learnt nothing yet: call fit first")
        return self

    def _distinct(self, X: ArrayLike) -> tuple[NDArray[np.int64], Ints]:
        contexts = _contexts(X)
        if contexts.shape[1] != self._fitted().length_:
            raise ModelError(
                f"contexts have {contexts.shape[1]} events: {self.length_} are expected, as in fit"
            )
        symbols = np.where(contexts < self.n_inputs_, contexts + FIRST, ESCAPE)
        distinct, place = np.unique(symbols, axis=0, return_inverse=True)
        return distinct, place.reshape(-1).astype(np.int64)

    @torch.inference_mode()
    def _chances(self, contexts: Ints) -> Any:
        """Of the n_outputs_ events after each context, a batch at a time; filled up, so that numbers do not
        depend on what stands beside them."""
        device = choose_device(self.device)
        network = self.network_.to(device)
        for start in range(0, len(contexts), BATCH):
            part = slice(start, min(start + BATCH, len(contexts)))
            filled = np.full((BATCH, contexts.shape[1]), ESCAPE, np.int64)
            filled[: part.stop - start] = contexts[part]
            with one_thread():
                logits = network(torch.from_numpy(filled).to(device))[: part.stop - start]
            known = logits[:, FIRST : FIRST + self.n_outputs_].double()
            yield part, known.softmax(dim=1).cpu().numpy()


def _contexts(X: ArrayLike) -> Ints:
    contexts = np.asarray(X)
    if contexts.ndim != 2 or contexts.dtype.kind not in "iu" or not contexts.shape[1]:
        raise ModelError(f"contexts are integers (N, length): {contexts.dtype} {contexts.shape} came")
    if (contexts < 0).any():
        raise ModelError("a context holds a negative integer: events are numbered from 0")
    return contexts.astype(np.int64)


def _events(y: ArrayLike) -> Ints:
    events = np.asarray(y)
    if events.ndim != 1 or (events.dtype.kind not in "iu" and events.size) or (events < 0).any():
        raise ModelError(f"events are integers (N,) from 0: {events.dtype} {events.shape} came")
    return events.astype(np.int64)


def _size(name: str, given: int | None, *values: Ints) -> int:
    found = max(int(value.max()) for value in values) + 1
    if given is not None and given < found:
        raise ModelError(f"{name} is {given}, but the data has the integer {found - 1}: {found} is the least")
    if (given or found) > MOST:
        raise ModelError(
            f"{name} would be {given or found:,}: events are numbered 0, 1, 2, ...; {MOST:,} are the most"
        )
    return given or found
