"""Workflows from the real key model, from the generator's sessions, and from real logs where they are at hand."""

from __future__ import annotations

import csv
import gzip
import os
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.key_windows import distinct_windows
from deeplog_ops.simulate.session import Walk
from deeplog_ops.simulate.system import TASKS
from deeplog_ops.simulate.workflow import Choice, Fork, Loop, Node, Seq, Step, released
from deeplog_ops.workflows import blocks
from deeplog_ops.workflows.blocks import Block, Leaf
from deeplog_ops.workflows.discovery import by_cooccurrence
from deeplog_ops.workflows.picture import svg
from deeplog_ops.workflows.predictions import by_predictions
from deeplog_ops.workflows.replay import replay
from tests.unit.workflows.known_graphs import edge_f1, with_noise, write

HERE = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("DEEPLOG_SHARED_DATA") or HERE.parent / "shared" / "data")


def next_keys_of(model: KeyModel):
    def next_keys(histories: Sequence[tuple[str, ...]]) -> list[dict[str, float]]:
        encoded = [model.vocabulary.encode(keys) for keys in histories]
        windows = distinct_windows(encoded, model.settings.history)
        lasts = windows.place[windows.starts[1:] - 1]  # the window of each history's end
        with torch.inference_mode():
            logits = model.network(torch.from_numpy(windows.histories[lasts].astype(np.int64)))
        chances = logits.double().softmax(dim=1).numpy()
        names = [model.vocabulary.key(symbol) for symbol in range(chances.shape[1])]
        names[1] = ""
        return [
            {name: float(chance) for name, chance in zip(names, row, strict=True) if name is not None}
            for row in chances
        ]

    return next_keys


def test_the_key_model_predicts_the_edges_of_a_log_with_noise() -> None:
    block = blocks.sequence(
        Leaf("a", "a"),
        blocks.Fork((blocks.sequence(Leaf("b", "b"), Leaf("c", "c")), Leaf("d", "d"))),
        blocks.Choice((blocks.sequence(Leaf("e", "e"), Leaf("f", "f")), Leaf("g", "g"))),
        blocks.Loop(blocks.sequence(Leaf("h", "h"), Leaf("i", "i")), blocks.EMPTY),
        Leaf("j", "j"),
    )
    rng = Random(3)
    sessions, clean = with_noise([write(block, rng) for _ in range(400)], 0.01, rng)
    settings = KeyModelSettings(epochs=12, hidden=32, embedding=16, device="cpu", seed=7)
    model, _ = KeyModel.fit(sessions, None, settings)
    found = by_predictions(sessions, None, next_keys_of(model))
    assert edge_f1(block, found) == 1.0
    assert all(replay(found, keys).accepted for keys, ok in zip(sessions, clean, strict=True) if ok)


def block_of(node: Node) -> Block:
    match node:
        case Step():
            return Leaf(node.name, node.name)
        case Seq():
            return blocks.sequence(*(block_of(inner) for inner in node.nodes))
        case Choice():
            return blocks.choice(*(block_of(inner) for _, inner in node.alternatives))
        case Fork():
            return blocks.fork(*(block_of(inner) for inner in node.branches))
        case Loop():
            turns = blocks.Loop(block_of(node.body), blocks.EMPTY)
            return turns if node.least else blocks.choice(turns, blocks.EMPTY)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_generators_sessions_are_accepted_and_their_edges_found_as_far_as_time_ever_turns_them_round(
    task,
) -> None:
    flow = released(task.flow, "old")
    assert flow is not None
    rng = Random(11)
    sessions = [
        [line.step for line in Walk(task, flow, 3_600_000 * (number % 24), rng).lines]
        for number in range(400)
    ]
    found = by_cooccurrence(sessions)
    accepted = sum(replay(found, keys).accepted for keys in sessions)
    assert accepted == len(sessions)
    assert (
        edge_f1(block_of(flow), found) >= 0.7
    )  # some branches are always written in one order: they look like steps


def test_hdfs_gives_a_graph_of_a_size_to_look_at_in_seconds() -> None:
    path = DATA / "hdfs" / "normal.csv.gz"
    if not path.exists():
        pytest.skip("needs shared data")
    with gzip.open(path, "rt") as file:
        sessions = [row["keys"].split() for row in csv.DictReader(file)]
    begun = time.perf_counter()
    found = by_cooccurrence(sessions)
    assert time.perf_counter() - begun < 30  # about 3 on an idle machine
    assert len(found.nodes) < 40
    assert len(found.edges) < 80
    assert found.astray < 0.05 * len(sessions)
    assert len(svg(found, {})) < 200_000
