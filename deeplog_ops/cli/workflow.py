"""`deeplog-ops workflow`: what a source's sessions do, step by step, as words and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from deeplog_ops.cli.options import counted, day_option, source_argument

if TYPE_CHECKING:
    from deeplog_ops.workflows.graph import Workflow

_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group()
def workflow() -> None:
    """Workflows: what the sessions of a source do, step by step."""


@workflow.command()
@source_argument
@click.option("--version", help="A model version. Default: the champion.")
@click.option(
    "--method",
    type=click.Choice(["cooccurrence", "predictions"]),
    default="cooccurrence",
    show_default=True,
    help="From how keys follow each other, or from what the key model predicts.",
)
@click.option("--number", type=click.IntRange(min=0), help="This one alone, where there are several tasks.")
@click.option("--svg", type=_FILE, help="Write the picture, which needs no other program.")
@click.option("--dot", type=_FILE, help="Write it for Graphviz.")
@click.option("--text", "in_words", is_flag=True, help="Words as well, where a file is written.")
def show(
    source_name: str,
    version: str | None,
    method: Literal["cooccurrence", "predictions"],
    number: int | None,
    svg: Path | None,
    dot: Path | None,
    in_words: bool,
) -> None:
    """The steps of a workflow and what follows each, in words; --svg and --dot write it as a picture."""
    from deeplog_ops.steps.workflow_rows import read_workflows
    from deeplog_ops.steps.workplace import Workplace
    from deeplog_ops.workflows import picture

    shown = read_workflows(Workplace.open(), source_name, version, method)
    if number is not None and number not in shown.workflows:
        raise click.BadParameter(
            f"there is no workflow {number}: there are {', '.join(map(str, shown.workflows))}",
            param_hint="--number",
        )
    chosen = {n: found for n, found in shown.workflows.items() if number in (None, n)}
    for path, draw in ((svg, picture.svg), (dot, picture.dot)):
        if path is None:
            continue
        for name, found in _files(path, chosen).items():
            name.write_text(draw(found, shown.texts), encoding="utf-8")
            click.echo(f"written to {name}")
    if in_words or (svg is None and dot is None):
        click.echo(
            f"version {shown.version} of {source_name}, by {method}: {counted(len(chosen), 'workflow')}"
        )
        for n, found in chosen.items():
            click.echo(f"\nworkflow {n}, of {counted(found.sessions, 'run')}")
            click.echo("\n".join(_told(found, shown.texts)))


@workflow.command()
@source_argument
@day_option("The first of the days to read. Default: the latest scored days.", "--first-day", required=False)
@click.option("--days", type=click.IntRange(min=1), default=7, show_default=True, help="How many days.")
def decode(source_name: str, first_day: date | None, days: int) -> None:
    """Find the champion's workflows anew in days that the lake has; tasks that interleave in a stream are told apart."""
    from deeplog_ops.steps.decode import decode as step
    from deeplog_ops.steps.workplace import Workplace

    click.echo(step(Workplace.open(), source_name, first_day, days).words)


def _files(path: Path, chosen: Mapping[int, Workflow]) -> dict[Path, Workflow]:
    """A file for each workflow: the one named, or one a number beside it."""
    if len(chosen) == 1:
        return {path: next(iter(chosen.values()))}
    return {path.with_stem(f"{path.stem}-{number}"): found for number, found in chosen.items()}


def _told(found: Workflow, texts: Mapping[str, str]) -> list[str]:
    """A line a step, and one a way on from it, the likeliest first."""
    names = {node.node_id: texts.get(node.key, node.key) or node.node_id for node in found.nodes}
    lines = []
    for node in found.nodes:
        ways = [edge for edge in found.edges if edge.source == node.node_id]
        if not ways:
            continue
        lines.append(f"  {node.node_id:>5}  {names[node.node_id]}  ({node.count:,})")
        for edge in sorted(ways, key=lambda edge: (-edge.probability, edge.target)):
            kind = edge.kind.replace("_", " ")
            share = f"{edge.probability:.0%}" if edge.probability >= 0.005 else "<1%"
            lines.append(f"           {share:>4}  {kind}: {names[edge.target]}  [{edge.target}]")
    return lines
