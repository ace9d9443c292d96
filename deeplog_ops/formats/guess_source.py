"""What a source's configuration could be, from the heads of its files; what is unsure is said in notes."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from deeplog_ops.config import Reading, SourceConfig
from deeplog_ops.formats import catalog, encodings, session_key, times, years
from deeplog_ops.formats.day_in_path import day_in_path
from deeplog_ops.formats.engine import COLUMNS
from deeplog_ops.formats.guess import Guess, guess_format, lines_of, plain_head
from deeplog_ops.formats.records import read_records
from deeplog_ops.formats.session_key import SessionKey
from deeplog_ops.formats.source_yaml import written
from deeplog_ops.formats.spec import FormatSpec
from deeplog_ops.records import LineAccount
from deeplog_ops.sequences.identify import session_ids

_DAYS_IN_PATHS = (
    r"(?:^|[^0-9])(?P<day>(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9])(?:[^0-9]|$)",
    r"(?:^|[^0-9])(?P<day>(?:19|20)[0-9]{2}[01][0-9][0-3][0-9])(?:[^0-9]|$)",
)
_PREVIEW = 5
_SAMPLE_MESSAGES = 20_000
_STREAM_WIDTH = timedelta(hours=1)


@dataclass(frozen=True)
class SampleFile:
    """The beginning of a raw file, compressed as it is; `modified` tells the year of stamps that have none."""

    path: str
    head: bytes
    modified: datetime | None = None


@dataclass(frozen=True)
class Preview:
    """What a person looks at before they accept a guess."""

    share_understood: float
    account: LineAccount
    fields: dict[str, tuple[str, ...]]  # a column or field: some of its values
    messages: tuple[str, ...]
    first_time: datetime | None
    last_time: datetime | None
    sessions: int
    mean_session_length: float
    quarantined: dict[str, int]  # a reason: how many lines
    sample: tuple[str, ...] = field(default=(), repr=False)  # messages to mine templates from, bounded


@dataclass(frozen=True)
class SourceGuess:
    """`config` has the settings of a SourceConfig that differ from its defaults or should be looked at."""

    config: dict[str, Any]
    comments: dict[str, str]  # a setting's name: what is to be known of it
    preview: Preview
    notes: tuple[str, ...]
    format: Guess
    keys: tuple[SessionKey, ...] = field(default=())


def guess_source(
    name: str,
    samples: Sequence[SampleFile],
    paths: Sequence[str] | None = None,
    now: datetime | None = None,
    last_change: datetime | None = None,
) -> SourceGuess:
    """A configuration for files that begin so. `paths` is what the source will read, by default the samples' own.

    `last_change` is when any of the source's files was changed last, where there are more than the samples.
    """
    now = now or datetime.now(UTC)
    format_guess = guess_format([(sample.path, sample.head) for sample in samples])
    spec, notes = format_guess.spec, list(format_guess.notes)
    comments: dict[str, str] = {}
    reading: dict[str, Any] = {"zone": "UTC"}
    reading["encoding"] = _encoding(samples, notes)
    _time_settings(spec, samples, last_change, now, reading, notes, comments)
    lines, account, quarantined = _read(spec, reading, samples, now)
    kind = _kind_of_time(spec, samples)
    if kind in (times.LOCAL, times.YEARLESS, times.CLOCK):
        notes.append("the time stamps name no zone: UTC is a guess")
        comments["reading.zone"] = "unsure: the stamps name no zone"
    elif kind == times.UTC:
        comments["reading.zone"] = "the stamps carry their own zone; this one says when a day begins"
    keys = session_key.find(lines) if len(lines) else [SessionKey("stream", "the source as one stream")]
    sessions = _sessions(keys[0], kind, notes, comments)
    if not format_guess.sure:
        comments["format"] = "unsure: " + (notes[0] if notes else "look at the preview")
    config = {
        "name": name,
        "paths": list(paths or [sample.path for sample in samples]),
        "format": spec.name if _is_shipped(spec) else spec.model_dump(exclude_defaults=True, mode="json"),
        "reading": reading,
        "sessions": sessions,
    }
    shown = _cut(keys[0], lines, _STREAM_WIDTH) if keys[0].by == "stream" else keys[0]
    preview = _preview(lines, account, quarantined, shown, format_guess)
    return SourceGuess(config, comments, preview, tuple(dict.fromkeys(notes)), format_guess, tuple(keys))


def preview_of(source: SourceConfig, samples: Sequence[SampleFile], now: datetime) -> Preview:
    """How files that begin so look under a configuration that is there already."""
    spec = catalog.resolve(source.format)
    lines, account, quarantined = _read(spec, source.reading.model_dump(), samples, now)
    named = session_ids(lines, source.sessions).drop_nulls() if len(lines) else pl.Series([], dtype=pl.String)
    found = named.n_unique()
    key = SessionKey(source.sessions.by, "", sessions=found, mean_length=len(named) / found if found else 0.0)
    if source.sessions.by in ("stream", "window"):
        key = _cut(key, lines, source.sessions.width)
    return _preview(lines, account, quarantined, key, Guess(spec, 1.0, True))


def _cut(key: SessionKey, lines: pl.DataFrame, width: timedelta) -> SessionKey:
    """The pieces that a stream is cut into, rather than the one stream."""
    times_known = lines["time"].drop_nulls() if len(lines) else pl.Series([], dtype=pl.Datetime("us"))
    if not len(times_known):
        return key
    pieces = times_known.dt.truncate(width).n_unique()
    return replace(key, sessions=pieces, mean_length=len(times_known) / pieces)


def to_yaml(guess: SourceGuess) -> str:
    """The text of config/sources/NAME.yaml, with comments that say what can be changed."""
    return written(guess.config, guess.comments, guess.notes)


def _is_shipped(spec: FormatSpec) -> bool:
    from deeplog_ops.formats.catalog import shipped

    return shipped().get(spec.name) == spec


def _encoding(samples: Sequence[SampleFile], notes: list[str]) -> str:
    found = Counter(
        encodings.of_head(plain_head(sample.head)[:65536], "auto")[0] for sample in samples if sample.head
    )
    if len(found) > 1:
        notes.append(
            f"the files have several encodings ({', '.join(sorted(found))}): each is looked at by itself"
        )
        return "auto"
    encoding = next(iter(found), "utf-8")
    if encoding not in ("utf-8", "ascii") and not encoding.startswith("utf-"):
        notes.append(f"the text is not UTF-8; {encoding} is a guess")
    return encoding


def _time_settings(
    spec: FormatSpec,
    samples: Sequence[SampleFile],
    last_change: datetime | None,
    now: datetime,
    reading: dict[str, Any],
    notes: list[str],
    comments: dict[str, str],
) -> None:
    kind = _kind_of_time(spec, samples)
    day_pattern = _day_pattern([sample.path for sample in samples])
    if kind in (times.NONE, times.YEARLESS, times.CLOCK) and day_pattern:
        reading["day_from_path"] = day_pattern
        comments["reading.day_from_path"] = "the day stands in the files' names"
        return
    if kind == times.NONE:
        notes.append(
            "the lines have no time stamps: every day of a run takes all of the files' lines, unless day_from_path says which"
        )
    elif kind == times.CLOCK:
        notes.append("the stamps have no date: it is taken from each file's last change")
    elif kind == times.YEARLESS:
        _year(spec, samples, last_change, now, reading, notes, comments)


def _year(
    spec: FormatSpec,
    samples: Sequence[SampleFile],
    last_change: datetime | None,
    now: datetime,
    reading: dict[str, Any],
    notes: list[str],
    comments: dict[str, str],
) -> None:
    changes = [sample.modified or now for sample in samples]
    by_change = [
        years.year_by_change(spec, lines_of(sample.head), change)
        for sample, change in zip(samples, changes, strict=True)
    ]
    found = years.chosen(
        [sample.path for sample in samples], by_change, max([*changes, last_change or changes[0]]), now
    )
    name = "year" if found.year_from_path is None else "year_from_path"
    reading[name] = found.year_from_path or found.year
    otherwise = "Take reading.year_from_path out" if found.year_from_path else "Set reading.year"
    notes.append(f"the stamps have no year: {found.why}. {otherwise} if that is wrong")
    comments[f"reading.{name}"] = f"unsure: {found.why}"


def _kind_of_time(spec: FormatSpec, samples: Sequence[SampleFile]) -> int:
    from deeplog_ops.formats.engine import engine_of
    from deeplog_ops.formats.guess import sample_lines

    if spec.kind == "csv":
        return times.LOCAL if "time" in spec.columns else times.NONE
    engine = engine_of(spec)
    lines = sample_lines([sample.head for sample in samples])
    if not engine.has_time or not len(lines):
        return times.NONE
    stamps = engine.read(lines).stamps
    kinds = (
        Counter(int(kind) for kind in stamps.kind if kind != times.NONE) if stamps is not None else Counter()
    )
    return kinds.most_common(1)[0][0] if kinds else times.NONE


def _day_pattern(paths: Sequence[str]) -> str | None:
    """A pattern that finds a real day in every path."""
    for pattern in _DAYS_IN_PATHS:
        try:
            days = [date.fromisoformat(found["day"]) for path in paths if (found := re.search(pattern, path))]
        except ValueError:
            continue
        if days and len(days) == len(paths):
            return pattern
    return None


def _read(
    spec: FormatSpec, reading: dict[str, Any], samples: Sequence[SampleFile], now: datetime
) -> tuple[pl.DataFrame, LineAccount, dict[str, int]]:
    """All records of the samples; a line that the sample's end cuts is left out."""
    settings = Reading.model_validate({key: value for key, value in reading.items() if value is not None})
    tables, account, reasons = [], LineAccount(), Counter[str]()
    for place, sample in enumerate(samples):
        head = plain_head(sample.head)
        whole = head[: head.rfind(b"\n") + 1] or head
        day = day_in_path(sample.path, settings.day_from_path)
        chunks = read_records(
            io.BytesIO(whole),
            spec=spec,
            reading=settings,
            file_id=str(place),
            path=sample.path,
            modified=sample.modified,
            now=now,
            day_hint=day,
        )
        for chunk in chunks:
            frame = pl.from_arrow(chunk.lines)
            assert isinstance(frame, pl.DataFrame)
            tables.append(frame)
            account += chunk.account
            for reason, count in zip(
                chunk.quarantine["reason"].to_pylist(),
                chunk.quarantine["line_count"].to_pylist(),
                strict=True,
            ):
                reasons[str(reason)] += int(count or 0)
    return (pl.concat(tables) if tables else pl.DataFrame()), account, dict(reasons)


