"""Workflows in the database: nodes and edges of a model version, a set for each method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Engine, text

from deeplog_ops.db.engine import transaction
from deeplog_ops.db.rows import copy
from deeplog_ops.db.sources import source_of

Method = Literal["predictions", "cooccurrence"]


@dataclass(frozen=True)
class WorkflowNode:
    """A step. `workflow` numbers the tasks of a version from 0; `template_id` is None for begin and end; `count` is how
    many events of the training stand there."""

    workflow: int
    node_id: str
    template_id: str | None
    count: int = 0


@dataclass(frozen=True)
class WorkflowEdge:
    """`target` may follow `source`: how often training sessions did so, and what share of the times at `source`."""

    workflow: int
    source: str
    target: str
    kind: str
    count: int
    probability: float


def write_workflows(
    engine: Engine,
    source_key: str,
    version: str,
    method: Method,
    nodes: Iterable[WorkflowNode],
    edges: Iterable[WorkflowEdge],
) -> None:
    """Put the workflows of a registered version, found by one method, in place of those written before.

    Raises DatabaseError for a version that is not registered, and for an edge whose nodes are not given.
    """
    with transaction(engine) as connection:
        source_id = source_of(connection, source_key)
        _delete(connection, source_id, [version], [method])
        own = (source_id, version, method)
        copy(
            connection,
            "deeplog.workflow_nodes",
            ("source_id", "version", "method", "workflow", "node_id", "template_id", "count"),
            ((*own, node.workflow, node.node_id, node.template_id or None, node.count) for node in nodes),
        )
        copy(
            connection,
            "deeplog.workflow_edges",
            (
                "source_id",
                "version",
                "method",
                "workflow",
                "source",
                "target",
                "kind",
                "count",
                "probability",
            ),
            (
                (
                    *own,
                    edge.workflow,
                    edge.source,
                    edge.target,
                    edge.kind,
                    edge.count,
                    float(edge.probability),
                )
                for edge in edges
            ),
        )


def workflows(
    engine: Engine, source_key: str, version: str, method: Method
) -> tuple[list[WorkflowNode], list[WorkflowEdge]]:
    """Nodes and edges of a version, in the order of their names; none where training found none."""
    with transaction(engine) as connection:
        key = {"source_id": source_of(connection, source_key, lock=""), "version": version, "method": method}
        where = "WHERE source_id = :source_id AND version = :version AND method = :method"
        nodes = connection.execute(
            text(
                f"SELECT workflow, node_id, template_id, count FROM deeplog.workflow_nodes {where} "
                "ORDER BY workflow, node_id"
            ),
            key,
        )
        edges = connection.execute(
            text(
                f"SELECT workflow, source, target, kind, count, probability FROM deeplog.workflow_edges {where} "
                "ORDER BY workflow, source, target"
            ),
            key,
        )
        return [WorkflowNode(*row) for row in nodes], [WorkflowEdge(*row) for row in edges]


def delete_workflows(connection: Connection, source_id: int, versions: Sequence[str]) -> None:
    """Delete the workflows of versions that are no longer kept."""
    _delete(connection, source_id, versions, ["predictions", "cooccurrence"])


def _delete(
    connection: Connection, source_id: int, versions: Sequence[str], methods: Sequence[Method]
) -> None:
    key = {"source_id": source_id, "versions": list(versions), "methods": list(methods)}
    for table in ("workflow_edges", "workflow_nodes"):
        connection.execute(
            text(
                f"DELETE FROM deeplog.{table} WHERE source_id = :source_id AND version = ANY(:versions) "
                "AND method = ANY(:methods)"
            ),
            key,
        )
