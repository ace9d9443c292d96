"""The training loop of the key network: weighted cross-entropy over distinct windows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.models.compute_device import choose_device, one_thread
from deeplog_ops.models.key_network import KeyNetwork, KeyNetworkShape
from deeplog_ops.models.key_windows import KeyWindows
from deeplog_ops.models.vocabulary import ESCAPE

Floats = NDArray[np.float64]

LEAST_STEPS = 24  # optimiser steps an epoch: few distinct windows are taken in smaller batches
LEAST_BATCH = 64
# Share of history places shown as ESCAPE: the network learns to read past a new key, and to lean on all of the
# history and not on one key of it. On corrupted normal
# HDFS sessions recall at equal false alarms is .29 with a fiftieth, .22 with a tenth of that (60 epochs).
ESCAPED = 0.02
READ_BATCH = 4096  # windows at once where no gradient is needed


@dataclass(frozen=True)
class EpochLoss:
    """Mean surprise of a key (nats): over the epoch on what was trained on, after it on what was held out.

    Where too few sessions were given to hold any out, `validation` is that of the training windows.
    `seconds` is the time since training began.
    """

    epoch: int
    train: float
    validation: float
    seconds: float


Progress = Callable[[EpochLoss, int], None]
"""Called after every epoch with its loss and the number of epochs there will be at most."""


def train_network(
    windows: KeyWindows,
    train: Floats,
    validation: Floats,
    symbols: int,
    settings: KeyModelSettings,
    progress: Progress | None = None,
    start: KeyNetwork | None = None,
) -> tuple[KeyNetwork, list[EpochLoss]]:
    """Fit to windows that occur `train` times each (U,); keep the epoch that fits `validation` (U,) best.

    With `start` it goes on from that network's weights, which must have the shape of the settings and `symbols`.
    The same windows, settings and versions on the same machine's CPU give bit-identical weights. The
    caller's random state is left as it was.
    """
    device = choose_device(settings.device)
    shape = KeyNetworkShape(symbols, settings.embedding, settings.hidden, settings.layers)
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = KeyNetwork(shape).to(device)
        if start is not None:
            network.load_state_dict(start.state_dict())
        losses = _train(network, windows, train, validation, settings, device, progress)
    return network.eval(), losses


def _train(
    network: KeyNetwork,
    windows: KeyWindows,
    train: Floats,
    validation: Floats,
    settings: KeyModelSettings,
    device: torch.device,
    progress: Progress | None,
) -> list[EpochLoss]:
    histories = torch.tensor(windows.histories, dtype=torch.long, device=device)  # (U, H)
    targets = torch.tensor(windows.targets, dtype=torch.long, device=device)  # (U,)
    held_out = validation if validation.any() else train
    distinct = int(np.count_nonzero(train))
    batch = min(settings.batch_size, max(LEAST_BATCH, distinct // LEAST_STEPS))
    steps = max(LEAST_STEPS, math.ceil(distinct / batch))
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps * settings.epochs + 1, pct_start=0.1
    )
    draws = _draws(train, batch, settings.seed)
    losses: list[EpochLoss] = []
    best: dict[str, Tensor] = {}
    best_epoch = 0
    began = time.monotonic()
    for epoch in range(1, settings.epochs + 1):
        total = 0.0
        for _ in range(steps):
            chosen, importance = (part.to(device) for part in next(draws))
            history = histories[chosen]  # (B, H)
            history = history.masked_fill((torch.rand(history.shape) < ESCAPED).to(device), ESCAPE)
            surprise = functional.cross_entropy(network(history), targets[chosen], reduction="none")  # (B,)
            loss = (surprise * importance).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
        loss_held = _mean_surprise(network, histories, targets, held_out)
        losses.append(EpochLoss(epoch, total / steps, loss_held, time.monotonic() - began))
        if progress:
            progress(losses[-1], settings.epochs)
        if not best or loss_held < losses[best_epoch - 1].validation:
            best = {name: value.detach().clone() for name, value in network.state_dict().items()}
            best_epoch = epoch
        elif epoch - best_epoch >= settings.patience:
            break
    network.load_state_dict(best)
    return losses


def _draws(weights: Floats, batch: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches for ever: which windows (B,), and how much each of them counts (B,).

    Windows are drawn with chances by the square root of their weight and count by the rest, so the expected
    loss is that of all events, while rare windows are seen often enough to be learnt: drawn evenly, a few
    common ones swing the gradient; drawn by weight, they fill every batch. Each batch is stratified.
    """
    generator = np.random.default_rng(seed)
    chances = np.sqrt(weights) / np.sqrt(weights).sum()
    upto = np.cumsum(chances)
    upto[-1] = 1.0
    importance = np.divide(weights / weights.sum(), chances, out=np.zeros_like(weights), where=chances > 0)
    counts = torch.tensor(importance, dtype=torch.float32)
    while True:
        spread = (np.arange(batch) + generator.random(batch)) / batch
        chosen = torch.from_numpy(np.searchsorted(upto, spread, side="right").clip(max=len(weights) - 1))
        yield chosen, counts[chosen]


@torch.inference_mode()
def _mean_surprise(network: KeyNetwork, histories: Tensor, targets: Tensor, weights: Floats) -> float:
    present = torch.from_numpy(np.flatnonzero(weights)).to(targets.device)
    surprise = [
        functional.cross_entropy(network(histories[part]), targets[part], reduction="none")
        for part in present.split(READ_BATCH)
    ]
    return float(np.average(torch.cat(surprise).cpu().numpy(), weights=weights[weights > 0]))
