"""`deeplog-ops sequences evaluate`: detectors side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deeplog_ops.cli.options import json_option, working
from deeplog_ops.cli.sequence_options import (
    Reading,
    budget_option,
    model_options,
    normal_sessions,
    reading_options,
    say_short_history,
    tested_sessions,
)

if TYPE_CHECKING:
    from deeplog_ops.config import KeyModelSettings
    from deeplog_ops.evaluation.session_evaluation import Comparison

INPUT = click.Path(path_type=Path)


@click.command()
@click.option(
    "--train",
    "-t",
    "train_files",
    type=INPUT,
    required=True,
    multiple=True,
    help="Training sessions, one file or several. Those labelled anomalous are kept out, and taught to detectors that learn from verdicts.",
)
@click.option(
    "--normal",
    "-n",
    "normal_files",
    type=INPUT,
    required=True,
    multiple=True,
    help="Normal sessions to test on.",
)
@click.option(
    "--abnormal",
    "-a",
    "abnormal_files",
    type=INPUT,
    required=True,
    multiple=True,
    help="Abnormal sessions to test on: opened when every threshold stands.",
)
@click.option(
    "--detectors",
    "names",
    default="all",
    show_default=True,
    help="Names with commas between, `all` or `none`; the default verdict always is.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Detectors with chance in them are fitted with so many seeds; means are shown.",
)
@budget_option
@model_options
@reading_options
@json_option
def evaluate(
    train_files: tuple[Path, ...],
    normal_files: tuple[Path, ...],
    abnormal_files: tuple[Path, ...],
    names: str,
    seeds: int,
    budget: float,
    settings: KeyModelSettings,
    reading: Reading,
    as_json: bool,
) -> None:
    """Compare detectors and the default verdict: precision, recall, F1 and AUC of each.

    Every threshold is set on the training sessions alone, for the budget of false alarms, before an abnormal session
    is read. Sessions count one by one. Beside the figures stand the score of flagging everything, and the ceiling: the
    best F1 that a verdict by the sequence alone can reach, where equal sequences are both normal and abnormal.
    """
    from deeplog_ops.config import Detection
    from deeplog_ops.evaluation.judges import candidates, default_verdict
    from deeplog_ops.evaluation.session_evaluation import compare

    detection = Detection(false_alarms=budget)
    chosen = _detectors(names)
    train = reading.read(*train_files)
    normal = normal_sessions(train, *train_files)
    tested = tested_sessions(reading.read(*normal_files), False, *normal_files)

    def open_abnormals() -> Sequence[tuple[str, ...]]:
        return tested_sessions(reading.read(*abnormal_files), True, *abnormal_files).keys

    with working("evaluating") as (say, _):
        result = compare(
            normal.keys,
            tested.keys,
            open_abnormals,
            default_verdict(budget),
            candidates(chosen, train.where(train.anomalous).keys, settings, budget),
            seeds=range(settings.seed, settings.seed + seeds),
            say=say,
        )
    if as_json:
        click.echo(json.dumps(result.to_dict(detection.least_sessions), indent=2))
    else:
        _print(result, seeds)
    if result.training_sessions < detection.least_sessions:
        say_short_history(result.training_sessions, detection.least_sessions)


def _detectors(names: str) -> list[str]:
    from deeplog_ops.models.detectors import DETECTORS

    if names in ("all", "none"):
        return list(DETECTORS) if names == "all" else []
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in DETECTORS]
    if unknown:
        raise click.BadParameter(
            f"{', '.join(unknown)}: known are {', '.join(DETECTORS)}, all and none", param_hint="--detectors"
        )
    return list(dict.fromkeys(chosen))


def _print(result: Comparison, seeds: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("detector", no_wrap=True)
    for heading in ("precision", "recall", "F1", "AUC", "false alarms", "missed", "seconds"):
        table.add_column(heading, justify="right", min_width=6)
    for name in result.outcomes:
        found = result.mean(name)
        table.add_row(
            name,
            *(f"{found[figure]:.4f}" for figure in ("precision", "recall", "f1", "auc")),
            *(f"{found[figure]:,.4g}" if seeds > 1 else f"{found[figure]:,}" for figure in ("fp", "fn")),
            f"{result.seconds[name]:.1f}",
            style="bold" if name == result.default else None,
            end_section=name == result.default,
        )
    Console().print(table)
    click.echo(
        f"ceiling (best F1 by the sequence alone) {result.ceiling:.4f}, flagging everything {result.flag_all:.4f}"
    )
