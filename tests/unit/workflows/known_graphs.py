"""Random workflows whose edges are known, sessions that they write, noise, and how well a found one agrees.

Left out, as sequences alone cannot tell them from a smaller graph that writes the same:
- a loop around the whole of a loop, a choice that is directly in a choice, a fork directly in a fork, an optional
  block in an optional block (one block says the same);
- an alternative that begins or ends with the key another alternative begins or ends with: A B | A C is A (B | C);
- one key in two branches of a fork, or in a fork and at a place that can run at once with it: which of the two places
  wrote it cannot be known;
- a key that follows on itself at another place: A A is a loop of A that happened to turn twice;
- a session without any event: it leaves no line in a log;
- a loop that never turns three times: A B A B may be two steps each.
"""

from __future__ import annotations

import itertools
from random import Random

from deeplog_ops.workflows.blocks import EMPTY, Block, Choice, Fork, Leaf, Loop, Seq, leaves, may_be_empty
from deeplog_ops.workflows.edges import BEGIN, END, edges_of
from deeplog_ops.workflows.graph import Workflow

EdgeSet = set[tuple[str, str, str]]


class Grower:
    """Grows one random block of about `steps` steps."""

    def __init__(self, rng: Random, prefix: str = "k", shared: int = 1) -> None:
        self.rng, self.prefix, self.shared = rng, prefix, shared
        self.numbers = itertools.count(1)

    def grow(self, steps: int = 12) -> Block:
        while True:
            self.numbers = itertools.count(1)
            block = self._seq(steps, 0) if self.rng.random() < 0.75 else self._tasks(steps)
            for _ in range(self.rng.randint(0, self.shared)):
                block = self._share(block)
            if 6 <= sum(1 for _ in leaves(block)) <= 2 * steps and not may_be_empty(block):
                return block

    def _leaf(self) -> Leaf:
        number = next(self.numbers)
        return Leaf(f"t{number}", f"{self.prefix}{number}")

    def _tasks(self, steps: int) -> Block:
        """New tasks at the beginning: each runs to its own end."""
        parts = self.rng.randint(2, 3)
        return Choice(tuple(self._seq(max(3, steps // parts), 1) for _ in range(parts)))

    def _seq(self, steps: int, depth: int, least: int = 2) -> Block:
        parts: list[Block] = []
        left = steps
        while left > 0 or len(parts) < least:
            size = min(max(left, 1), self.rng.randint(1, 6))
            part = self._block(size, depth + 1)
            parts.append(part)
            left -= sum(1 for _ in leaves(part))
        return Seq(
            tuple(step for part in parts for step in (part.parts if isinstance(part, Seq) else (part,)))
        )

    def _block(self, size: int, depth: int) -> Block:
        if size < 2 or depth > 3:
            return self._leaf()
        kind = self.rng.choice(("choice", "optional", "loop", "fork", "fork", "step"))
        if kind == "choice":
            return Choice(tuple(self._part(size // 2, depth) for _ in range(self.rng.randint(2, 3))))
        if kind == "optional":
            return Choice((self._part(size - 1, depth), EMPTY))
        if kind == "loop":
            return Loop(self._part(size - 1, depth), EMPTY)
        if kind == "fork":
            return Fork(tuple(self._part(size // 2, depth) for _ in range(self.rng.randint(2, 3))))
        return self._leaf()

    def _part(self, size: int, depth: int) -> Block:
        """A branch, body or alternative: a step or a sequence, never the like of what it is in."""
        return self._leaf() if size < 2 else self._seq(size, depth, least=2)

    def _share(self, block: Block) -> Block:
        """One key at two places, where the two can be told apart."""
        steps = list(leaves(block))
        for _ in range(20):
            one, other = self.rng.sample(steps, 2)
            renamed = rekeyed(block, other.node, one.key)
            if one.key != other.key and tellable(renamed, one.key):
                return renamed
        return block


def rekeyed(block: Block, node: str, key: str) -> Block:
    match block:
        case Leaf():
            return Leaf(node, key) if block.node == node else block
        case Loop():
            return Loop(rekeyed(block.body, node, key), rekeyed(block.redo, node, key))
        case _:
            return type(block)(tuple(rekeyed(part, node, key) for part in block.parts))


def tellable(block: Block, key: str) -> bool:
    """Whether sequences can tell the places of the key apart; see the module's list."""
    places = {leaf.node for leaf in leaves(block) if leaf.key == key}
    edges = edges_of(block)
    if any(source in places and target in places for source, target in edges):
        return False
    for one in places:
        for other in places - {one}:
            before = {source for source, target in edges if target == one}
            if before & {source for source, target in edges if target == other}:
                return False  # two alternatives begin alike
            after = {target for source, target in edges if source == one}
            if after & {target for source, target in edges if source == other}:
                return False  # two alternatives end alike
    return not _at_once(block, places)


def _at_once(block: Block, places: set[str]) -> bool:
    if isinstance(block, Leaf):
        return False
    parts = (block.body, block.redo) if isinstance(block, Loop) else block.parts
    if isinstance(block, Fork) and any(leaf.node in places for leaf in leaves(block)):
        inside = [part for part in parts if any(leaf.node in places for leaf in leaves(part))]
        if len(inside) > 1:
            return True
    return any(_at_once(part, places) for part in parts)


def write(block: Block, rng: Random) -> list[str]:
    """One session: alternatives alike likely, 1 to 4 turns, branches woven at random."""
    match block:
        case Leaf():
            return [block.key]
        case Seq():
            return [key for part in block.parts for key in write(part, rng)]
        case Choice():
            return write(rng.choice(block.parts), rng)
        case Loop():
            turns = [write(block.body, rng) for _ in range(rng.randint(1, 4))]
            return [key for turn in turns for key in turn]
        case Fork():
            return weave([write(part, rng) for part in block.parts], rng)


def weave(parts: list[list[str]], rng: Random) -> list[str]:
    order = [number for number, part in enumerate(parts) for _ in part]
    rng.shuffle(order)
    its = [iter(part) for part in parts]
    return [next(its[number]) for number in order]


def with_noise(sessions: list[list[str]], rate: float, rng: Random) -> tuple[list[list[str]], list[bool]]:
    """A share `rate` of the events dropped, swapped with the next, replaced, or followed by another one.

    Also says of each session whether it stayed as it was.
    """
    keys = sorted({key for session in sessions for key in session})
    out, clean = [], []
    for session in sessions:
        noisy: list[str] = []
        place = 0
        while place < len(session):
            key, kind = session[place], rng.randrange(4)
            place += 1
            if rng.random() >= rate:
                noisy.append(key)
            elif kind == 1 and place < len(session):
                noisy += [session[place], key]
                place += 1
            elif kind == 2:
                noisy.append(rng.choice(keys))
            elif kind == 3:
                noisy += [key, rng.choice(keys)]
        out.append(noisy)
        clean.append(noisy == session)
    return out, clean


def true_edges(block: Block) -> EdgeSet:
    return {(source, target, kind) for (source, target), kind in edges_of(block).items()}


def edge_f1(block: Block, found: Workflow) -> float:
    """F1 of the edges with their kinds, with the found nodes given to the true ones of the same key as fits best."""
    wanted = true_edges(block)
    places: dict[str, list[str]] = {}
    for leaf in leaves(block):
        places.setdefault(leaf.key, []).append(leaf.node)
    stands: dict[str, list[str]] = {}
    for node in found.nodes:
        if node.node_id not in (BEGIN, END):
            stands.setdefault(node.key, []).append(node.node_id)
    sure = {BEGIN: BEGIN, END: END}
    doubtful = []
    for key, nodes in stands.items():
        if len(nodes) == 1 and len(places.get(key, [])) == 1:
            sure[nodes[0]] = places[key][0]
        else:
            doubtful.append(key)
    names = dict(sure)
    for _ in range(3):  # one key after the other, given the rest
        for key in doubtful:
            names = max(
                ({**names, **way} for way in _ways(stands[key], places.get(key, []))),
                key=lambda names: _agreeing(wanted, found, names),
            )
    hits = _agreeing(wanted, found, names)
    return 2 * hits / (len(wanted) + len(found.edges))


def _ways(nodes: list[str], places: list[str]) -> list[dict[str, str]]:
    nodes = nodes[:5]
    spare = [*places, *(f"?{node}" for node in nodes)]
    if len(places) <= 1 and len(nodes) <= 1:
        return [dict(zip(nodes, spare, strict=False))]
    return [dict(zip(nodes, way, strict=True)) for way in set(itertools.permutations(spare[:6], len(nodes)))]


def _agreeing(wanted: EdgeSet, found: Workflow, names: dict[str, str]) -> int:
    return sum(
        (names.get(edge.source, "?"), names.get(edge.target, "?"), edge.kind) in wanted
        for edge in found.edges
    )
