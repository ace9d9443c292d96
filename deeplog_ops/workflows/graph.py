"""A workflow as a graph: nodes that write keys, and edges that say what gives way to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import networkx as nx

from deeplog_ops.errors import ModelError
from deeplog_ops.workflows.blocks import Block, Choice, Fork, Leaf, Loop, Seq, inner, leaves
from deeplog_ops.workflows.edges import BEGIN, END, KINDS, Kind


@dataclass(frozen=True)
class Node:
    """A place in the workflow. One key may stand at several places; BEGIN and END have the key "".

    `count` is how many events of the training stand there.
    """

    node_id: str
    key: str
    count: int = 0


@dataclass(frozen=True)
class Edge:
    """`count` times in training `source` gave way to `target`: `probability` is its share of the source's count.

    Edges into a fork are taken together, so that their probabilities add up to more than one.
    """

    source: str
    target: str
    kind: Kind
    count: int
    probability: float


@dataclass(frozen=True)
class Workflow:
    """Nodes and edges, and the blocks that they were drawn from (`root`), which say what a session may write.

    `sessions` were learnt from; `astray` of them do not fit it and were taken for noise.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    root: Block
    sessions: int = 0
    astray: int = 0
    noise: float = 0.0
    keys: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)  # node: key

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", {node.node_id: node.key for node in self.nodes})

    def key_of(self, node_id: str) -> str:
        """The key that a node writes; "" of BEGIN and END."""
        return self.keys[node_id]

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON; equal workflows give equal data."""
        return {
            "nodes": [{"node_id": node.node_id, "key": node.key, "count": node.count} for node in self.nodes],
            "edges": [
                {
                    "source": edge.source,
                    "target": edge.target,
                    "kind": edge.kind,
                    "count": edge.count,
                    "probability": edge.probability,
                }
                for edge in self.edges
            ],
            "root": _block_to_dict(self.root),
            "sessions": self.sessions,
            "astray": self.astray,
            "noise": self.noise,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Workflow:
        """From `to_dict`. ModelError says what is missing or unknown."""
        try:
            workflow = cls(
                tuple(Node(node["node_id"], node["key"], node["count"]) for node in data["nodes"]),
                tuple(
                    Edge(edge["source"], edge["target"], edge["kind"], edge["count"], edge["probability"])
                    for edge in data["edges"]
                ),
                _block_from_dict(data["root"]),
                data["sessions"],
                data["astray"],
                data["noise"],
            )
        except (KeyError, TypeError) as error:
            raise ModelError(f"a workflow's description cannot be used: {error!r}") from error
        _check(workflow)
        return workflow

    def renamed(self, names: Mapping[str, str]) -> Workflow:
        """The same workflow over other keys; keys that `names` lacks stay."""
        return replace(
            self,
            nodes=tuple(replace(node, key=names.get(node.key, node.key)) for node in self.nodes),
            root=_renamed(self.root, names),
        )

    def as_networkx(self) -> nx.DiGraph:
        """Nodes with `key`, edges with `kind`."""
        graph = nx.DiGraph()
        for node in self.nodes:
            end = node.node_id if node.node_id in (BEGIN, END) else ""
            graph.add_node(node.node_id, key=node.key or end)
        for edge in self.edges:
            graph.add_edge(edge.source, edge.target, kind=edge.kind)
        return graph


def isomorphic(one: Workflow, other: Workflow) -> bool:
    """Whether they are the same but for the nodes' ids and the counts: keys, edges and kinds agree."""
    return bool(
        nx.is_isomorphic(
            one.as_networkx(),
            other.as_networkx(),
            node_match=lambda a, b: a["key"] == b["key"],
            edge_match=lambda a, b: a["kind"] == b["kind"],
        )
    )


def _check(workflow: Workflow) -> None:
    steps = {leaf.node: leaf.key for leaf in leaves(workflow.root)}
    nodes = {node.node_id: node.key for node in workflow.nodes if node.node_id not in (BEGIN, END)}
    if steps != nodes:
        raise ModelError("a workflow's nodes are not the steps of its blocks")
    for edge in workflow.edges:
        if edge.kind not in KINDS:
            raise ModelError(f"a workflow's edge has the kind {edge.kind!r}; known are {', '.join(KINDS)}")
        for node in (edge.source, edge.target):
            if node not in workflow.keys:
                raise ModelError(f"a workflow's edge names the node {node!r}, which is not among its nodes")


def _renamed(block: Block, names: Mapping[str, str]) -> Block:
    match block:
        case Leaf():
            return Leaf(block.node, names.get(block.key, block.key))
        case Loop():
            return Loop(_renamed(block.body, names), _renamed(block.redo, names))
        case _:
            return replace(block, parts=tuple(_renamed(part, names) for part in block.parts))


_NAMES: dict[type, str] = {Seq: "sequence", Choice: "choice", Fork: "fork", Loop: "loop"}


def _block_to_dict(block: Block) -> dict[str, Any]:
    if isinstance(block, Leaf):
        return {"step": block.node, "key": block.key}
    return {_NAMES[type(block)]: [_block_to_dict(part) for part in inner(block)]}


def _block_from_dict(data: Mapping[str, Any]) -> Block:
    if "step" in data:
        return Leaf(data["step"], data["key"])
    ((name, parts),) = data.items()
    blocks = tuple(_block_from_dict(part) for part in parts)
    kinds = {name: kind for kind, name in _NAMES.items()}
    if name not in kinds:
        raise ModelError(f"a workflow has the block {name!r}; known are {', '.join(kinds)} and step")
    if kinds[name] is Loop:
        if len(blocks) != 2:
            raise ModelError(
                f"a workflow's loop has {len(blocks)} blocks; it needs a body and what is redone"
            )
        return Loop(*blocks)
    return cast(Block, kinds[name](blocks))
