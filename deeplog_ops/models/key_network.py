"""The network of DeepLog's section 3.1: an embedding, a two-layer LSTM and a linear layer over the keys."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class KeyNetworkShape:
    """Sizes. `symbols` counts the keys and BOS, EOS, ESCAPE."""

    symbols: int
    embedding: int = 64
    hidden: int = 64
    layers: int = 2


class KeyNetwork(nn.Module):
    """Histories of symbols to the logits of the symbol that comes next."""

    def __init__(self, shape: KeyNetworkShape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.symbols, shape.embedding)
        self.lstm = nn.LSTM(shape.embedding, shape.hidden, shape.layers, batch_first=True)
        self.head = nn.Linear(shape.hidden, shape.symbols)

    def forward(self, histories: Tensor) -> Tensor:  # (B, H)
        embedded = self.embedding(histories)  # (B, H, E)
        states, _ = self.lstm(embedded)  # (B, H, D)
        return self.head(states[:, -1])  # (B, V)
