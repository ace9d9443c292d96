from __future__ import annotations

from collections import Counter
from random import Random
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplog_ops.errors import ModelError
from deeplog_ops.workflows.blocks import EMPTY, Block, Choice, Fork, Leaf, Loop, leaves, sequence
from deeplog_ops.workflows.discovery import by_cooccurrence
from deeplog_ops.workflows.graph import Workflow, isomorphic
from deeplog_ops.workflows.predictions import by_predictions
from deeplog_ops.workflows.replay import replay
from deeplog_ops.workflows.separate import separate
from tests.unit.workflows.counting_model import CountingModel
from tests.unit.workflows.known_graphs import Grower, edge_f1, rekeyed, true_edges, weave, with_noise, write


def known(seed: int, shared: int = 1) -> tuple[Block, list[list[str]]]:
    rng = Random(seed)
    block = Grower(rng, shared=shared).grow()
    return block, [write(block, rng) for _ in range(rng.randint(200, 500))]


def noisy(seed: int) -> tuple[Block, list[list[str]], list[bool]]:
    block, sessions = known(seed)
    return block, *with_noise(sessions, 0.01, Random(seed))


def test_the_true_edges_of_a_fork_lead_into_every_branch_and_out_of_every_branch() -> None:
    block = sequence(
        Leaf("a", "A"),
        Fork((sequence(Leaf("b", "B"), Leaf("c", "C")), Leaf("d", "D"))),
        Loop(Leaf("e", "E"), EMPTY),
        Choice((Leaf("f", "F"), Leaf("g", "G"))),
    )
    assert true_edges(block) == {
        ("begin", "a", "next"),
        ("a", "b", "fork"),
        ("a", "d", "fork"),
        ("b", "c", "next"),
        ("c", "e", "join"),
        ("d", "e", "join"),
        ("e", "e", "loop"),
        ("e", "f", "new_task"),
        ("e", "g", "new_task"),
        ("f", "end", "next"),
        ("g", "end", "next"),
    }


@pytest.mark.parametrize("seed", range(30))
def test_without_noise_every_edge_is_found_and_no_other_and_all_sessions_are_accepted(seed: int) -> None:
    block, sessions = known(seed)
    found = by_cooccurrence(sessions)
    assert edge_f1(block, found) == 1.0
    assert all(replay(found, keys).accepted for keys in sessions)
    assert found.astray == 0


@pytest.mark.parametrize("seed", range(100, 110))
def test_predictions_find_the_same_edges(seed: int) -> None:
    block, sessions = known(seed)
    found = by_predictions(sessions, None, CountingModel(sessions))
    assert edge_f1(block, found) == 1.0
    assert all(replay(found, keys).accepted for keys in sessions)


@pytest.mark.parametrize("way", ["co-occurrence", "predictions"])
def test_with_one_event_in_a_hundred_astray_nearly_every_edge_is_found(way: str) -> None:
    agreed = []
    for seed in range(16):
        block, sessions, clean = noisy(seed)
        if way == "co-occurrence":
            found = by_cooccurrence(sessions)
        else:
            found = by_predictions(sessions, None, CountingModel(sessions))
        agreed.append(edge_f1(block, found))
        lost = sum(not replay(found, keys).accepted for keys, ok in zip(sessions, clean, strict=True) if ok)
        assert lost <= 0.02 * len(sessions), f"seed {seed}: {lost} clean sessions are not accepted"
    assert mean(agreed) >= 0.95, f"worst {min(agreed):.3f}"


def test_noise_makes_no_new_steps_of_a_plain_sequence() -> None:
    rng = Random(5)
    sessions, _ = with_noise([list("ABCDEFGH") for _ in range(300)], 0.01, rng)
    found = by_cooccurrence(sessions)
    assert [node.key for node in found.nodes] == ["", *"ABCDEFGH", ""]
    assert {edge.kind for edge in found.edges} == {"next"}
    assert 0 < found.astray < 60


def test_sessions_that_are_rare_but_not_noise_are_kept() -> None:
    sessions = [list("ABCD")] * 290 + [list("AXYD")] * 10
    found = by_cooccurrence(sessions)
    assert replay(found, list("AXYD")).accepted


