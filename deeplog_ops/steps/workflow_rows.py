"""The workflows of a version as they stand in the tables, whole again: to draw them and to tell of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from deeplog_ops.db import learning
from deeplog_ops.db import models as model_rows
from deeplog_ops.db.workflows import Method, WorkflowEdge, WorkflowNode, workflows
from deeplog_ops.errors import ModelError
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.workflows.blocks import EMPTY
from deeplog_ops.workflows.edges import BEGIN, END, Kind
from deeplog_ops.workflows.graph import Edge, Node, Workflow


@dataclass(frozen=True)
class Shown:
    """The workflows of a version by number; `texts` has the templates' texts by id."""

    version: str
    workflows: Mapping[int, Workflow]
    texts: Mapping[str, str]


def read_workflows(
    place: Workplace, source_name: str, version: str | None = None, method: Method = "cooccurrence"
) -> Shown:
    """Those of a version, by default the champion. ModelError where there is no version, or none was found."""
    key = place.registered(source_name).key
    chosen = version or model_rows.champion(place.engine, key)
    if chosen is None:
        raise ModelError(
            f"{source_name} has no model version yet: `deeplog-ops train --source {source_name}`"
        )
    model_rows.version(place.engine, key, chosen)
    nodes, edges = workflows(place.engine, key, chosen, method)
    if not nodes:
        raise ModelError(f"version {chosen} of {source_name} has no workflow by {method}")
    ids = sorted({node.template_id for node in nodes if node.template_id})
    texts = {name: text for name, (text, _) in learning.template_texts(place.engine, key, ids).items()}
    catalogue = Catalogue.from_rows(place.registry.read(key, chosen).catalogue)
    texts |= {name: text for name in ids if (text := catalogue.text(name)) is not None}
    return Shown(chosen, _whole(nodes, edges), texts)


def _whole(nodes: list[WorkflowNode], edges: list[WorkflowEdge]) -> dict[int, Workflow]:
    """The graphs; the blocks that they were drawn from are not in the tables."""
    by_number: defaultdict[int, tuple[list[Node], list[Edge]]] = defaultdict(lambda: ([], []))
    for row in nodes:
        by_number[row.workflow][0].append(Node(row.node_id, row.template_id or "", row.count))
    for edge in edges:
        kind = cast(Kind, edge.kind)
        by_number[edge.workflow][1].append(Edge(edge.source, edge.target, kind, edge.count, edge.probability))
    found = {}
    for number, (some, ways) in sorted(by_number.items()):
        ordered = tuple(sorted(some, key=_place))
        found[number] = Workflow(ordered, tuple(ways), EMPTY, sessions=ordered[0].count)
    return found


def _place(node: Node) -> tuple[bool, bool, int, str]:
    """The beginning first, the end last; the others by number."""
    return node.node_id != BEGIN, node.node_id == END, len(node.node_id), node.node_id
