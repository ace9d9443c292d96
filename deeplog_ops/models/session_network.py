"""A network that reads a session from end to end, and says at each place what comes next and what is still to come.

DeepLog's LSTM over the keys (section 3.1), carried through the whole session instead of its last ten keys; beside it a
sum over the distinct symbols so far, which is what does not fade: how often each key has come. Two layers read both:
one gives the next symbol, the other for each symbol that is watched whether it will come at any later place. The latter
makes a step that was left out as plain as one that should not be there: "never came, though all was set for it".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

DROPPED = 0.2  # share of what both readings say that is hidden in training: each must be able to do without the other
SPREAD = 0.3  # of the sum's first weights: few symbols add up to as much as the LSTM says


@dataclass(frozen=True)
class SessionNetworkShape:
    """Sizes. `symbols` counts the keys and BOS, EOS, ESCAPE; `watched` those that may be still to come."""

    symbols: int
    watched: int
    embedding: int
    hidden: int
    layers: int


class SessionNetwork(nn.Module):
    """Pieces of sessions to logits of the next symbol, and of what is still to come."""

    def __init__(self, shape: SessionNetworkShape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.symbols, shape.embedding)
        self.lstm = nn.LSTM(shape.embedding, shape.hidden, shape.layers, batch_first=True)
        self.have_come = nn.Embedding(shape.symbols, shape.hidden)
        nn.init.normal_(self.have_come.weight, std=SPREAD)
        self.dropped = nn.Dropout(DROPPED)
        self.together = nn.Linear(2 * shape.hidden, shape.hidden)
        self.next = nn.Linear(shape.hidden, shape.symbols)
        # Of sessions without a single event there is nothing to await, and torch warns of a layer without numbers.
        self.later = nn.Linear(shape.hidden, shape.watched) if shape.watched else None

    def forward(
        self, given: Tensor, new: Tensor, before: Tensor, offsets: Tensor
    ) -> tuple[Tensor, Tensor]:  # (B, T), (B, T), (S,), (B,)
        """`before` holds the distinct symbols before each piece, those of piece i from offsets[i] on."""
        states, _ = self.lstm(self.embedding(given))  # (B, T, D)
        earlier = functional.embedding_bag(before, self.have_come.weight, offsets, mode="sum")  # (B, D)
        so_far = torch.cumsum(self.have_come(given) * new[..., None], 1) + earlier[:, None]  # (B, T, D)
        read = self.dropped(torch.cat([states, torch.tanh(so_far)], -1))
        both = torch.relu(self.together(read))  # (B, T, D)
        later = both[..., :0] if self.later is None else self.later(both)
        return self.next(both), later  # (B, T, V), (B, T, L)
