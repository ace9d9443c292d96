"""From the sessions of a log to its workflow (DeepLog, section 4): by co-occurrence, and by a model's predictions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deeplog_ops.errors import ModelError
from deeplog_ops.workflows.blocks import Block, Leaf, Loop, leaves
from deeplog_ops.workflows.edges import BEGIN, END, edges_of
from deeplog_ops.workflows.graph import Edge, Node, Workflow
from deeplog_ops.workflows.mining import Mined, Miner
from deeplog_ops.workflows.relations import Log, bound
from deeplog_ops.workflows.replay import replay

Keys = tuple[str, ...]

LONGER = 1.26  # how much longer the description may get so that more sessions fit


@dataclass(frozen=True)
class DiscoverySettings:
    """`noise`: the rates of events astray that are tried; what tells the sessions in the fewest bits is taken.

    `keep_ways`: a lower rate is taken where sessions set aside leave at one place by one key more often than noise
    does. Not so for runs that were told apart from others: their mistakes repeat themselves.
    """

    noise: tuple[float, ...] = (0.0, 0.003, 0.01, 0.03)
    keep_ways: bool = True


def by_cooccurrence(
    sequences: Sequence[Sequence[str]],
    weights: Sequence[int] | None = None,
    settings: DiscoverySettings | None = None,
) -> Workflow:
    """The workflow of N sequences, sequence i standing for weights[i] sessions (default 1 each).

    Which keys never meet in a session, which always come in one order, which in any (section 4.2). Equal sequences
    may be given apart or together, in any order. ModelError where there is none.
    """
    counted = distinct(sequences, weights)
    return workflow_of(mined(counted, settings or DiscoverySettings()), counted)


def distinct(sequences: Sequence[Sequence[str]], weights: Sequence[int] | None) -> dict[Keys, int]:
    """Equal sequences as one, sorted, without those of no session."""
    if weights is not None and len(weights) != len(sequences):
        raise ModelError(f"{len(sequences)} sequences came with {len(weights)} weights: one each is expected")
    total: Counter[Keys] = Counter()
    for number, keys in enumerate(sequences):
        total[tuple(keys)] += 1 if weights is None else int(weights[number])
    counted = {keys: total[keys] for keys in sorted(total) if total[keys] > 0}
    if not counted:
        raise ModelError("there are no sessions to find a workflow in: choose training days that have some")
    return counted


def mined(counted: dict[Keys, int], settings: DiscoverySettings) -> tuple[Block, float]:
    """The best block, with keys for nodes to come, and the rate of noise that it assumes."""
    names = sorted({key for keys in counted for key in keys})
    number = {key: place for place, key in enumerate(names)}
    log: Log = {tuple(number[key] for key in keys): count for keys, count in counted.items()}
    events = sum(len(keys) * count for keys, count in counted.items())
    rates = sorted(set(settings.noise))
    tried: dict[float, tuple[float, Mined]] = {}

    def bits(rate: float) -> float:
        if rate not in tried:
            found = Miner(len(names), rate).mine(log)
            tried[rate] = (found.bits - events * math.log2(1 - rate), found)
        return tried[rate][0]

    bits(rates[len(rates) // 2])
    place = len(rates) // 2  # from the middle to where it gets better
    for step in (-1, 1):
        while 0 <= place + step < len(rates) and bits(rates[place + step]) < bits(rates[place]):
            place += step
    shortest = bits(rates[place])
    block = _with_keys(tried[rates[place]][1].block, names)
    while place and settings.keep_ways and _same_ways_astray(block, counted):
        if bits(rates[place - 1]) > LONGER * shortest:
            break
        place -= 1
        block = _with_keys(tried[rates[place]][1].block, names)
    return block, rates[place]


def _same_ways_astray(block: Block, counted: dict[Keys, int]) -> bool:
    """Whether more sessions leave the block at one place by one key than noise at the rate seen explains."""
    root = numbered_nodes(block)
    left: Counter[tuple[str, str]] = Counter()
    visits: Counter[str] = Counter()
    events = astray = 0
    for keys, count in counted.items():
        walk = replay(Workflow((), (), root), keys)
        events += count * len(keys)
        visits[BEGIN] += count
        for node in walk.nodes:
            visits[node] += count
        if walk.place is not None:
            astray += count
            came = keys[walk.place] if walk.place < len(keys) else ""
            left[walk.nodes[-1] if walk.nodes else BEGIN, came] += count
    rate = astray / max(1, events)
    return any(count > bound(visits[node] * rate / 2) for (node, _), count in left.items())


def numbered_nodes(block: Block) -> Block:
    """The block with a name for each node, in the order written."""
    return _with_nodes(block, iter(range(1, 1 + sum(1 for _ in leaves(block)))))


def _with_keys(block: Block, names: Sequence[str]) -> Block:
    match block:
        case Leaf():
            return Leaf("", names[int(block.key)])
        case Loop():
            return Loop(_with_keys(block.body, names), _with_keys(block.redo, names))
        case _:
            return type(block)(tuple(_with_keys(part, names) for part in block.parts))


def workflow_of(found: tuple[Block, float], counted: dict[Keys, int]) -> Workflow:
    """The graph of a block, with the counts of the sessions that fit it."""
    block, noise = found
    root = numbered_nodes(block)
    visits: Counter[str] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    astray = 0
    for keys, count in counted.items():
        walk = replay(Workflow((), (), root), keys)
        if not walk.accepted:
            astray += count
            continue
        visits[BEGIN] += count
        visits[END] += count
        for node in walk.nodes:
            visits[node] += count
        for edge in walk.edges:
            taken[edge] += count
    nodes = [Node(BEGIN, "", visits[BEGIN])]
    nodes += [Node(leaf.node, leaf.key, visits[leaf.node]) for leaf in leaves(root)]
    nodes.append(Node(END, "", visits[END]))
    edges = tuple(
        Edge(source, target, kind, taken[source, target], taken[source, target] / max(1, visits[source]))
        for (source, target), kind in edges_of(root).items()
    )
    return Workflow(tuple(nodes), edges, root, sum(counted.values()), astray, noise)


def _with_nodes(block: Block, numbers: Iterable[int]) -> Block:
    match block:
        case Leaf():
            return Leaf(f"n{next(iter(numbers))}", block.key)
        case Loop():
            return Loop(_with_nodes(block.body, numbers), _with_nodes(block.redo, numbers))
        case _:
            return type(block)(tuple(_with_nodes(part, numbers) for part in block.parts))
