"""The training loop of the value network: all templates together, errors of each event alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deeplog_ops.models.compute_device import one_thread
from deeplog_ops.models.value_network import ValueNetwork, ValueNetworkShape

Floats32 = NDArray[np.float32]

CLIPPED = 5.0  # a wild value is read as one of so many spreads, and weighs as such
WINDOWS = 60_000  # read in an epoch at most, shared evenly among the templates
BATCH = 512
READ_BATCH = 8192
RATE = 0.01
PATIENCE = 4
Progress = Callable[[int, float, float], None]
"""Called after every epoch with its number and the loss of training and of validation."""


@dataclass(frozen=True)
class VectorSeries:
    """A template's vectors in the order of time: (N, F), NaN where a number is missing; `train` (N,) is the past."""

    vectors: Floats32
    train: NDArray[np.bool_]


def marked(vectors: Floats32) -> Floats32:
    """Vectors (N, F) with gaps → (N + 1, 2F): gaps are 0 and marked; the last row is what was before the first."""
    known = np.isfinite(vectors)
    values = np.clip(np.where(known, vectors, 0.0), -CLIPPED, CLIPPED)
    rows = np.concatenate([values, known], axis=1).astype(np.float32)
    return np.concatenate([rows, np.zeros((1, rows.shape[1]), np.float32)])


def histories(count: int, length: int) -> NDArray[np.int64]:
    """For each of `count` vectors the rows of the `length` before it, the oldest first; -1 before the first. (N, H)"""
    before = np.arange(count)[:, None] + np.arange(-length, 0)[None, :]
    return np.where(before >= 0, before, -1)


def train_values(
    series: Sequence[VectorSeries],
    *,
    length: int,
    hidden: int,
    epochs: int,
    seed: int,
    device: torch.device,
    progress: Progress | None = None,
) -> ValueNetwork:
    """Fit to the past of each series; keep the epoch that predicts its later part best.

    The same series on the same machine's CPU give bit-identical weights; the caller's random state stays.
    """
    fields = series[0].vectors.shape[1]
    rows = [torch.from_numpy(marked(each.vectors)).to(device) for each in series]
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ValueNetwork(ValueNetworkShape(len(series), fields, hidden)).to(device)
        _train(network, rows, series, length, epochs, seed, progress)
    return network.eval()


def _train(
    network: ValueNetwork,
    rows: list[Tensor],
    series: Sequence[VectorSeries],
    length: int,
    epochs: int,
    seed: int,
    progress: Progress | None,
) -> None:
    generator = np.random.default_rng(seed)
    share = max(1, WINDOWS // len(series))
    held = _windows(series, [_some(np.flatnonzero(~each.train), share // 4, generator) for each in series])
    everything, offsets = _joined(rows)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    best: dict[str, Tensor] = {}
    best_loss, best_epoch = np.inf, 0
    for epoch in range(1, epochs + 1):
        chosen = [_some(np.flatnonzero(each.train), share, generator) for each in series]
        windows = _windows(series, chosen)[generator.permutation(sum(map(len, chosen)))]
        total = 0.0
        network.train()
        for part in np.array_split(windows, max(1, len(windows) // BATCH)):
            loss = _loss(network, everything, offsets, part, length)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            total += float(loss.item()) * len(part)
        schedule.step()
        network.eval()
        with torch.inference_mode():
            parts = np.array_split(held, max(1, len(held) // READ_BATCH))
            losses = [float(_loss(network, everything, offsets, part, length)) * len(part) for part in parts]
        loss_held = sum(losses) / max(1, len(held))
        if progress:
            progress(epoch, total / max(1, len(windows)), loss_held)
        if loss_held < best_loss:
            best = {name: value.detach().clone() for name, value in network.state_dict().items()}
            best_loss, best_epoch = loss_held, epoch
        elif epoch - best_epoch >= PATIENCE:
            break
    network.load_state_dict(best)


def _some(rows: NDArray[np.int64], most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    return rows if len(rows) <= most else generator.choice(rows, most, replace=False)


def _windows(series: Sequence[VectorSeries], chosen: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """(W, 2): which series, which of its vectors."""
    return (
        np.concatenate(
            [np.stack([np.full(len(rows), number), rows], axis=1) for number, rows in enumerate(chosen)]
        )
        if len(series)
        else np.zeros((0, 2), np.int64)
    )


def _joined(rows: list[Tensor]) -> tuple[Tensor, NDArray[np.int64]]:
    """All marked vectors below each other, a blank row first, and where each series begins."""
    blank = torch.zeros((1, rows[0].shape[1]), device=rows[0].device)
    lengths = [len(each) - 1 for each in rows]
    offsets = 1 + np.cumsum([0, *lengths[:-1]])
    return torch.cat([blank, *(each[:-1] for each in rows)]), offsets


def _loss(
    network: ValueNetwork,
    everything: Tensor,
    offsets: NDArray[np.int64],
    part: NDArray[np.int64],
    length: int,
) -> Tensor:
    first = offsets[part[:, 0]]
    before = part[:, 1, None] + np.arange(-length, 0)[None, :]
    places = np.where(before >= 0, first[:, None] + before, 0)  # (B, H)
    device = everything.device
    read = everything[torch.from_numpy(places).to(device)]  # (B, H, 2F)
    target = everything[torch.from_numpy(first + part[:, 1]).to(device)]  # (B, 2F)
    fields = target.shape[1] // 2
    predicted = network(read, torch.from_numpy(part[:, 0]).to(device))
    errors = functional.huber_loss(predicted, target[:, :fields], reduction="none", delta=2.0)
    known = target[:, fields:]
    return (errors * known).sum() / known.sum().clamp(min=1.0)


@torch.inference_mode()
def predict(network: ValueNetwork, key: int, vectors: Floats32, length: int) -> Floats32:
    """What the network expects for each vector of a series (N, F), from those before it."""
    device = next(network.parameters()).device
    rows = torch.from_numpy(marked(vectors)).to(device)
    places = histories(len(vectors), length)
    found = []
    with one_thread():
        for start in range(0, len(vectors), READ_BATCH):
            some = torch.from_numpy(places[start : start + READ_BATCH]).to(device)
            keys = torch.full((len(some),), key, dtype=torch.long, device=device)
            found.append(network(rows[some], keys).cpu().numpy())
    return np.concatenate(found) if found else np.zeros_like(vectors)
