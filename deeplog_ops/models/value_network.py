"""The network of section 3.2: the next vector of a template's series from those before it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

EMBEDDING = 8


class ValueNetworkShape(NamedTuple):
    """`keys` templates share the network; the widest has `fields` numbers, the others leave the rest empty."""

    keys: int
    fields: int
    hidden: int


class ValueNetwork(nn.Module):
    """An LSTM over vectors with their gaps marked, told which template it reads.

    One network for all templates: their series are short, and what moves one (load, time of day) moves others.
    """

    def __init__(self, shape: ValueNetworkShape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.keys, EMBEDDING)
        self.lstm = nn.LSTM(2 * shape.fields + EMBEDDING, shape.hidden, batch_first=True)
        self.head = nn.Linear(shape.hidden + EMBEDDING, shape.fields)

    def forward(self, histories: Tensor, keys: Tensor) -> Tensor:
        """Vectors and marks (B, H, 2F) of templates (B,) → the next vector (B, F)."""
        named = self.embedding(keys)  # (B, E)
        steps = torch.cat([histories, named[:, None, :].expand(-1, histories.shape[1], -1)], dim=2)
        states, _ = self.lstm(steps)  # (B, H, hidden)
        return self.head(torch.cat([states[:, -1], named], dim=1))  # (B, F)
