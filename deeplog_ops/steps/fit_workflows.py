"""The workflows of a training, by both ways of DeepLog's section 4, into a version's parts and the tables."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from deeplog_ops.db.workflows import WorkflowEdge, WorkflowNode, write_workflows
from deeplog_ops.models.part import ModelPart
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.workflows.discovery import by_cooccurrence
from deeplog_ops.workflows.graph import Workflow
from deeplog_ops.workflows.predictions import by_predictions

if TYPE_CHECKING:  # it imports torch, and judging a day needs none
    from deeplog_ops.models.key_model import KeyModel

log = logging.getLogger(__name__)

PART = "workflows"
Method = Literal["predictions", "cooccurrence"]
MOST_SEQUENCES = 2_000  # distinct ones that a workflow is found from: those that most sessions have
MOST_EVENTS = 60_000  # in these
LONGEST = 500  # events of a sequence that a workflow is found from
LIKELY = 64  # keys that the model names after each history


def fit_workflows(
    sequences: Sequence[tuple[str, ...]], weights: Sequence[int], model: KeyModel
) -> ModelPart | None:
    """The part "workflows" of a version: one by co-occurrence, one by the key model's predictions.

    None where all sessions are too long to be one task's.
    """
    chosen, counts = commonest(sequences, weights)
    if not chosen:
        return None
    found = {
        "cooccurrence": by_cooccurrence(chosen, counts),
        "predictions": by_predictions(chosen, counts, lambda histories: model.next_keys(histories, LIKELY)),
    }
    log.info(
        "workflows of %s distinct sequences: %s",
        len(chosen),
        ", ".join(f"{len(workflow.nodes)} nodes by {method}" for method, workflow in found.items()),
    )
    return ModelPart({method: workflow.to_dict() for method, workflow in found.items()})


def workflow_of(version: ModelVersion, method: Method = "cooccurrence") -> Workflow | None:
    """The workflow of a version; None where it has none."""
    part = version.part(PART)
    return None if part is None or method not in part.data else Workflow.from_dict(part.data[method])


def publish_workflows(place: Workplace, version: ModelVersion) -> None:
    """The rows of a registered version's workflows."""
    methods: tuple[Method, ...] = ("predictions", "cooccurrence")
    for method in methods:
        workflow = workflow_of(version, method)
        if workflow is not None:
            write_found(place, version, method, [workflow])


def write_found(place: Workplace, version: ModelVersion, method: Method, found: Sequence[Workflow]) -> None:
    """The rows of workflows found by a method, numbered from 0, in place of those that the version had."""
    write_workflows(
        place.engine,
        version.source_key,
        version.version,
        method,
        [
            WorkflowNode(number, node.node_id, node.key or None, node.count)
            for number, workflow in enumerate(found)
            for node in workflow.nodes
        ],
        [
            WorkflowEdge(number, edge.source, edge.target, edge.kind, edge.count, edge.probability)
            for number, workflow in enumerate(found)
            for edge in workflow.edges
        ],
    )


def commonest(
    sequences: Sequence[tuple[str, ...]], weights: Sequence[int]
) -> tuple[list[tuple[str, ...]], list[int]]:
    """The sequences that most sessions have, as many as a workflow is found from, with their sessions."""
    short = [row for row in range(len(sequences)) if 0 < len(sequences[row]) <= LONGEST]
    order = sorted(short, key=lambda row: (-weights[row], sequences[row]))
    rows: list[int] = []
    events = 0
    for row in order[:MOST_SEQUENCES]:
        events += len(sequences[row])
        if rows and events > MOST_EVENTS:
            break
        rows.append(row)
    return [sequences[row] for row in rows], [weights[row] for row in rows]
