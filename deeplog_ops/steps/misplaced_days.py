"""Published days whose lines lie elsewhere as the source is read now: a year, zone or format was set right since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pydantic import ValidationError

from deeplog_ops.config import SourceConfig
from deeplog_ops.db import ledger
from deeplog_ops.db.published_days import PublishedDay, forget_days, published_days
from deeplog_ops.errors import DatabaseError
from deeplog_ops.records import DayBounds, RawFile
from deeplog_ops.steps.duplicates import mark_duplicates
from deeplog_ops.steps.find_files import holds_lines_of, reading_of_times, survey
from deeplog_ops.steps.workplace import Workplace

_BACK = timedelta(days=1)


@dataclass(frozen=True)
class MisplacedDays:
    """`gone`: all files that a day was read from are there, and none has a line of it. `otherwise`: files have lines of it,
    but it was published with another year, zone or format. A day whose files are gone is in neither: nothing speaks
    against it."""

    gone: tuple[date, ...]
    otherwise: tuple[date, ...]


def misplaced_days(place: Workplace, source_name: str) -> MisplacedDays:
    """What of the published days the raw files that are there contradict.

    Of a file that was not read to its end as it is read now only the first time of its head is known; until the days
    where its lines are now were run, it may still have lines from the day before that up to its last change. Such days
    are said to be read otherwise.
    """
    source = place.registered(source_name)
    files = _files(place, source)
    there = {file.file_id for file in files}
    now = reading_of_times(source)
    gone, otherwise = [], []
    for published in published_days(place.engine, source.key):
        if not published.file_ids or not published.file_ids <= there:
            continue
        if _held(files, published, source) is None:
            gone.append(published.day)
        elif _read_with(published) not in (None, now):
            otherwise.append(published.day)
    return MisplacedDays(tuple(gone), tuple(otherwise))


def forget(place: Workplace, source_name: str, days: Sequence[date]) -> dict[date, int]:
    """Take published days away; of each how many rows. Refuses, and deletes nothing, where a raw file has lines of one of
    them: such a day is run again; and where no raw file is there to say so. DatabaseError."""
    source = place.registered(source_name)
    files = _files(place, source)
    if not files:
        raise DatabaseError(
            f"no raw file of {source_name} is found, so none can speak for its days: is its folder or bucket there? "
            f"`deeplog-ops source check {source_name}` shows what is looked for. Nothing was deleted"
        )
    known = {published.day: published for published in published_days(place.engine, source.key)}
    unknown = [day for day in days if day not in known]
    if unknown:
        raise DatabaseError(f"{source_name} has no published day {unknown[0]}: nothing was deleted")
    for day in days:
        held = _held(files, known[day], source)
        if held is not None:
            raise DatabaseError(
                f"{held.path} has lines of {day}, or may have: run the day again, `deeplog-ops run daily --source "
                f"{source_name} --day {day}`. Nothing was deleted"
            )
    return forget_days(place.engine, source.key, days)


def _files(place: Workplace, source: SourceConfig) -> list[RawFile]:
    known = ledger.raw_files(place.engine, source.key)
    return mark_duplicates(survey(place, source), source.connection, known)


def _held(files: Sequence[RawFile], published: PublishedDay, source: SourceConfig) -> RawFile | None:
    """The first file that has lines of the day itself, or may. Lines without any time are of the day whose run read them."""
    zone = source.reading.zone
    bounds = DayBounds.of(published.day, zone, timedelta(0))
    own = [
        file for file in files if file.file_id in published.file_ids
    ]  # one of them, unless the day is misplaced
    for file in (*own, *files):
        timeless = file.first_time is None and file.day_hint is None
        if holds_lines_of(_begun_earlier(file), bounds, zone) or (
            timeless and file.file_id in published.file_ids
        ):
            return file
    return None


def _begun_earlier(file: RawFile) -> RawFile:
    """As the file may turn out: until it was read to its end, its first time is its head's, and lines may go back by up to
    a day."""
    if file.first_time is None or file.last_time is not None:
        return file
    return replace(file, first_time=file.first_time - _BACK)


def _read_with(published: PublishedDay) -> tuple[object, ...] | None:
    try:
        return reading_of_times(SourceConfig.model_validate(published.config))
    except ValidationError:  # of an earlier release, whose configuration had another form
        return None
