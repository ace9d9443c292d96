"""`deeplog-ops sequences`: for those whose events are keys already."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from deeplog_ops.cli.options import counted, working
from deeplog_ops.cli.sequence_options import (
    Reading,
    budget_option,
    model_options,
    normal_sessions,
    reading_options,
    say_short_history,
    say_varied,
)
from deeplog_ops.cli.sequences_evaluate import evaluate
from deeplog_ops.config import Detection

if TYPE_CHECKING:
    from deeplog_ops.config import KeyModelSettings
    from deeplog_ops.keyed.findings import Finding, Report

INPUT = click.Path(path_type=Path)
OUTPUT = click.Path(path_type=Path, dir_okay=False, writable=True)
KEYS_SHOWN = 10
LEAST_SESSIONS = Detection().least_sessions


def _in_a_folder(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """What cannot be written is said before all sessions were judged."""
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(
            f"{path.parent} is no folder: one that is there is expected", context, option
        )
    return path


@click.group()
def sequences() -> None:
    """Train, predict and evaluate on events that are already keys; needs no source and no database.

    FILES may be plain or .gz .bz2 .xz .zst: CSV with timestamp,event,machine[,label] or session,keys[,label], text
    with one sequence a line, NDJSON or JSON of the same.
    """


sequences.add_command(evaluate)


@sequences.command()
@click.argument("files", type=INPUT, nargs=-1, required=True)
@click.option(
    "--save",
    "-s",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="A new folder, or one of an earlier `train`, for the detector.",
)
@budget_option
@model_options
@reading_options
def train(
    files: tuple[Path, ...], folder: Path, budget: float, settings: KeyModelSettings, reading: Reading
) -> None:
    """Learn what is normal from the sessions of FILES; those labelled anomalous are kept out."""
    from deeplog_ops.detection.session_detector import SessionDetector
    from deeplog_ops.keyed.saved import check_folder, save_detector

    check_folder(folder)
    sessions = reading.read(*files)
    normal = normal_sessions(sessions, *files)
    with working("training") as (_, progress):
        detector = SessionDetector.fit(
            normal.keys,
            None,
            settings,
            Detection(false_alarms=budget),
            progress=lambda loss, most: progress("", loss.epoch, most),
        )
    save_detector(detector, reading.to_dict(), folder)
    left_out = len(sessions) - len(normal)
    click.echo(
        f"{counted(len(normal), 'session')} with {counted(len(set(normal.keys)), 'distinct sequence')} learnt"
        + (f", {left_out:,} labelled anomalous kept out" if left_out else "")
        + f"; saved to {folder}"
    )
    if detector.warming_up:
        say_short_history(len(normal), LEAST_SESSIONS)
    say_varied(detector.evidence)


@sequences.command()
@click.argument("files", type=INPUT, nargs=-1, required=True)
@click.option("--load", "-l", "folder", type=INPUT, required=True, help="The folder that `train` saved to.")
@click.option(
    "--budget",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of normal sessions that may be flagged. Default: that of the training.",
)
@click.option(
    "--top",
    "-k",
    type=click.IntRange(min=1),
    default=9,
    show_default=True,
    help="The report counts a key as predicted when it is among so many likeliest.",
)
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["table", "csv", "ndjson"]),
    default="table",
    show_default=True,
)
@click.option(
    "--out",
    "-o",
    type=OUTPUT,
    callback=_in_a_folder,
    help="A file for the anomalies. Default: standard output.",
)
@click.option(
    "--report",
    "report_file",
    type=OUTPUT,
    callback=_in_a_folder,
    help="A file for the whole report as JSON.",
)
@click.option(
    "--device",
    "-d",
    type=click.Choice(["cpu", "cuda", "auto"]),
    default="auto",
    show_default=True,
    help="`auto` takes a GPU where there is one.",
)
@reading_options
def predict(
    files: tuple[Path, ...],
    folder: Path,
    budget: float | None,
    top: int,
    form: str,
    out: Path | None,
    report_file: Path | None,
    device: str,
    reading: Reading,
) -> None:
    """The anomalous sessions of FILES, one a row, the worst first; and a report, against labels where there are any."""
    from deeplog_ops.keyed.findings import findings
    from deeplog_ops.keyed.findings import report as report_of
    from deeplog_ops.keyed.saved import load_detector

    detector, saved_reading = load_detector(folder, device)
    sessions = reading.over(saved_reading).read(*files)
    with working("judging"):
        p_values, flagged = detector.p_values(sessions.keys, budget), detector.flag(sessions.keys, budget)
        found = findings(sessions, detector, p_values, flagged, budget)
        told = report_of(sessions, detector.key_model, p_values, flagged, top)
    with _opened(out) as target:
        _write(found, form, target)
    if report_file is not None:
        with _opened(report_file) as target:
            target.write(json.dumps(told.to_dict(), indent=2, ensure_ascii=False) + "\n")
    _tell(told, to_errors=form != "table" and out is None)
    if detector.warming_up:
        say_short_history(detector.training_sessions, LEAST_SESSIONS)


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):  # where a terminal cannot show a key, its code is shown
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


def _write(found: Sequence[Finding], form: str, target: TextIO) -> None:
    from deeplog_ops.keyed.findings import COLUMNS

    if form == "ndjson":
        for finding in found:
            target.write(json.dumps(finding.to_dict(), ensure_ascii=False) + "\n")
    elif form == "csv":
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(finding.cells() for finding in found)
    else:
        for finding in found:
            label = (
                "" if finding.label is None else f", labelled {'anomalous' if finding.label else 'normal'}"
            )
            target.write(
                f"{finding.session}: p = {finding.p_value:.1e}, {counted(finding.events, 'event')}, worst at "
                f"{finding.worst}{label}\n  {finding.reason}\n"
            )


def _tell(report: Report, to_errors: bool) -> None:
    """The report, beside the rows: where those are for a program, on the error stream."""

    def say(text: str) -> None:
        click.echo(text, err=to_errors)

    say(f"{report.flagged:,} of {counted(report.sessions, 'session')} anomalous")
    for title, counts in (("verdict", report.verdict), (f"top-{report.top} rule", report.rank_rule)):
        if counts is not None:
            say(
                f"{title}: precision {counts.precision:.4f}, recall {counts.recall:.4f}, F1 {counts.f1:.4f} "
                f"(tp {counts.tp:,.0f}, fp {counts.fp:,.0f}, fn {counts.fn:,.0f}, tn {counts.tn:,.0f})"
            )
    say(f"{report.hit_rate:.2%} of keys were among the {report.top} likeliest")
    missed = [key for key in report.keys if key.hits < key.events]
    for key in missed[:KEYS_SHOWN]:
        say(f"  {key.key or '(end)'}: {key.hits:,} of {key.events:,}, surprise {key.surprise:.1f} nats")
    if len(missed) > KEYS_SHOWN:
        say(f"  … and {len(missed) - KEYS_SHOWN} keys more")
