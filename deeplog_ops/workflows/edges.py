"""The edges of a block and their kinds, from BEGIN to END. See blocks.py for what an edge is."""

from __future__ import annotations

from typing import Literal

from deeplog_ops.workflows.blocks import Block, Choice, Fork, Leaf, Loop, Seq, inner, may_be_empty

Kind = Literal["next", "choice", "fork", "join", "loop", "new_task"]
KINDS: tuple[Kind, ...] = ("next", "choice", "fork", "join", "loop", "new_task")

BEGIN, END = "begin", "end"

Ends = dict[str, bool]  # node: does a fork open (first steps) or close (last steps) there?


def edges_of(block: Block) -> dict[tuple[str, str], Kind]:
    """All edges (source, target) with their kinds, in a stable order.

    `loop` leads back to a loop's beginning (or into what stands between two turns); `fork` into a branch; `new_task`
    to the first step of an alternative that runs to the end of the session by itself, as all its siblings do;
    `join` out of a branch; `choice` is one of several; `next` is the only way on, or the way out of a loop. The
    first of these that holds is the edge's kind.
    """
    found: dict[tuple[str, str], set[Kind]] = {}
    _connect(found, {BEGIN: False}, first(block))
    _inside(block, found)
    _connect(found, last(block), {END: False})
    if may_be_empty(block):
        _connect(found, {BEGIN: False}, {END: False})
    tasks = _task_heads(block)
    ways: dict[str, int] = {}
    for (source, _), kinds in found.items():
        ways[source] = ways.get(source, 0) + ("loop" not in kinds)
    return {
        (source, target): _kind(kinds, target in tasks and "loop" not in kinds, ways[source] > 1)
        for (source, target), kinds in found.items()
    }


def _kind(kinds: set[Kind], new_task: bool, several: bool) -> Kind:
    if "loop" in kinds:
        return "loop"
    if "fork" in kinds:
        return "fork"
    if new_task:
        return "new_task"
    if "join" in kinds:
        return "join"
    return "choice" if several else "next"


def first(block: Block) -> Ends:
    """The steps it may begin with; True where the step is in a fork that opens there."""
    match block:
        case Leaf():
            return {block.node: False}
        case Fork():
            return {node: True for part in block.parts for node in first(part)}
        case Choice():
            return {node: forks for part in block.parts for node, forks in first(part).items()}
        case Loop():
            return first(block.body) | (first(block.redo) if may_be_empty(block.body) else {})
        case Seq():
            found: Ends = {}
            for part in block.parts:
                found |= first(part)
                if not may_be_empty(part):
                    break
            return found


def last(block: Block) -> Ends:
    """The steps it may end with; True where the step is in a fork that closes there."""
    match block:
        case Leaf():
            return {block.node: False}
        case Fork():
            return {node: True for part in block.parts for node in last(part)}
        case Choice():
            return {node: joins for part in block.parts for node, joins in last(part).items()}
        case Loop():
            return last(block.body) | (last(block.redo) if may_be_empty(block.body) else {})
        case Seq():
            found: Ends = {}
            for part in reversed(block.parts):
                found |= last(part)
                if not may_be_empty(part):
                    break
            return found


def _inside(block: Block, found: dict[tuple[str, str], set[Kind]]) -> None:
    for part in inner(block):
        _inside(part, found)
    if isinstance(block, Seq):
        for place, part in enumerate(block.parts):
            for later in block.parts[place + 1 :]:
                _connect(found, last(part), first(later))
                if not may_be_empty(later):
                    break
    if isinstance(block, Loop):
        _connect(found, last(block.body), first(block.redo), "loop")
        _connect(found, last(block.redo), first(block.body), "loop")
        if may_be_empty(block.redo):
            _connect(found, last(block.body), first(block.body), "loop")


def _connect(
    found: dict[tuple[str, str], set[Kind]], sources: Ends, targets: Ends, kind: Kind | None = None
) -> None:
    for source, joins in sources.items():
        for target, forks in targets.items():
            kinds = found.setdefault((source, target), set())
            if kind:
                kinds.add(kind)
            elif forks:
                kinds.add("fork")
            elif joins:
                kinds.add("join")


def _task_heads(block: Block) -> set[str]:
    """The first steps of alternatives that never come together again before the end of the session."""
    match block:
        case Seq() if block.parts:
            return _task_heads(block.parts[-1])
        case Choice() if not may_be_empty(block):
            return {node for part in block.parts for node in [*first(part), *_task_heads(part)]}
        case _:
            return set()
