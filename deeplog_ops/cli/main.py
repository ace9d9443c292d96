"""`deeplog-ops`: the commands, and how an error becomes a message and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from typing import Any

import click

from deeplog_ops import __version__
from deeplog_ops.errors import DeeplogError

# name: (module, attribute, one line of help). Modules are imported when a command is used: help stays quick.
_COMMANDS = {
    "source": ("source", "source", "Your logs: add, check, list, rename, forget days, remove."),
    "run": ("run", "run", "Score a day, without Airflow."),
    "train": ("train", "train", "Train a model version, without Airflow."),
    "report": ("report", "report", "What was found on a day."),
    "incidents": ("incidents", "incidents", "What is going on: incidents of a day, and one in full."),
    "verdict": (
        "verdict",
        "verdict",
        "Say what is a false alarm, what is true, what to expect; take it back.",
    ),
    "doubts": ("doubts", "doubts", "What the training could not decide: groups of sessions to judge."),
    "feedback": ("feedback", "feedback", "Let the model learn what people called false alarms."),
    "workflow": ("workflow", "workflow", "What sessions do, step by step: in words, as a picture."),
    "deploy": ("deploy", "deploy", "Mark when the software that writes a source changed."),
    "models": ("models", "models", "Model versions: list, promote, revert."),
    "health": ("health", "health", "Whether the champion still fits the last days."),
    "parse": ("parse", "parse", "One file to events with template ids; needs no database."),
    "sequences": ("sequences", "sequences", "Events that are already keys: train, predict, evaluate."),
    "db": ("db", "db", "The platform's tables."),
    "up": ("local", "up", "Start the embedded PostgreSQL and Airflow."),
    "down": ("local", "down", "Stop what `up` started."),
    "status": ("local", "status", "What runs, and where."),
    "demo": ("local", "demo", "Two weeks of a sample source, from raw logs to anomalies."),
    "doctor": ("local", "doctor", "Check an installation, and say what to do."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"deeplog_ops.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="deeplog-ops")
@click.option("-v", "--verbose", is_flag=True, help="Log what is done, and the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, verbose: bool) -> None:
    """Finds anomalies in logs, day by day: raw files in, anomalies with their lines in Postgres out."""
    ctx.obj = {"verbose": verbose}
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )


def main(arguments: list[str] | None = None) -> Any:
    """Exit codes: 0 done; 1 unforeseen; 2 wrong usage; 3 and up as deeplog_ops.errors says; 130 interrupted."""
    try:
        return cli.main(arguments, prog_name="deeplog-ops", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except DeeplogError as error:
        if logging.getLogger().isEnabledFor(logging.INFO):
            logging.getLogger(__name__).exception("the error came from here")
        click.secho(f"{type(error).__name__}: {error}", fg="red", err=True)
        sys.exit(error.exit_code)
