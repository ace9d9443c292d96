"""Where a workflow's nodes stand in its picture: layers by longest path, ordered by barycenters (Sugiyama)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from deeplog_ops.workflows.graph import Edge, Workflow

SWEEPS = 12  # down and up again; the order settles sooner


@dataclass(frozen=True)
class Layout:
    """Layers from BEGIN (0) on, each with its nodes from left to right; edges that lead back are in `back`.

    A place is a node's id, or (source, target, layer) where an edge passes a layer.
    """

    layers: tuple[tuple[Place, ...], ...]
    paths: Mapping[tuple[str, str], tuple[Place, ...]]
    back: frozenset[tuple[str, str]]


Place = str | tuple[str, str, int]


def laid_out(workflow: Workflow) -> Layout:
    """The layout; the same for equal workflows."""
    back = _back(workflow)
    forward = [edge for edge in workflow.edges if (edge.source, edge.target) not in back]
    level = _levels(workflow, forward)
    layers: list[list[Place]] = [[] for _ in range(max(level.values()) + 1)]
    for node in workflow.nodes:
        layers[level[node.node_id]].append(node.node_id)
    paths: dict[tuple[str, str], tuple[Place, ...]] = {}
    for edge in forward:
        passed: list[Place] = [
            (edge.source, edge.target, layer) for layer in range(level[edge.source] + 1, level[edge.target])
        ]
        for layer, place in enumerate(passed, level[edge.source] + 1):
            layers[layer].append(place)
        paths[edge.source, edge.target] = (edge.source, *passed, edge.target)
    _order(layers, list(paths.values()))
    return Layout(tuple(tuple(layer) for layer in layers), paths, frozenset(back))


def _back(workflow: Workflow) -> set[tuple[str, str]]:
    """Edges that close a cycle on the way from BEGIN; loops' first."""
    out: dict[str, list[Edge]] = {}
    for edge in workflow.edges:
        out.setdefault(edge.source, []).append(edge)
    back: set[tuple[str, str]] = set()
    state: dict[str, int] = {}  # 1: on the way, 2: done
    for root in [node.node_id for node in workflow.nodes]:
        stack: list[tuple[str, int]] = [] if root in state else [(root, 0)]
        while stack:
            node, number = stack.pop()
            state[node] = 1
            ways = sorted(out.get(node, ()), key=lambda edge: edge.kind == "loop")
            if number == len(ways):
                state[node] = 2
                continue
            stack.append((node, number + 1))
            target = ways[number].target
            if state.get(target) == 1:
                back.add((node, target))
            elif target not in state:
                stack.append((target, 0))
    return back


def _levels(workflow: Workflow, forward: list[Edge]) -> dict[str, int]:
    level = {node.node_id: 0 for node in workflow.nodes}
    into: dict[str, int] = dict.fromkeys(level, 0)
    out: dict[str, list[str]] = {}
    for edge in forward:
        into[edge.target] += 1
        out.setdefault(edge.source, []).append(edge.target)
    ready = [node for node, count in into.items() if count == 0]
    while ready:
        node = ready.pop()
        for target in out.get(node, ()):
            level[target] = max(level[target], level[node] + 1)
            into[target] -= 1
            if into[target] == 0:
                ready.append(target)
    return level


def _order(layers: list[list[Place]], paths: list[tuple[Place, ...]]) -> None:
    above: dict[Place, list[Place]] = {}
    below: dict[Place, list[Place]] = {}
    for path in paths:
        for one, other in itertools.pairwise(path):
            above.setdefault(other, []).append(one)
            below.setdefault(one, []).append(other)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        for layer in layers if down else reversed(layers):
            spots = {place: number for other in layers for number, place in enumerate(other)}
            centre = {
                place: sum(spots[near] for near in neighbours[place]) / len(neighbours[place])
                if neighbours.get(place)
                else float(number)
                for number, place in enumerate(layer)
            }
            layer.sort(key=lambda place: centre[place])
