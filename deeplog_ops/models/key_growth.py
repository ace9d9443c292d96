"""A key network for more keys than it was trained on: what it says of the others stays as it was."""

from __future__ import annotations

import torch
from torch import Tensor

from deeplog_ops.errors import ModelError
from deeplog_ops.models.key_network import KeyNetwork, KeyNetworkShape
from deeplog_ops.models.vocabulary import ESCAPE

_OF_SYMBOLS = ("embedding.weight", "head.weight", "head.bias")


def grown(network: KeyNetwork, symbols: int) -> KeyNetwork:
    """The same network with rows for symbols behind its own, up to `symbols` in all.

    A new key is read as ESCAPE, which stood for it so far, and is as unlikely to come as ESCAPE: that is never a
    target in training, so its share of any prediction is next to nothing. ModelError for fewer symbols than it has.
    """
    have, width = network.embedding.weight.shape
    if symbols < have:
        raise ModelError(
            f"a network of {have} symbols was asked to have {symbols}: it grows, it never shrinks"
        )
    shape = KeyNetworkShape(symbols, width, network.lstm.hidden_size, network.lstm.num_layers)
    weights = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    for name in _OF_SYMBOLS:
        weights[name] = _with_rows(weights[name], symbols - have)
    with torch.random.fork_rng(devices=[]):
        larger = KeyNetwork(shape)
    larger.load_state_dict(weights)
    return larger.eval()


def _with_rows(values: Tensor, more: int) -> Tensor:  # (V, ...) → (V + more, ...)
    return torch.cat([values, values[ESCAPE : ESCAPE + 1].expand(more, *values.shape[1:])])
