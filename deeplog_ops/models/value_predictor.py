"""Which templates' next vectors a network predicts better than their center does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deeplog_ops.errors import ModelError
from deeplog_ops.models.value_network import ValueNetwork, ValueNetworkShape
from deeplog_ops.models.value_training import CLIPPED, Progress, VectorSeries, predict, train_values

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

BETTER = 0.9  # share of the center's mean error that the network's may have, on the later part
LEAST_HELD = 50  # errors there


@dataclass(frozen=True)
class Predictor:
    """A network and the templates that it reads, in its order; vectors are of KeyValues.places."""

    network: ValueNetwork
    keys: tuple[str, ...]
    fields: int
    hidden: int
    history: int

    def predict(self, key: str, vectors: Floats) -> Floats:
        """The vector expected at each place of a series (N, any number of fields) in the order of time."""
        read = fitted_to(vectors, self.fields)
        found = predict(self.network, self.keys.index(key), read, self.history).astype(float)
        return fitted_to(found, vectors.shape[1]).astype(float)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        arrays = self.network.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in arrays.items()}

    def to_dict(self) -> dict[str, Any]:
        """All that `restore` needs besides the weights, as plain data."""
        return {
            "keys": list(self.keys),
            "fields": self.fields,
            "hidden": self.hidden,
            "history": self.history,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Predictor:
        keys = tuple(map(str, data["keys"]))
        fields, hidden, history = (int(data[name]) for name in ("fields", "hidden", "history"))
        network = ValueNetwork(ValueNetworkShape(len(keys), fields, hidden))
        try:
            network.load_state_dict({name: torch.tensor(value) for name, value in arrays.items()})
        except RuntimeError as error:
            raise ModelError(f"the value network's weights do not fit: {error}") from error
        return cls(network.eval(), keys, fields, hidden, history)


def fitted_to(vectors: Floats, fields: int) -> Floats32:
    """Vectors (N, any) as (N, fields): what is too many is cut off, what is missing is NaN."""
    found = np.full((len(vectors), fields), np.nan, np.float32)
    some = min(fields, vectors.shape[1])
    found[:, :some] = vectors[:, :some]
    return found


def fit_predictor(
    series: Mapping[str, VectorSeries],
    *,
    history: int,
    hidden: int,
    epochs: int,
    seed: int,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[Predictor | None, dict[str, NDArray[np.bool_]]]:
    """The network of all templates, and for which fields (F,) of which it predicts better than the center.

    No network where it helps nowhere.
    """
    keys = tuple(sorted(series))
    if not keys:
        return None, {}
    network = train_values(
        [series[key] for key in keys],
        length=history, hidden=hidden, epochs=epochs, seed=seed, device=device, progress=progress,
    )  # fmt: skip
    fields = next(iter(series.values())).vectors.shape[1]
    predictor = Predictor(network.cpu(), keys, fields, hidden, history)
    helped = {}
    for key in keys:
        vectors = series[key].vectors.astype(float)
        predicted = predictor.predict(key, vectors)
        better = _better(vectors[~series[key].train], predicted[~series[key].train])
        if better.any():
            helped[key] = better
    return (predictor if helped else None), helped


def _better(vectors: Floats, predicted: Floats) -> NDArray[np.bool_]:
    known = np.isfinite(vectors)
    clipped = np.clip(np.where(known, vectors, 0.0), -CLIPPED, CLIPPED)
    plain = np.where(known, np.abs(clipped), 0.0).sum(axis=0)
    with_network = np.where(known, np.abs(clipped - predicted), 0.0).sum(axis=0)
    return (known.sum(axis=0) >= LEAST_HELD) & (with_network < BETTER * plain)
