"""Runs a session through a block, event by event: what may come next, and by which edges.

A state is a term: a block that has not begun, a block in progress, or one that is over, each with the nodes that it
follows on (its sources). The set of states is kept small (`WIDEST`), so that a session takes time in proportion to
its length, whatever its length is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from deeplog_ops.workflows.blocks import EMPTY, Block, Choice, Fork, Leaf, Loop, Seq
from deeplog_ops.workflows.edges import BEGIN

WIDEST = 48  # states kept at once; more than a few need the same key at many places that are open at once

Nodes = frozenset[str]


class At(NamedTuple):
    """Has not begun."""

    block: Block
    sources: Nodes


class Over(NamedTuple):
    """Is over; `sources` are its last nodes."""

    sources: Nodes


class InSeq(NamedTuple):
    term: Term
    block: Seq
    place: int


class InLoop(NamedTuple):
    term: Term
    block: Loop
    redo: bool


class InFork(NamedTuple):
    terms: tuple[Term, ...]
    before: Nodes  # what the fork follows on


Term = At | Over | InSeq | InLoop | InFork


@dataclass(frozen=True)
class Move:
    """A step that a state allows: its node, the nodes that gave way to it, and the state after it."""

    leaf: Leaf
    sources: Nodes
    after: Term


def start(block: Block) -> Term:
    return At(block, frozenset({BEGIN}))


def moves(term: Term, key: str | None = None) -> Iterator[Move]:
    """All steps that may come next; with a key, those that write it."""
    match term:
        case Over():
            return
        case At():
            yield from _begun(term, key)
        case InSeq():
            for move in moves(term.term, key):
                yield Move(move.leaf, move.sources, _in_seq(move.after, term.block, term.place))
            ended = ends(term.term)
            if ended is not None and term.place + 1 < len(term.block.parts):
                yield from moves(
                    InSeq(At(term.block.parts[term.place + 1], ended), term.block, term.place + 1), key
                )
        case InLoop():
            for move in moves(term.term, key):
                yield Move(move.leaf, move.sources, InLoop(move.after, term.block, term.redo))
            ended = ends(term.term)
            if ended is not None and not term.redo and term.block.redo != EMPTY:
                yield from moves(InLoop(At(term.block.redo, ended), term.block, True), key)
            elif ended is not None:
                for move in moves(At(term.block.body, ended), key):
                    yield Move(move.leaf, move.sources, InLoop(move.after, term.block, False))
        case InFork():
            for place, branch in enumerate(term.terms):
                for move in moves(branch, key):
                    terms = (*term.terms[:place], move.after, *term.terms[place + 1 :])
                    yield Move(move.leaf, move.sources, InFork(terms, term.before))


def _begun(term: At, key: str | None) -> Iterator[Move]:
    block, sources = term
    match block:
        case Leaf():
            if key is None or block.key == key:
                yield Move(block, sources, Over(frozenset({block.node})))
        case Seq():
            if block.parts:
                yield from moves(InSeq(At(block.parts[0], sources), block, 0), key)
        case Choice():
            for part in block.parts:
                yield from moves(At(part, sources), key)
        case Loop():
            yield from moves(InLoop(At(block.body, sources), block, False), key)
        case Fork():
            yield from moves(InFork(tuple(At(part, sources) for part in block.parts), sources), key)


def _in_seq(term: Term, block: Seq, place: int) -> Term:
    """In the last part there is nothing to come back to: the state stays flat."""
    return term if place + 1 == len(block.parts) else InSeq(term, block, place)


def ends(term: Term) -> Nodes | None:
    """The last nodes, if it may be over here; None where something must still come."""
    match term:
        case Over():
            return term.sources
        case At():
            return _ends_unbegun(term.block, term.sources)
        case InSeq():
            ended = ends(term.term)
            for part in term.block.parts[term.place + 1 :]:
                if ended is None:
                    return None
                ended = _ends_unbegun(part, ended)
            return ended
        case InLoop():
            ended = ends(term.term)
            return _ends_unbegun(term.block.body, ended) if ended is not None and term.redo else ended
        case InFork():
            return _joined(term)


def _joined(term: InFork) -> Nodes | None:
    """What follows a join follows on every branch that wrote something."""
    nodes: Nodes = frozenset()
    for branch in term.terms:
        ended = ends(branch)
        if ended is None:
            return None
        if not isinstance(branch, At):
            nodes |= ended
    return nodes or term.before


def _ends_unbegun(block: Block, sources: Nodes) -> Nodes | None:
    match block:
        case Leaf():
            return None
        case Seq() | Fork():
            return sources if all(_ends_unbegun(part, sources) is not None for part in block.parts) else None
        case Choice():
            empty = any(_ends_unbegun(part, sources) is not None for part in block.parts)
            return sources if empty else None
        case Loop():
            return _ends_unbegun(block.body, sources)


def open_branches(term: Term) -> Iterator[Term]:
    """The branches of forks in progress that are not over."""
    match term:
        case InSeq() | InLoop():
            yield from open_branches(term.term)
        case InFork():
            for branch in term.terms:
                if ends(branch) is None or not isinstance(branch, Over | At):
                    yield branch
                yield from open_branches(branch)