def _sessions(key: SessionKey, kind: int, notes: list[str], comments: dict[str, str]) -> dict[str, Any]:
    if key.by == "stream":
        notes.append(
            "no identifier was found that puts events together: the source is one stream. Set sessions if there is one"
        )
        comments["sessions.by"] = "unsure: no identifier was found"
        return {"by": "stream", "width": _in_words(_STREAM_WIDTH)}
    settings: dict[str, Any] = {"by": key.by}
    if key.pattern is not None:
        settings["pattern"] = key.pattern
        comments["sessions.pattern"] = (
            f"{key.name}: in {100 * key.cover:.0f} % of the lines, {key.sessions} sessions in the sample"
        )
    else:
        settings["fields"] = [key.field]
        comments["sessions.fields"] = (
            f"in {100 * key.cover:.0f} % of the lines, {key.sessions} sessions in the sample"
        )
    if key.cover < 0.9:
        notes.append(
            f"{100 * (1 - key.cover):.0f} % of the lines have no {key.name} and belong to no session"
        )
    if key.mean_length < 2:
        notes.append(
            f"sessions by {key.name} have {key.mean_length:.1f} events in the sample: look at more of the files"
        )
    settings["idle_timeout"], settings["longest"] = _in_words(key.idle_timeout), _in_words(key.longest)
    if key.span is not None and key.span < timedelta(days=1):
        span = str(key.span).split(".")[0]
        notes.append(
            f"the sample covers only {span} hours: sessions may last longer than idle_timeout and longest say"
        )
    if kind == times.NONE:
        comments["sessions.idle_timeout"] = "without time stamps a session closes at the end of its day"
    else:
        gap = (
            f"the longest gap in the sample was {str(key.largest_gap).split('.')[0]}"
            if key.largest_gap
            else "no gap was seen"
        )
        comments["sessions.idle_timeout"] = f"unsure: from the sample alone; {gap}"
    return settings


