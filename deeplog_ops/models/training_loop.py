"""Training a network over weighted examples: drawn batches, a rate that rises and falls, the best epoch kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float64]

LEAST_STEPS = 24  # optimiser steps an epoch: few distinct examples are taken in smaller batches
LEAST_BATCH = 64
VALIDATION_FOLDS = 10  # one of them is held out and says which epoch is kept


@dataclass(frozen=True)
class EpochLoss:
    """Mean loss, for key networks the surprise of a key (nats): over the epoch on what was trained on, after it on what
    was held out.

    Where too few sessions were given to hold any out, `validation` is that of the training examples.
    `seconds` is the time since training began.
    """

    epoch: int
    train: float
    validation: float
    seconds: float


Progress = Callable[[EpochLoss, int], None]
"""Called after every epoch with its loss and the number of epochs there will be at most."""


@dataclass(frozen=True)
class Course:
    """How long to train, and how fast. `most_steps` bounds an epoch: of very many examples it sees a part."""

    epochs: int
    patience: int
    batch: int
    rate: float
    seed: int
    most_steps: int | None = None


def keep_best(
    network: nn.Module,
    weights: Floats,
    course: Course,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    held_out: Callable[[], float],
    progress: Progress | None = None,
) -> list[EpochLoss]:
    """Train on examples that count weights[i] each (U,) and leave the network with the epoch that `held_out` likes best.

    `loss_of` takes which examples (B,) and how much each counts (B,), `held_out` says the loss after an epoch.
    """
    distinct = int(np.count_nonzero(weights))
    batch = min(course.batch, max(LEAST_BATCH, distinct // LEAST_STEPS))
    steps = max(LEAST_STEPS, math.ceil(distinct / batch))
    steps = min(steps, course.most_steps or steps)
    optimiser = torch.optim.Adam(network.parameters(), lr=course.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, course.rate, total_steps=steps * course.epochs + 1, pct_start=0.1
    )
    draws = _draws(weights, batch, course.seed)
    losses: list[EpochLoss] = []
    best: dict[str, Tensor] = {}
    best_epoch = 0
    began = time.monotonic()
    for epoch in range(1, course.epochs + 1):
        total = 0.0
        network.train()
        for _ in range(steps):
            loss = loss_of(*next(draws))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
        network.eval()
        losses.append(EpochLoss(epoch, total / steps, held_out(), time.monotonic() - began))
        if progress:
            progress(losses[-1], course.epochs)
        if not best or losses[-1].validation < losses[best_epoch - 1].validation:
            best = {name: value.detach().clone() for name, value in network.state_dict().items()}
            best_epoch = epoch
        elif epoch - best_epoch >= course.patience:
            break
    network.load_state_dict(best)
    return losses


def _draws(weights: Floats, batch: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches for ever: which examples (B,), and how much each of them counts (B,).

    Examples are drawn with chances by the square root of their weight and count by the rest, so the expected
    loss is that of all events, while rare examples are seen often enough to be learnt: drawn evenly, a few
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
