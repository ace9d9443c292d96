"""A workflow's blocks: steps in sequence, choice, fork and join, loops, nested. What may begin, end and follow.

The edges of a block, by definition: one from `u` to `v` where the step at `v` may be the next that `u` itself gives
way to. In a sequence that is from each last step of a part to each first step of the next (parts that may be left
out are stepped over, too); in a loop from each last step back to each first; from the step before a fork to the
first steps of every branch, and from every branch's last steps to what follows the join. Steps of two branches of
one fork are never joined by an edge, however often one is written right after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Leaf:
    """One step: a node that writes its key."""

    node: str
    key: str


@dataclass(frozen=True)
class Seq:
    """One part after the other. Without parts it is the empty block: nothing is written."""

    parts: tuple[Block, ...]


@dataclass(frozen=True)
class Choice:
    """One of the parts. An empty part makes it optional."""

    parts: tuple[Block, ...]


@dataclass(frozen=True)
class Fork:
    """All parts, their steps interleaved in any way; what follows waits for the last (AND-join)."""

    parts: tuple[Block, ...]


@dataclass(frozen=True)
class Loop:
    """The body once or more; before each turn but the first stands `redo`, which may be empty."""

    body: Block
    redo: Block


Block = Leaf | Seq | Choice | Fork | Loop
EMPTY = Seq(())


def inner(block: Block) -> tuple[Block, ...]:
    """The blocks directly inside."""
    match block:
        case Leaf():
            return ()
        case Loop():
            return (block.body, block.redo)
        case _:
            return block.parts


def leaves(block: Block) -> Iterator[Leaf]:
    """All steps, in the order written."""
    if isinstance(block, Leaf):
        yield block
    for part in inner(block):
        yield from leaves(part)


def may_be_empty(block: Block) -> bool:
    match block:
        case Leaf():
            return False
        case Choice():
            return any(may_be_empty(part) for part in block.parts)
        case Loop():
            return may_be_empty(block.body)
        case _:
            return all(may_be_empty(part) for part in block.parts)


def sequence(*parts: Block) -> Block:
    """The parts in sequence, without empty ones and with sequences inside it opened."""
    flat: list[Block] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Seq) else (part,))
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def choice(*parts: Block) -> Block:
    """One of the parts, with choices inside it opened and the empty block at most once, last."""
    flat: list[Block] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Choice) else (part,))
    kept = [part for part in flat if part != EMPTY]
    if len(kept) < len(flat) and not any(may_be_empty(part) for part in kept):
        kept.append(EMPTY)
    return kept[0] if len(kept) == 1 else Choice(tuple(kept))


def fork(*parts: Block) -> Block:
    """All the parts at once, with forks inside it opened."""
    flat: list[Block] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Fork) else (part,))
    return flat[0] if len(flat) == 1 else Fork(tuple(flat))
