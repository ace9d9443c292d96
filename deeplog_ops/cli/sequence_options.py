"""Options that the commands of `sequences` share: those of the `deeplog` package, and how files are read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deeplog_ops.cli.options import counted, errors_console
from deeplog_ops.config import Detection, KeyModelSettings
from deeplog_ops.errors import InputError
from deeplog_ops.keyed.forms import FORMS, TIMEOUT

if TYPE_CHECKING:
    from deeplog_ops.detection.session_evidence import SessionEvidence
    from deeplog_ops.keyed.forms import Form
    from deeplog_ops.keyed.sessions import KeyedSessions

_MODEL = KeyModelSettings()
VARIED = 0.02  # of the training sessions flagged: less is said of nothing


class Seconds(click.ParamType):
    """A number of seconds, or a duration."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        number, unit = value.strip()[:-1], value.strip()[-1:]
        try:
            seconds = (
                float(value)
                if unit.isdigit()
                else float(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
            )
        except (ValueError, KeyError):
            seconds = -1.0
        if not 0 < seconds < float("inf"):
            self.fail(f"{value!r}: seconds are expected, or a duration such as 90m, 24h or 7d", param, ctx)
        return seconds


@dataclass(frozen=True)
class Reading:
    """How files of keys become sessions."""

    form: Form | None
    nrows: int | None
    timeout: float | None
    window: float | None
    step: float | None

    def to_dict(self) -> dict[str, Any]:
        """What decides which events are a session: kept with what was learnt."""
        return {"timeout": self.timeout, "window": self.window, "step": self.step}

    def over(self, saved: Mapping[str, Any]) -> Reading:
        """As it was when the detector was trained, but for what was asked for now."""
        given = {name: value for name, value in self.to_dict().items() if value is not None}
        return replace(self, **{"timeout": TIMEOUT, **saved, **given})

    def read(self, *paths: Path) -> KeyedSessions:
        """The sessions of all files, one after the other."""
        from deeplog_ops.keyed.readers import read_sessions
        from deeplog_ops.keyed.sessions import KeyedSessions

        read = KeyedSessions.joined(
            [
                read_sessions(
                    path,
                    self.form,
                    self.nrows,
                    timeout=TIMEOUT if self.timeout is None else self.timeout,
                    window=self.window,
                    step=self.step,
                )
                for path in paths
            ]
        )
        if read.hardly_keys:
            errors_console.print(
                f"{_named(paths)}: so many distinct keys look like raw log lines; "
                "`deeplog-ops parse` gives lines their keys",
                style="yellow",
                soft_wrap=True,
                markup=False,
            )
        return read


def normal_sessions(read: KeyedSessions, *paths: Path) -> KeyedSessions:
    """Those to learn from. InputError where there are none."""
    normal = read.where(~read.anomalous)
    if not len(normal):
        labelled = f" but {counted(len(read), 'session')} labelled anomalous" if len(read) else ""
        raise InputError(f"{_named(paths)}: nothing to learn from{labelled}: normal sessions are expected")
    return normal


def tested_sessions(read: KeyedSessions, anomalous: bool, *paths: Path) -> KeyedSessions:
    """Those to test on: what the files were said to hold counts, and what labels say otherwise is told.

    InputError where there are none: without any of a kind no figure means anything.
    """
    kind, other = ("abnormal", "normal") if anomalous else ("normal", "anomalous")
    if not len(read):
        raise InputError(f"{_named(paths)}: no session to test on: {kind} ones are expected")
    otherwise = int((read.anomalous != anomalous).sum()) if read.labels is not None else 0
    if otherwise:
        errors_console.print(
            f"{_named(paths)}: {otherwise:,} of {counted(len(read), 'session')} labelled {other}; here all count "
            f"as {kind}",
            style="yellow",
            soft_wrap=True,
            markup=False,
        )
    return read


def _named(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))


