"""The workflows of the champion from days in the lake (DeepLog, section 4): a step of its own, asked for by hand."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from deeplog_ops.db import feedback
from deeplog_ops.db import models as model_rows
from deeplog_ops.errors import MissingInput, ModelError
from deeplog_ops.steps.fit_workflows import Method, commonest, write_found
from deeplog_ops.steps.flagging import Flagging
from deeplog_ops.steps.lake_days import lake_days, latest_scored
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.workflows.discovery import by_cooccurrence
from deeplog_ops.workflows.graph import Workflow
from deeplog_ops.workflows.separate import separate

log = logging.getLogger(__name__)

MOST_EVENTS = 60_000  # of streams that tasks are told apart in: the first of the days
METHOD: Method = "cooccurrence"

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Decoded:
    """The workflows that were found and written, the version that they are of, and what they were found in."""

    version: str
    days: tuple[date, ...]
    workflows: tuple[Workflow, ...]
    words: str


def decode(place: Workplace, source_name: str, first: date | None = None, days: int = 7) -> Decoded:
    """Find the workflows anew in `days` scored days from `first` on, by default the latest, and write them.

    In sessions, without those that the champion flags or people know to be true; without session ids in the streams
    of events, whose tasks are told apart. ModelError without a champion, MissingInput where the lake has none of the
    days or nothing is found in them; then the rows stay as they were.
    """
    source = place.registered(source_name)
    champion = model_rows.champion(place.engine, source.key)
    if champion is None:
        raise ModelError(f"{source_name} has no champion whose workflows could be found: train first")
    version = place.registry.read(source.key, champion)
    wanted = (
        sorted(latest_scored(place, source.key, days))
        if first is None
        else [first + timedelta(days=number) for number in range(days)]
    )
    opened = list(lake_days(place, source.key, wanted))
    if not opened:
        raise MissingInput(
            f"the lake has none of the days asked for of {source_name} ({_named(wanted)}): run them again, "
            "`deeplog-ops run daily`"
        )
    read = tuple(each.run.day for each in opened)
    catalogue = Catalogue.from_rows(version.catalogue)
    if source.sessions.by in ("stream", "window"):
        found, of = _in_streams(opened, catalogue)
    else:
        found, of = _in_sessions(opened, catalogue, Flagging(version, source))
    if not found:
        raise MissingInput(f"no workflow was found in {of} of {source_name} on {_named(read)}")
    write_found(place, version, METHOD, found)
    many = "1 workflow" if len(found) == 1 else f"{len(found)} workflows"
    words = f"{many} found in {of} of {_named(read)}, written for version {champion}"
    log.info("%s: %s", source_name, words)
    return Decoded(champion, read, tuple(found), words)


def _in_sessions(
    opened: list[OpenRun], catalogue: Catalogue, champion: Flagging
) -> tuple[list[Workflow], str]:
    days = [each.run.day for each in opened]
    barred = feedback.kept_out(opened[0].place.engine, champion.source.key, min(days), max(days))
    counts: Counter[Keys] = Counter()
    for each in opened:
        known = [name for day, name in barred if day == each.run.day]
        columns = ["session", "keys", "judged"]
        for table in each.place.lake.read(each.partition("sessions"), columns=columns):
            frame = pl.from_arrow(table)
            assert isinstance(frame, pl.DataFrame)
            kept = frame.filter(pl.col("judged") & ~pl.col("session").is_in(known))
            for keys, sessions in kept.group_by("keys").agg(pl.len()).iter_rows():
                counts[tuple(map(catalogue.resolve, keys))] += sessions
    sequences = sorted(counts)
    normal = [sequences[row] for row in np.flatnonzero(~champion.sequences(sequences))]
    chosen, weights = commonest(normal, [counts[keys] for keys in normal])
    return ([by_cooccurrence(chosen, weights)] if chosen else []), f"{sum(weights):,} sessions"


def _in_streams(opened: list[OpenRun], catalogue: Catalogue) -> tuple[list[Workflow], str]:
    """Days on end are one stream: each midnight between them would cut through what runs then."""
    streams: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    number, before, left = 0, None, MOST_EVENTS
    for each in opened:
        number += before is not None and each.run.day - before > timedelta(days=1)
        before = each.run.day
        for name, keys in _streams(each):
            some = keys[:left]
            streams[name, number] += map(catalogue.resolve, some)
            left -= len(some)
    separation = separate([streams[name] for name in sorted(streams)])
    of = f"{MOST_EVENTS - left:,} events, {sum(len(task.runs) for task in separation.tasks):,} runs of tasks,"
    return [task.workflow for task in separation.tasks], of


def _streams(opened: OpenRun) -> Iterator[tuple[str, list[str]]]:
    """The keys of a day by stream, in the order in which they were written."""
    columns = ["session", "key", "time"]
    frames = [
        pl.from_arrow(table) for table in opened.place.lake.read(opened.partition("events"), columns=columns)
    ]
    events = pl.concat([frame for frame in frames if isinstance(frame, pl.DataFrame)])
    inside = pl.col("time").is_between(opened.bounds.start, opened.bounds.end, closed="left")
    own = events.filter(pl.col("session").is_not_null() & (inside | pl.col("time").is_null()))
    ordered = own.sort("time", nulls_last=False, maintain_order=True)
    for (name,), part in ordered.group_by("session", maintain_order=True):
        yield str(name), part["key"].to_list()


def _named(days: list[date] | tuple[date, ...]) -> str:
    if not days:
        return "no day was scored yet"
    return str(days[0]) if len(days) == 1 else f"{min(days)} to {max(days)}"
