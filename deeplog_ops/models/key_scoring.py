"""Scores of sequences under a key model, with identical work done once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from deeplog_ops.models.compute_device import choose_device, one_thread
from deeplog_ops.models.key_windows import KeyWindows, distinct_windows
from deeplog_ops.models.vocabulary import BOS, END, EOS, ESCAPE
from deeplog_ops.records import stable_id
from deeplog_ops.schemas import SCORES

if TYPE_CHECKING:
    from deeplog_ops.models.key_model import KeyModel

Floats = NDArray[np.float64]

CHUNK_PLACES = 2**20  # events scored at once: bounds memory
BATCH = 1024  # histories read at once
BATCH_CELLS = 2**24  # fewer where the vocabulary is so large that histories x symbols would be more


def score_sequences(
    model: KeyModel,
    sequences: Sequence[Sequence[str]],
    sequence_ids: Sequence[str] | None,
    sessions: Sequence[int] | None,
    expected: int,
) -> pa.Table:
    """See `KeyModel.score`."""
    ids = [stable_id("sequence", *keys) for keys in sequences] if sequence_ids is None else sequence_ids
    counts = [1] * len(sequences) if sessions is None else sessions
    tables = [
        _score_chunk(model, sequences[part], ids[part], counts[part], expected) for part in _chunks(sequences)
    ]
    return pa.concat_tables(tables) if tables else SCORES.empty_table()


def _chunks(sequences: Sequence[Sequence[str]]) -> Iterator[slice]:
    first, places = 0, 0
    for number, keys in enumerate(sequences):
        if places and places + len(keys) + 1 > CHUNK_PLACES:
            yield slice(first, number)
            first, places = number, 0
        places += len(keys) + 1
    if places:
        yield slice(first, len(sequences))


@dataclass(frozen=True)
class _Judged:
    """What the model says of U distinct windows, and of the histories they share."""

    probability: NDArray[np.float64]  # (U,)
    rank: NDArray[np.int32]  # (U,)
    history: NDArray[np.int64]  # (U,) which history
    likeliest: NDArray[np.int64]  # (histories, n) symbols
    chances: NDArray[np.float64]  # (histories, n)


def _score_chunk(
    model: KeyModel,
    sequences: Sequence[Sequence[str]],
    ids: Sequence[str],
    sessions: Sequence[int],
    expected: int,
) -> pa.Table:
    windows = distinct_windows([model.vocabulary.encode(keys) for keys in sequences], model.settings.history)
    with one_thread():
        judged = _judge(model, windows, expected)
    starts, place = windows.starts, windows.place
    probability = judged.probability[place]  # (E,)
    surprise = -np.log(probability)
    score = np.maximum.reduceat(surprise, starts[:-1])  # (N,)
    at_worst = np.flatnonzero(surprise == np.repeat(score, np.diff(starts)))
    worst = at_worst[np.searchsorted(at_worst, starts[:-1])]  # the first place with the largest surprise
    history = judged.history[place[worst]]
    names = np.array([model.vocabulary.key(symbol) or END for symbol in range(len(model.vocabulary))], object)
    offsets = pa.array(starts, pa.int32())
    wide = pa.array(np.arange(len(sequences) + 1) * judged.likeliest.shape[1], pa.int32())

    def per_place(values: NDArray[np.generic]) -> pa.Array:
        return pa.ListArray.from_arrays(offsets, pa.array(values))

    return pa.Table.from_arrays(
        [
            pa.array(ids, pa.string()),
            pa.array([list(keys) for keys in sequences], pa.list_(pa.string())),
            pa.array(sessions, pa.int64()),
            per_place(judged.rank[place]),
            per_place(probability),
            per_place(surprise),
            per_place(windows.targets[place] != ESCAPE),
            pa.array(score),
            pa.array(worst - starts[:-1], pa.int32()),
            pa.ListArray.from_arrays(wide, pa.array(names[judged.likeliest[history].ravel()], pa.string())),
            pa.ListArray.from_arrays(wide, pa.array(judged.chances[history].ravel())),
        ],
        schema=SCORES,
    )


@torch.inference_mode()
def _judge(model: KeyModel, windows: KeyWindows, expected: int) -> _Judged:
    histories = windows.histories
    fresh = np.ones(len(histories), bool)  # windows are sorted, so equal histories stand together
    fresh[1:] = (histories[1:] != histories[:-1]).any(axis=1)
    history = np.cumsum(fresh) - 1  # (U,)
    first_window = np.append(np.flatnonzero(fresh), len(histories))
    expected = min(expected, len(model.vocabulary) - 2)
    # Not taken from the network's class: a key that never came says nothing that a network could learn.
    escape = model.usage.this_new_key
    probability, rank = np.empty(len(histories)), np.empty(len(histories), np.int32)
    likeliest = np.empty((len(first_window) - 1, expected), np.int64)
    chances = np.empty(likeliest.shape)
    batch = max(64, min(BATCH, BATCH_CELLS // len(model.vocabulary)))
    for first in range(0, len(likeliest), batch):
        last = min(first + batch, len(likeliest))
        rows = _probabilities(model, histories[first_window[first:last]], batch)  # (B, V)
        top = torch.from_numpy(rows).topk(expected, dim=1)
        likeliest[first:last], chances[first:last] = top.indices, top.values
        for start in range(first_window[first], first_window[last], batch):
            part = slice(start, min(start + batch, first_window[last]))
            row = rows[history[part] - first]  # (W, V)
            target = windows.targets[part]  # (W,)
            came = np.where(target == ESCAPE, escape, row[np.arange(len(row)), target])
            probability[part], rank[part] = came, (row > came[:, None]).sum(axis=1)
    return _Judged(probability, rank, history, likeliest, chances)


@torch.inference_mode()
def next_keys(model: KeyModel, histories: Sequence[Sequence[str]], most: int) -> list[dict[str, float]]:
    """See `KeyModel.next_keys`."""
    if not len(histories):
        return []
    reach = model.settings.history
    windows = distinct_windows([model.vocabulary.encode(keys[-reach:]) for keys in histories], reach)
    ends = windows.histories[windows.place[windows.starts[1:] - 1]]  # (N, H): what stands before each end
    distinct, place = np.unique(ends, axis=0, return_inverse=True)
    names = [model.vocabulary.key(symbol) or END for symbol in range(len(model.vocabulary))]
    most = min(most, len(model.vocabulary) - 2)
    batch = max(64, min(BATCH, BATCH_CELLS // len(model.vocabulary)))
    found: list[dict[str, float]] = []
    with one_thread():
        for first in range(0, len(distinct), batch):
            rows = _probabilities(model, distinct[first : first + batch], batch)
            top = torch.from_numpy(rows).topk(most, dim=1)
            found += [
                {names[symbol]: chance for symbol, chance in zip(symbols, chances, strict=True)}
                for symbols, chances in zip(top.indices.tolist(), top.values.tolist(), strict=True)
            ]
    return [found[row] for row in place.reshape(-1).tolist()]


def _probabilities(model: KeyModel, histories: NDArray[np.int32], batch: int) -> Floats:
    """Of every symbol after each history: (B, H) → (B, V), in double precision; 0 for BOS and ESCAPE.

    The batch is filled up to its full size: with the same shape always, a history's numbers are bit for bit
    the same whichever histories stand beside it.
    """
    device = choose_device(model.settings.device)
    filled = np.full((batch, histories.shape[1]), EOS, np.int64)
    filled[: len(histories)] = histories
    logits = model.network.to(device)(torch.from_numpy(filled).to(device))[: len(histories)].double()
    logits[:, [BOS, ESCAPE]] = -torch.inf
    return model.usage.with_escape(logits.softmax(dim=1).cpu().numpy())