def interleaved(seed: int, shared: bool) -> tuple[list[Block], list[list[str]]]:
    """Five tasks, each again and again, with a first and a last line of its own; 25 streams of ten runs or so."""
    rng = Random(seed)
    blocks = [
        sequence(
            Leaf("in", f"{name}_in"), Grower(rng, prefix=name, shared=0).grow(7), Leaf("out", f"{name}_out")
        )
        for name in "abcde"
    ]
    if shared:  # a step of the first task and one of the second write the same
        one, other = (
            rng.choice([leaf for leaf in leaves(block) if leaf.node[0] == "t"]) for block in blocks[:2]
        )
        blocks[1] = rekeyed(blocks[1], other.node, one.key)
    streams = []
    for _ in range(25):
        threads = [[write(block, rng) for _ in range(rng.randint(8, 12))] for block in blocks]
        streams.append(weave([[key for run in runs for key in run] for runs in threads], rng))
    return blocks, streams


@pytest.mark.parametrize("shared", [False, True])
def test_five_interleaved_tasks_are_told_apart(shared: bool) -> None:
    agreed = []
    for seed in range(8):
        blocks, streams = interleaved(seed, shared)
        found = separate(streams)
        for block, name in zip(blocks, "abcde", strict=True):
            own = [task for task in found.tasks if f"{name}_in" in task.keys]
            agreed.append(edge_f1(block, own[0].workflow) if own else 0.0)
    assert mean(agreed) >= 0.95, f"worst {min(agreed):.3f}"


def test_every_event_of_an_interleaved_log_goes_to_the_task_that_wrote_it() -> None:
    _, streams = interleaved(3, shared=False)
    found = separate(streams)
    for stream, row in zip(streams, found.assignment, strict=True):
        owner: dict[str, set[int]] = {}
        for key, task in zip(stream, row, strict=True):
            owner.setdefault(key[0], set()).add(task)
        assert all(len(tasks) == 1 for tasks in owner.values())
    assert len(found.tasks) == 5


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 12), order=st.randoms(use_true_random=False))
def test_renaming_the_keys_gives_the_isomorphic_graph(seed: int, order: Random) -> None:
    _, sessions = known(seed)
    keys = sorted({key for session in sessions for key in session})
    fresh = [f"z{number}" for number in range(len(keys))]
    order.shuffle(fresh)
    names = dict(zip(keys, fresh, strict=True))
    found = by_cooccurrence(sessions)
    renamed = by_cooccurrence([[names[key] for key in session] for session in sessions])
    assert isomorphic(found.renamed(names), renamed)


def test_neither_the_order_of_sessions_nor_counting_them_changes_the_workflow() -> None:
    _, sessions = known(2)
    counted = Counter(tuple(session) for session in sessions)
    mixed = sorted(counted, key=lambda keys: (len(keys), keys[::-1]))
    assert by_cooccurrence(mixed, [counted[keys] for keys in mixed]) == by_cooccurrence(sessions)


def test_a_workflow_comes_back_from_its_plain_data_as_it_was() -> None:
    found = by_cooccurrence(known(4)[1])
    assert Workflow.from_dict(found.to_dict()) == found
    data = found.to_dict()
    data["edges"][0]["kind"] = "sideways"
    with pytest.raises(ModelError, match="'sideways'; known are next, choice"):
        Workflow.from_dict(data)


def test_probabilities_are_shares_of_the_sessions_that_came_by() -> None:
    found = by_cooccurrence([list("ABD")] * 30 + [list("ACD")] * 10)
    shares = {(found.key_of(edge.source), found.key_of(edge.target)): edge for edge in found.edges}
    assert (shares["A", "B"].count, shares["A", "B"].probability) == (30, 0.75)
    assert (shares["A", "C"].kind, shares["A", "C"].probability) == ("choice", 0.25)


def test_no_sessions_are_an_error_that_says_so() -> None:
    with pytest.raises(ModelError, match="no sessions to find a workflow in"):
        by_cooccurrence([])
    with pytest.raises(ModelError, match="2 sequences came with 1 weights"):
        by_cooccurrence([["A"], ["B"]], [1])
