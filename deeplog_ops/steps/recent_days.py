"""Recent days judged by two versions: which sessions one of them flags and the other does not."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from deeplog_ops.db import learning
from deeplog_ops.db.learning import Spoken
from deeplog_ops.errors import LakeError
from deeplog_ops.models.value_scoring import Found
from deeplog_ops.steps.fit_values import PART as VALUES
from deeplog_ops.steps.flagging import Flagging
from deeplog_ops.steps.lake_days import lake_days, latest_scored
from deeplog_ops.steps.stage import OpenRun
from deeplog_ops.steps.value_events import parameter_series
from deeplog_ops.steps.vouched_values import changed_keys, rare_values
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.templates.catalogue import Catalogue

log = logging.getLogger(__name__)

RECENT_DAYS = 7

Keys = tuple[str, ...]
Session = tuple[date, str]


@dataclass
class Compared:
    """Sessions of recent days. `passed` and `flagged` count those that the champion lets pass and flags, and of which
    nobody said that they are to be hidden; `risen` of the former the new version flags, `lost` of the latter it does
    not: by their day and name, with what the session wrote."""

    days: list[date] = field(default_factory=list)
    passed: int = 0
    flagged: int = 0
    risen: int = 0
    lost: dict[Session, Keys] = field(default_factory=dict)
    spoken: list[Spoken] = field(default_factory=list)


def compare(place: Workplace, champion: Flagging, new: Flagging) -> Compared:
    """The latest RECENT_DAYS that were scored and that the lake has still."""
    key = champion.source.key
    compared = Compared()
    latest = latest_scored(place, key, RECENT_DAYS)
    compared.spoken = learning.spoken_of(place.engine, key, latest)
    for opened in lake_days(place, key, latest):
        try:
            _add(compared, opened, champion, new)
        except LakeError as error:
            log.warning("%s %s is not among the days compared: %s", key, opened.run.day, error)
            continue
        compared.days.append(opened.run.day)
    return compared


def _add(compared: Compared, opened: OpenRun, champion: Flagging, new: Flagging) -> None:
    day = opened.run.day
    about = [spoken for spoken in compared.spoken if spoken.day == day]
    hidden = {spoken.session for spoken in about if not spoken.shown}
    judged = {spoken.session for spoken in about if spoken.verdict is not None}
    resolve = Catalogue.from_rows(new.version.catalogue).resolve
    shown: Counter[Keys] = Counter()
    silent: Counter[Keys] = Counter()  # of these the sessions of which nobody said anything
    for frame in _sessions(opened):
        for keys, sessions, said in (
            frame.filter(~pl.col("session").is_in(list(hidden)))
            .group_by("keys")
            .agg(pl.len(), pl.col("session").is_in(list(judged)).sum())
            .iter_rows()
        ):
            sequence = tuple(map(resolve, keys))
            shown[sequence] += sessions
            silent[sequence] += sessions - said
    sequences = sorted(shown)
    before, after = champion.sequences(sequences), new.sequences(sequences)
    compared.passed += sum(silent[sequences[row]] for row in np.flatnonzero(~before))
    compared.risen += sum(silent[sequences[row]] for row in np.flatnonzero(~before & after))
    compared.flagged += sum(shown[sequences[row]] for row in np.flatnonzero(before))
    lost = {sequences[row] for row in np.flatnonzero(before & ~after)}
    if lost:
        for frame in _sessions(opened):
            for name, keys in frame.select("session", "keys").iter_rows():
                sequence = tuple(map(resolve, keys))
                if name not in hidden and sequence in lost:
                    compared.lost[day, name] = sequence
    _add_values(compared, opened, champion, new, hidden)


def _add_values(
    compared: Compared, opened: OpenRun, champion: Flagging, new: Flagging, hidden: set[str]
) -> None:
    """What the value models say of the templates of which they say something else now."""
    before, after = champion.version.part(VALUES), new.version.part(VALUES)
    keys = changed_keys(before, after)
    settings = new.source.detection.values
    if not keys or before is None or after is None or not settings.enabled:
        return
    resolve = Catalogue.from_rows(new.version.catalogue).resolve
    old = _names(rare_values(before, settings, parameter_series(opened, resolve), keys)) - hidden
    still = _names(rare_values(after, settings, parameter_series(opened, resolve), keys))
    compared.flagged += len(old)
    compared.risen += len(still - old - hidden)
    for name in sorted(old - still):
        compared.lost.setdefault((opened.run.day, name), ())


def _names(found: list[Found]) -> set[str]:
    return {name for each in found for name in each.rows["session"].drop_nulls().to_list()}


def _sessions(opened: OpenRun) -> Iterator[pl.DataFrame]:
    """The judged sessions of a day, many at a time: session, keys."""
    for table in opened.place.lake.read(opened.partition("sessions"), columns=["session", "keys", "judged"]):
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        yield frame.filter("judged").select("session", "keys")
