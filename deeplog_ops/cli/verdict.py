"""`deeplog-ops verdict`: what people say of what was found."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import click

from deeplog_ops.cli.options import Day, counted, json_option, source_argument

if TYPE_CHECKING:
    from deeplog_ops.db.verdicts import Verdict
    from deeplog_ops.steps.say import Said


@click.group()
def verdict() -> None:
    """What people say: false positive, true positive, expected until a day, mute. docs/verdicts.md says what each does."""


@verdict.command()
@source_argument
@click.option("--anomaly", metavar="ID", help="About one anomaly: its id, or the beginning of it.")
@click.option(
    "--incident",
    metavar="ID",
    help="About an incident on whatever day: an id or a fingerprint, or the beginning of it.",
)
@click.option(
    "--template",
    metavar="ID",
    help="About all whose worst event is of this template, or of one merged with it.",
)
@click.option(
    "--session",
    metavar="PATTERN",
    help="About sessions by their whole name: * is anything, ? one character; or re: and a regular expression.",
)
@click.option(
    "--doubt",
    metavar="ID",
    help="About the sessions of a training that it is in doubt of: an id of `deeplog-ops doubts`, or its beginning.",
)
@click.option(
    "--false-positive", "kind", flag_value="false_positive", help="It is normal, and learnt for good."
)
@click.option(
    "--true-positive", "kind", flag_value="true_positive", help="It is real, and kept out of training."
)
@click.option("--expected", "kind", flag_value="expected", help="Known, and over after --until.")
@click.option("--mute", "kind", flag_value="mute", help="Not to be shown; nothing is learnt from it.")
@click.option("--until", type=Day(), help="The last day that it holds for; with --expected and --mute.")
@click.option("--note", default="", help="Why. Kept with it.")
@json_option
def add(
    source_name: str,
    anomaly: str | None,
    incident: str | None,
    template: str | None,
    session: str | None,
    doubt: str | None,
    kind: str | None,
    until: date | None,
    note: str,
    as_json: bool,
) -> None:
    """Say something of one anomaly, of incidents, of a template, of sessions, or of what a training is in doubt of. It
    counts at once, on past days too; the answer to a doubt, with the next training."""
    given = {
        "anomaly": anomaly,
        "incident": incident,
        "template": template,
        "session": session,
        "doubt": doubt,
    }
    if sum(value is not None for value in given.values()) != 1:
        raise click.UsageError("say of what: one of --anomaly, --incident, --template, --session and --doubt")
    if kind is None:
        raise click.UsageError("say what: one of --false-positive, --true-positive, --expected and --mute")
    if kind == "expected" and until is None:
        raise click.UsageError("--expected needs --until: what is always so is a --false-positive")
    if doubt is not None and kind in ("expected", "mute"):
        raise click.UsageError(
            "a doubt is answered by --true-positive (it is real) or --false-positive (it is normal)"
        )
    if until is not None and kind not in ("expected", "mute"):
        raise click.UsageError(
            f"--until goes with --expected and --mute: a {kind.replace('_', ' ')} is for good"
        )
    from deeplog_ops.db.verdicts import VerdictKind
    from deeplog_ops.steps.say import say_verdict, subject_of
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    subject = subject_of(place, source_name, **given)
    said = say_verdict(
        place, source_name, VerdictKind(kind), subject, who=getpass.getuser(), note=note, until=until
    )
    if as_json:
        click.echo(json.dumps(asdict(said), default=str, indent=2))
        return
    click.echo(_told(said, until))


def _told(said: Said, until: date | None) -> str:
    lines = [f"verdict {said.verdict_id}: {said.subject.named}: {said.kind.replace('_', ' ')}"]
    if until is not None:
        lines[0] += f" until {until}"
    if said.subject.scope == "doubt":
        return "\n".join([*lines, *_answered(said)])
    number = "1 published anomaly" if said.anomalies == 1 else f"{said.anomalies:,} published anomalies"
    lines.append(
        f"It speaks of {number}" + (", hidden from now on." if said.kind.hides else ", which stay shown.")
    )
    if said.kind == "false_positive" and said.kept:
        lines.append(f"Kept for training, for good: {counted(said.kept, 'session')}.")
    if said.kind == "true_positive" and said.kept + len(said.gone):
        lines.append(f"Kept out of training: {counted(said.kept + len(said.gone), 'session')}.")
    if said.kind == "false_positive" and said.gone:
        which = ", ".join(f"{session} of {day}" for day, session in said.gone[:3])
        more = f" and {len(said.gone) - 3:,} more" if len(said.gone) > 3 else ""
        lines.append(
            f"The lines of {which}{more} are gone from the lake, so training cannot learn this: it is hidden here, "
            "and another like it would be found again. Run the day again while its raw files are there: then the next "
            "training learns it."
        )
    if said.beyond:
        lines.append(f"{counted(said.beyond, 'session')} more are alike, and left out for their number.")
    if said.kind == "false_positive" and said.rates:
        lines.append(
            f"Training and the next update learn {counted(said.rates, 'odd rate')}: so many at that time of day are normal."
        )
    for rule, template_id in said.rules:
        lines.append(f"Rule {rule} is no longer shown for template {template_id} (bi.rule_suppressions).")
    if said.sessionless and not said.rates and not said.rules:
        lines.append("What it speaks of has no session, so training learns nothing from it.")
    lines.append(f"To take it back: deeplog-ops verdict withdraw {said.verdict_id}")
    return "\n".join(lines)


def _answered(said: Said) -> list[str]:
    sequences = counted(said.kept, "sequence")
    if said.gone and said.kind == "true_positive":
        told = "The lines are gone from the lake: the example is left out of training, what is like it is asked again."
    elif said.gone:
        told = "The lines are gone from the lake, so training cannot learn this: the next one asks again."
    elif said.kind == "true_positive":
        told = f"The next training leaves out these sessions ({sequences}) and what is like them."
    else:
        told = "The next training takes the example for normal, and asks about its like no more."
    if said.beyond:
        told += f" {counted(said.beyond, 'sequence')} more are left out for their number."
    return [told, f"To take it back: deeplog-ops verdict withdraw {said.verdict_id}"]


@verdict.command("list")
@click.argument("source_name", metavar="[SOURCE]", required=False)
@click.option("--all", "everything", is_flag=True, help="Those that were taken back, too.")
@json_option
def list_verdicts(source_name: str | None, everything: bool, as_json: bool) -> None:
    """What was said of a source, or of all, the latest first."""
    from deeplog_ops.db.verdicts import verdicts
    from deeplog_ops.steps.workplace import Workplace

    place = Workplace.open()
    key = place.registered(source_name).key if source_name else None
    found = verdicts(place.engine, key, withdrawn=everything)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in found], default=str, indent=2, ensure_ascii=False))
        return
    if not found:
        click.echo("nothing was said yet: `deeplog-ops verdict add --help`")
        return
    for row in found:
        _line(row)


def _line(row: Verdict) -> None:
    until = f" until {row.until}" if row.until else ""
    state = "" if row.state == "holds" else f" ({row.state})"
    click.secho(f"{row.verdict_id:>4}  {row.source}  ", nl=False)
    click.secho(f"{row.kind.replace('_', ' ')}{until}{state}", bold=True, nl=False)
    click.echo(f"  {row.subject.named}" + (f"  {row.template}" if row.template else ""))
    note = f": {row.note}" if row.note else ""
    kept = f"; {counted(row.sessions_kept, 'session')} kept for training" if row.sessions_kept else ""
    click.echo(f"      {row.who}, {row.created_at:%Y-%m-%d %H:%M} UTC{note}{kept}")


@verdict.command()
@click.argument("verdict_id", metavar="ID", type=int)
def withdraw(verdict_id: int) -> None:
    """Take a verdict back: what it hid is shown again, and training learns without it from now on."""
    from deeplog_ops.db.verdicts import withdraw as take_back
    from deeplog_ops.steps.workplace import Workplace

    gone = take_back(Workplace.open().engine, verdict_id, who=getpass.getuser())
    said = gone.kind.replace("_", " ")
    click.echo(f"verdict {verdict_id} of {gone.source} is withdrawn: {said}, {gone.subject.named}")
    if gone.sessions_kept:
        click.echo(
            "Versions that were trained with it keep what they learnt: the next training learns without it, "
            f"`deeplog-ops models revert --source {gone.source}` goes back at once."
        )