def _in_words(duration: Any) -> str:
    seconds = int(duration.total_seconds())
    if seconds % 3600 == 0:
        return f"{seconds // 3600}h"
    return f"{seconds // 60}m"


def _preview(
    lines: pl.DataFrame, account: LineAccount, quarantined: dict[str, int], key: SessionKey, guess: Guess
) -> Preview:
    values: dict[str, tuple[str, ...]] = {}
    messages: tuple[str, ...] = ()
    first = last = None
    if len(lines):
        for name in (*COLUMNS, "fields"):
            common = lines[name].drop_nulls().value_counts(sort=True).head(3)[name].to_list()
            if common:
                values[name] = tuple(str(value)[:200] for value in common)
        messages = tuple(str(message)[:200] for message in lines["message"].head(_PREVIEW))
        first, last = lines["time"].min(), lines["time"].max()
    good = account.lines_read - account.blank
    share = (account.events + account.joined) / good if good else 0.0
    return Preview(
        round(min(share, guess.share_understood), 4), account, values, messages,
        first if isinstance(first, datetime) else None, last if isinstance(last, datetime) else None,
        key.sessions, round(key.mean_length, 1), quarantined,
        tuple(lines["message"].head(_SAMPLE_MESSAGES)) if len(lines) else (),
    )  # fmt: skip