budget_option = click.option(
    "--budget",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=Detection().false_alarms,
    show_default=True,
    help="Share of normal sessions that may be flagged.",
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives the command a `reading`."""

    @functools.wraps(command)
    def wrapped(
        input_format: str,
        nrows: int | None,
        timeout: float | None,
        window: float | None,
        step: float | None,
        **rest: Any,
    ) -> Any:
        form: Any = None if input_format == "auto" else input_format
        return command(reading=Reading(form, nrows, timeout, window, step), **rest)

    for option in reversed(
        [
            click.option(
                "--input-format",
                type=click.Choice(["auto", *FORMS]),
                default="auto",
                show_default=True,
                help="What the files hold, where their content does not say it.",
            ),
            click.option(
                "--nrows",
                type=click.IntRange(min=0),
                help="Read so many rows, lines or entries of each file.",
            ),
            click.option(
                "--timeout",
                type=Seconds(),
                help="A machine that is silent for longer begins a new session; for events with times. Default: that of the training, or 1d.",
            ),
            click.option(
                "--window",
                type=Seconds(),
                help="Take stretches of time of this width, such as 24h, as sessions instead of machines.",
            ),
            click.option(
                "--step", type=Seconds(), help="A stretch begins every so often. Default: the width."
            ),
        ]
    ):
        wrapped = option(wrapped)
    return wrapped


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives the command `settings` of the key model."""

    @functools.wraps(command)
    def wrapped(
        length: int,
        hidden: int,
        input_size: int,
        layers: int,
        batch_size: int,
        epochs: int,
        device: str,
        seed: int,
        **rest: Any,
    ) -> Any:
        settings = KeyModelSettings(
            history=length,
            hidden=hidden,
            embedding=input_size,
            layers=layers,
            batch_size=batch_size,
            epochs=epochs,
            device=device,  # type: ignore[arg-type]
            seed=seed,
        )
        return command(settings=settings, **rest)

    number = functools.partial(click.option, show_default=True)
    least = click.IntRange(min=1)
    for option in reversed(
        [
            number(
                "--length",
                type=click.IntRange(1, 200),
                default=_MODEL.history,
                help="Keys before it that the next is predicted from.",
            ),
            number("--hidden", type=least, default=_MODEL.hidden, help="Width of the LSTM."),
            number(
                "--input",
                "-i",
                "input_size",
                type=least,
                default=_MODEL.embedding,
                help="Numbers that stand for a key.",
            ),
            number("--layers", "-l", type=least, default=_MODEL.layers, help="Layers of the LSTM."),
            number(
                "--batch-size",
                "-b",
                type=least,
                default=_MODEL.batch_size,
                help="Windows at once in training.",
            ),
            number("--epochs", "-e", type=least, default=_MODEL.epochs, help="At most so many."),
            number(
                "--device",
                "-d",
                type=click.Choice(["cpu", "cuda", "auto"]),
                default=_MODEL.device,
                help="`auto` takes a GPU where there is one.",
            ),
            number(
                "--seed",
                type=click.IntRange(min=0),
                default=_MODEL.seed,
                help="Equal input and seed give equal results.",
            ),
        ]
    ):
        wrapped = option(wrapped)
    return wrapped


def say_short_history(training_sessions: int, least: int) -> None:
    errors_console.print(
        f"history too short: {counted(training_sessions, 'training session')}, at least {least} are needed to "
        "promise a rate of false alarms",
        style="yellow",
        soft_wrap=True,
    )


def say_varied(evidence: SessionEvidence) -> None:
    """Where sessions differ from each other so much that a budget cannot hold, or that little can be odd."""
    if not evidence.capped:
        said = (
            "many of these sessions are like no other: only what is odder than nearly all of them is flagged"
            + (", and keys that they do not have" if evidence.new_keys_tell else "")
        )
    elif evidence.training_alarms > max(VARIED, 10 * evidence.budget):
        said = (
            f"{evidence.training_alarms:.1%} of these sessions would be flagged if they were new, though the budget "
            f"is {evidence.budget:.2%}"
        )
    else:
        return
    errors_console.print(
        f"{said}; more sessions, or fewer distinct keys, would show what is usual",
        style="yellow",
        soft_wrap=True,
    )
