"""Replays a session in a workflow: the nodes it visits, and the place where it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deeplog_ops.workflows.edges import END
from deeplog_ops.workflows.graph import Workflow
from deeplog_ops.workflows.machine import WIDEST, Move, Term, ends, moves, open_branches, start


@dataclass(frozen=True)
class Replay:
    """What became of a session.

    `place` is the index of the first event that does not fit; the number of events where the session stopped too
    early; None where it is accepted. `expected` are the nodes that could have come there, "end" among them where the
    session might have been over. `open_branches` has, for each branch of a fork that had begun or was due, the nodes
    that could have come next in it.
    """

    accepted: bool
    place: int | None
    nodes: tuple[str, ...]  # one for each event before the place
    edges: tuple[tuple[str, str], ...]  # in the order taken; of an accepted session, up to END
    expected: tuple[str, ...]
    open_branches: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Link:
    """The path that led to a state: what was done last, and the path before."""

    move: Move
    before: _Link | None


def replay(workflow: Workflow, keys: Sequence[str]) -> Replay:
    """In time proportional to the number of events. Keys that the workflow does not know simply do not fit."""
    states: dict[Term, _Link | None] = {start(workflow.root): None}
    for place, key in enumerate(keys):
        after: dict[Term, _Link | None] = {}
        for state, path in states.items():
            for move in moves(state, key):
                if len(after) < WIDEST:
                    after.setdefault(move.after, _Link(move, path))
        if not after:
            return _left(states, place)
        states = after
    for state, path in states.items():
        ended = ends(state)
        if ended is not None:
            nodes, edges = _walked(path)
            edges.extend((source, END) for source in sorted(ended))
            return Replay(True, None, tuple(nodes), tuple(edges), (END,), ())
    return _left(states, len(keys))


def _left(states: dict[Term, _Link | None], place: int) -> Replay:
    expected: dict[str, None] = {}
    waiting: dict[tuple[str, ...], None] = {}
    for state in states:
        expected.update((move.leaf.node, None) for move in moves(state))
        if ends(state) is not None:
            expected[END] = None
        for branch in open_branches(state):
            waiting[tuple(dict.fromkeys(move.leaf.node for move in moves(branch)))] = None
    nodes, edges = _walked(next(iter(states.values())))
    return Replay(False, place, tuple(nodes), tuple(edges), tuple(expected), tuple(filter(None, waiting)))


def _walked(path: _Link | None) -> tuple[list[str], list[tuple[str, str]]]:
    links: list[_Link] = []
    while path is not None:
        links.append(path)
        path = path.before
    nodes = [link.move.leaf.node for link in reversed(links)]
    edges = [
        (source, link.move.leaf.node) for link in reversed(links) for source in sorted(link.move.sources)
    ]
    return nodes, edges
