"""Options that several commands share, and how long work shows itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

errors_console = Console(stderr=True)


class Day(click.ParamType):
    """YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day: write YYYY-MM-DD, such as 2026-11-07", param, ctx)


source_option = click.option("--source", "-s", "source_name", required=True, help="The source's name.")
source_argument = click.argument("source_name", metavar="SOURCE")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def day_option(text: str, *names: str, required: bool = True) -> Callable[[Any], Any]:
    return click.option(*(names or ("--day", "-d", "day")), type=Day(), required=required, help=text)


def counted(number: int, noun: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


@contextmanager
def working(title: str) -> Iterator[tuple[Callable[[str], None], Callable[[str, int, int], None]]]:
    """A bar on the terminal's error stream: `say(stage)` names the stage, `progress(what, number, total)` moves it."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # into a file a bar that goes away writes nothing but an empty line
    hidden = not errors_console.is_terminal
    with Progress(*columns, console=errors_console, transient=True, disable=hidden) as bar:
        task = bar.add_task(title, total=None)

        def say(stage: str) -> None:
            bar.update(task, description=f"{title}: {stage}", total=None, completed=0)

        def progress(_: str, number: int, total: int) -> None:
            bar.update(task, total=total, completed=number)

        yield say, progress
