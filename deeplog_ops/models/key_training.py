"""Training the key network: weighted cross-entropy over distinct windows."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.models.compute_device import choose_device, one_thread
from deeplog_ops.models.key_network import KeyNetwork, KeyNetworkShape
from deeplog_ops.models.key_windows import KeyWindows
from deeplog_ops.models.training_loop import Course, EpochLoss, Progress, keep_best
from deeplog_ops.models.vocabulary import ESCAPE

Floats = NDArray[np.float64]

# Share of history places shown as ESCAPE: the network learns to read past a new key, and to lean on all of the
# history and not on one key of it. On corrupted normal
# HDFS sessions recall at equal false alarms is .29 with a fiftieth, .22 with a tenth of that (60 epochs).
ESCAPED = 0.02
READ_BATCH = 4096  # windows at once where no gradient is needed


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
    histories = torch.tensor(windows.histories, dtype=torch.long, device=device)  # (U, H)
    targets = torch.tensor(windows.targets, dtype=torch.long, device=device)  # (U,)
    judged_by = validation if validation.any() else train
    course = Course(
        settings.epochs, settings.patience, settings.batch_size, settings.learning_rate, settings.seed
    )
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = KeyNetwork(shape).to(device)
        if start is not None:
            network.load_state_dict(start.state_dict())

        def loss_of(chosen: Tensor, importance: Tensor) -> Tensor:
            chosen, importance = chosen.to(device), importance.to(device)
            history = histories[chosen]  # (B, H)
            history = history.masked_fill((torch.rand(history.shape) < ESCAPED).to(device), ESCAPE)
            surprise = functional.cross_entropy(network(history), targets[chosen], reduction="none")  # (B,)
            return (surprise * importance).mean()

        def held_out() -> float:
            return _mean_surprise(network, histories, targets, judged_by)

        losses = keep_best(network, train, course, loss_of, held_out, progress)
    return network.eval(), losses


@torch.inference_mode()
def _mean_surprise(network: KeyNetwork, histories: Tensor, targets: Tensor, weights: Floats) -> float:
    present = torch.from_numpy(np.flatnonzero(weights)).to(targets.device)
    surprise = [
        functional.cross_entropy(network(histories[part]), targets[part], reduction="none")
        for part in present.split(READ_BATCH)
    ]
    return float(np.average(torch.cat(surprise).cpu().numpy(), weights=weights[weights > 0]))
