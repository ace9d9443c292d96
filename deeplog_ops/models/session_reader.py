"""A network that reads whole sessions: its training, and what it says of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.models.compute_device import choose_device, one_thread
from deeplog_ops.models.key_training import ESCAPED
from deeplog_ops.models.key_usage import KeyUsage
from deeplog_ops.models.network_symbols import NetworkSymbols
from deeplog_ops.models.session_network import SessionNetwork, SessionNetworkShape
from deeplog_ops.models.session_pieces import NOTHING, PieceBatch, Pieces, with_ends
from deeplog_ops.models.training_loop import Course, keep_best
from deeplog_ops.models.vocabulary import ESCAPE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Symbols = NDArray[np.int32]

BATCH = 128  # sessions: fewer than windows, since the places of a session vary together
RATE = 0.2  # of the settings' learning rate, which is for batches of windows
MOST_STEPS = 128  # of many sessions an epoch sees a part: 16,000
LATER = 0.1  # what is still to come weighs so much, for each symbol watched, where what comes next weighs 1
READ_PLACES = 2**12  # places read at once
CELLS = 2**23  # numbers that a layer gives at once


@dataclass(frozen=True)
class SessionReading:
    """What a network says of N sessions with E places in all: their events and an end each."""

    probability: Floats  # (E,) of what came at each place
    awaited: Floats  # (N, L) the largest chance that any place gave to what never came; 0 for what came


@dataclass(frozen=True)
class SessionReader:
    """A fitted network. Sessions are symbols; one that its training did not have is ESCAPE to it."""

    network: SessionNetwork
    usage: KeyUsage
    symbols: NetworkSymbols

    @classmethod
    def fit(
        cls,
        sessions: Sequence[Symbols],
        weights: Ints,
        held_out: Ints,
        usage: KeyUsage,
        symbols: NetworkSymbols,
        settings: KeyModelSettings,
    ) -> SessionReader:
        """Train on N distinct sessions, weights[i] of each, of which held_out[i] say which epoch is kept.

        `usage` counts the symbols of these sessions. Equal input, seed and versions give bit-identical weights on the
        same machine's CPU.
        """
        device = choose_device(settings.device)
        pieces = Pieces.of([symbols.read_as[each] for each in sessions], symbols.watched)
        shape = SessionNetworkShape(
            symbols=len(symbols.watched),
            watched=symbols.awaited,
            embedding=settings.embedding,
            hidden=settings.hidden,
            layers=settings.layers,
        )
        learnt = (weights - held_out)[pieces.session].astype(float)
        judged_by = held_out[pieces.session].astype(float)
        if not learnt.any() or not judged_by.any():
            learnt = judged_by = weights[pieces.session].astype(float)
        places = float(np.average(pieces.places, weights=learnt))
        room = CELLS // (shape.symbols + shape.watched)  # places at once
        course = Course(
            epochs=settings.epochs,
            patience=settings.patience,
            batch=max(1, min(BATCH, room // int(pieces.places.max()))),
            rate=RATE * settings.learning_rate,
            seed=settings.seed,
            most_steps=MOST_STEPS,
        )
        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            network = SessionNetwork(shape).to(device)

            def loss_of(chosen: Tensor, importance: Tensor) -> Tensor:
                batch = pieces.batch(chosen.numpy())
                given = torch.from_numpy(batch.given)
                given = given.masked_fill(torch.rand(given.shape) < ESCAPED, ESCAPE)
                return (_losses(network, batch, given, device) * importance.to(device)).mean() / places

            def held_loss() -> float:
                total = 0.0
                with torch.inference_mode():
                    for chosen, _, _ in pieces.batches(np.flatnonzero(judged_by), room):
                        batch = pieces.batch(chosen)
                        loss = _losses(network, batch, torch.from_numpy(batch.given), device)
                        total += float(loss.cpu().numpy() @ judged_by[chosen])
                return total / float(judged_by @ pieces.places)

            keep_best(network, learnt, course, loss_of, held_loss)
        return cls(network.eval(), usage, symbols)

    @torch.inference_mode()
    def read(self, sessions: Sequence[Symbols]) -> SessionReading:
        """What the network says of N sessions, each by itself. (N, L) numbers are held: give it some thousands."""
        events = np.array(self.usage.events)
        read_as = np.where(events > 0, self.symbols.read_as, ESCAPE)
        pieces = Pieces.of([read_as[each] for each in sessions], self.symbols.watched)
        device = next(self.network.parameters()).device
        likelihood = np.zeros(len(pieces.came))
        awaited = np.zeros((len(sessions), pieces.last.shape[-1]))
        most = min(READ_PLACES, CELLS // (len(self.symbols.watched) + awaited.shape[1]))
        with one_thread():
            for chosen, width, rows in pieces.batches(np.arange(len(pieces.session)), most):
                # Filled up to its full size: with the same shape always, a session's numbers are bit for bit the same
                # whatever stands beside it.
                batch = pieces.batch(np.resize(chosen, rows), width)
                following, later = _forward(self.network, batch, torch.from_numpy(batch.given), device)
                at = pieces.at(chosen, width)
                symbol = torch.from_numpy(np.maximum(batch.came, 0)).to(device)
                chance = following.double().softmax(2).gather(2, symbol[..., None])[..., 0].cpu().numpy()
                likelihood[at[at != NOTHING]] = chance[: len(chosen)][at != NOTHING]
                outside = torch.from_numpy(batch.came == NOTHING).to(device)
                waits = later.double().sigmoid().masked_fill(outside[..., None], 0.0).amax(1).cpu().numpy()
                np.maximum.at(awaited, pieces.session[chosen], waits[: len(chosen)])
        awaited[pieces.last >= 0] = 0.0
        return SessionReading(self._chances(with_ends(sessions), likelihood, events), awaited)

    def _chances(self, came: Symbols, likelihood: Floats, events: Ints) -> Floats:
        """Of what came at each place, by what the network says of the symbol that it is read as: (E,), (E,), (V,) → (E,).

        The network does not know the single keys that it reads as one: none that training had is less likely than a new one.
        """
        chances = self.usage.chances(came, likelihood * self.symbols.shares(events)[came])
        least = np.where(self.symbols.together[came], self.usage.this_new_key, 0.0)
        return np.maximum(chances, least)


def _forward(
    network: SessionNetwork, batch: PieceBatch, given: Tensor, device: torch.device
) -> tuple[Tensor, Tensor]:
    others = (torch.from_numpy(part).to(device) for part in (batch.new, batch.before, batch.offsets))
    return network(given.to(device), *others)


def _losses(network: SessionNetwork, batch: PieceBatch, given: Tensor, device: torch.device) -> Tensor:
    """The sum over the places of each piece (B,)."""
    following, later = _forward(network, batch, given, device)
    came, last = torch.from_numpy(batch.came).to(device), torch.from_numpy(batch.last).to(device)
    surprise = functional.cross_entropy(
        following.transpose(1, 2), came, reduction="none", ignore_index=NOTHING
    )
    still = last[:, None, :] >= torch.arange(came.shape[1], device=device)[None, :, None]
    wrong = functional.binary_cross_entropy_with_logits(later, still.float(), reduction="none").sum(2)
    return (surprise + LATER * wrong * (came != NOTHING)).sum(1)
