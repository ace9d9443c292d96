"""Workflow graphs as data: steps in sequence, choice, fork and join, bounded loops. What holds of them is here too."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from deeplog_ops.simulate.parameters import Draw

Release = Literal["old", "new"]


@dataclass(frozen=True)
class Step:
    """One line of the log. It is written `takes` milliseconds after the one before it (`{ms}` in the text)."""

    name: str
    component: str
    text: str
    takes: Draw
    draws: dict[str, Draw] = field(default_factory=dict)
    level: str = "INFO"
    trace: tuple[str, ...] = ()
    release: Release | None = None  # None: before and after the deploy day


@dataclass(frozen=True)
class Seq:
    """One after the other. `draws` are values that the nodes share."""

    nodes: tuple[Node, ...]
    draws: dict[str, Draw] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """One of the alternatives, by weight."""

    alternatives: tuple[tuple[float, Node], ...]


@dataclass(frozen=True)
class Fork:
    """All branches at once, their lines interleaved by time; what follows waits for the last (AND-join)."""

    branches: tuple[Node, ...]


@dataclass(frozen=True)
class Loop:
    """The body again, `least` to `most` times; `counter` names the value that counts them, from 1.

    `times` names a value that says how often, where one does; else every number is equally likely.
    """

    body: Node
    least: int
    most: int
    counter: str = "turn"
    times: str | None = None


Node = Step | Seq | Choice | Fork | Loop


@dataclass(frozen=True)
class Task:
    """A kind of session: its workflow, and what is drawn once for each session.

    `share` is its part of the day's requests; a task with a `daily_at` (hour) runs then instead, once for each of
    `times`, and on `weekday` alone (0 is Monday) where one is given.
    """

    name: str
    prefix: str
    flow: Node
    draws: dict[str, Draw]
    share: float = 0.0
    daily_at: float | None = None
    times: int = 1
    weekday: int | None = None


def seq(*nodes: Node, **draws: Draw) -> Seq:
    return Seq(nodes, draws)


def choice(*alternatives: tuple[float, Node]) -> Choice:
    return Choice(alternatives)


def fork(*branches: Node) -> Fork:
    return Fork(branches)


def released(node: Node, release: Release) -> Node | None:
    """The workflow as it is before (old) or after (new) the deploy day; None where nothing is left of it."""
    match node:
        case Step():
            return node if node.release in (None, release) else None
        case Seq():
            kept = (released(inner, release) for inner in node.nodes)
            return Seq(tuple(inner for inner in kept if inner is not None), node.draws)
        case Choice():
            options = ((weight, released(inner, release)) for weight, inner in node.alternatives)
            return Choice(tuple((weight, inner) for weight, inner in options if inner is not None))
        case Fork():
            branches = (released(inner, release) for inner in node.branches)
            return Fork(tuple(inner for inner in branches if inner is not None))
        case Loop():
            body = released(node.body, release)
            return None if body is None else replace(node, body=body)


def steps(node: Node) -> list[Step]:
    """All steps, in the order written."""
    match node:
        case Step():
            return [node]
        case Seq():
            inner: tuple[Node, ...] = node.nodes
        case Choice():
            inner = tuple(option for _, option in node.alternatives)
        case Fork():
            inner = node.branches
        case Loop():
            inner = (node.body,)
    return [step for each in inner for step in steps(each)]


def as_json(node: Node) -> dict[str, Any]:
    """The graph as plain data, for labels: steps by name."""
    match node:
        case Step():
            return {"step": node.name}
        case Seq():
            return {"sequence": [as_json(inner) for inner in node.nodes]}
        case Choice():
            return {"choice": [{"weight": weight, **as_json(inner)} for weight, inner in node.alternatives]}
        case Fork():
            return {"fork": [as_json(inner) for inner in node.branches]}
        case Loop():
            return {"loop": as_json(node.body), "least": node.least, "most": node.most}
