"""Workflows of a model version are stored whole, read with their texts, and go with the version."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from deeplog_ops.db import models, workflows
from deeplog_ops.db.workflows import WorkflowEdge, WorkflowNode
from deeplog_ops.errors import DatabaseError
from deeplog_ops.records import Template, template_id
from tests.integration.db.day_results import register_model

FIRST = Template(template_id("open <*>"), "open <*>")
NODES = [
    WorkflowNode(0, "begin", None),
    WorkflowNode(0, "end", None),
    WorkflowNode(0, "n1", FIRST.template_id, 10),
]
EDGES = [WorkflowEdge(0, "begin", "n1", "next", 10, 1.0), WorkflowEdge(0, "n1", "end", "next", 10, 1.0)]


@pytest.fixture
def version(engine: Engine, source: str) -> str:
    register_model(engine, "v1", templates=[FIRST])
    return "v1"


def test_writing_again_replaces_and_leaves_the_other_method_alone(
    engine: Engine, source: str, version: str
) -> None:
    workflows.write_workflows(engine, source, version, "predictions", NODES, EDGES)
    workflows.write_workflows(engine, source, version, "cooccurrence", NODES, EDGES[:1])
    fewer = [replace(EDGES[0], count=3, probability=0.25)]
    workflows.write_workflows(engine, source, version, "predictions", reversed(NODES), fewer)
    assert workflows.workflows(engine, source, version, "predictions") == (NODES, fewer)
    assert workflows.workflows(engine, source, version, "cooccurrence") == (NODES, EDGES[:1])
    assert workflows.workflows(engine, source, "v9", "cooccurrence") == ([], [])


def test_the_view_has_the_texts_and_says_which_version_is_the_champion(
    engine: Engine, source: str, version: str
) -> None:
    workflows.write_workflows(engine, source, version, "predictions", NODES, EDGES)
    query = text(
        "SELECT champion, from_node, from_template, to_template, to_node FROM bi.workflow_edges ORDER BY from_node"
    )
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(query)] == [
            (False, "begin", None, "open <*>", "n1"),
            (False, "n1", "open <*>", None, "end"),
        ]
    models.promote(engine, source, version, who="x", why="y")
    with engine.connect() as connection:
        assert {row.champion for row in connection.execute(query)} == {True}


def test_an_edge_to_nowhere_and_a_version_that_is_not_there_are_refused(
    engine: Engine, source: str, version: str
) -> None:
    workflows.write_workflows(engine, source, version, "predictions", NODES, EDGES)
    with pytest.raises(DatabaseError, match="violates foreign key"):
        workflows.write_workflows(engine, source, version, "predictions", NODES[:2], EDGES)
    with pytest.raises(DatabaseError, match="violates foreign key"):
        workflows.write_workflows(engine, source, "v9", "predictions", NODES, EDGES)
    assert workflows.workflows(engine, source, version, "predictions") == (NODES, EDGES)


def test_the_workflows_of_a_version_go_when_it_is_pruned(engine: Engine, source: str, version: str) -> None:
    workflows.write_workflows(engine, source, version, "predictions", NODES, EDGES)
    assert models.delete_expendable(engine, source, keep=0) == [version]
    assert workflows.workflows(engine, source, version, "predictions") == ([], [])
