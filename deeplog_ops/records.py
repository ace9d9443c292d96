"""The nouns that pass between rooms: small, frozen, plain Python. Columns of many rows live in schemas.py."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from enum import StrEnum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class DayBounds:
    """A calendar day in a source's zone as instants: events with start <= time < end are the day's.

    `view_start` is start less the lookback: the earliest instant the day's result may depend on.
    All three are aware datetimes in UTC. A day has 23 or 25 hours where the clocks change.
    """

    day: date
    view_start: datetime
    start: datetime
    end: datetime

    @classmethod
    def of(cls, day: date, zone: str, lookback: timedelta) -> DayBounds:
        return cls.span(day, day, zone, lookback)

    @classmethod
    def span(cls, first: date, last: date, zone: str, lookback: timedelta) -> DayBounds:
        """Several days in a row as one long day, named by its last: what a training reads."""
        tz, utc = ZoneInfo(zone), ZoneInfo("UTC")
        start = datetime.combine(first, clock_time(), tz).astimezone(utc)
        end = datetime.combine(last + timedelta(days=1), clock_time(), tz).astimezone(utc)
        return cls(last, start - lookback, start, end)


@dataclass(frozen=True)
class RawFile:
    """One raw file as the manifest saw it.

    `file_id` is the fingerprint of the uncompressed head: a renamed, rotated or compressed file keeps it.
    `size` is in bytes on disk; `read_to` is how many uncompressed bytes an ingest reads when the file is
    plain (a file that grows meanwhile is read up to here), None when compressed (read to its end).
    """

    file_id: str
    path: str
    size: int
    modified: datetime
    compression: str | None = None
    read_to: int | None = None
    first_time: datetime | None = None
    last_time: datetime | None = None
    duplicate_of: str | None = None
    day_hint: date | None = None


@dataclass(frozen=True)
class LineAccount:
    """Where every line of a file went. `unaccounted` is 0, always: asserted and stored for every file."""

    lines_read: int = 0
    events: int = 0
    joined: int = 0
    blank: int = 0
    quarantined: int = 0
    other_days: int = 0

    @property
    def unaccounted(self) -> int:
        placed = self.events + self.joined + self.blank + self.quarantined + self.other_days
        return self.lines_read - placed

    def __add__(self, other: LineAccount) -> LineAccount:
        return LineAccount(
            self.lines_read + other.lines_read,
            self.events + other.events,
            self.joined + other.joined,
            self.blank + other.blank,
            self.quarantined + other.quarantined,
            self.other_days + other.other_days,
        )


@dataclass(frozen=True)
class FileAccount:
    """The account of one file in one run. Times are the earliest and latest read from it, on whatever day."""

    file_id: str
    path: str
    account: LineAccount
    note: str | None = None
    first_time: datetime | None = None
    last_time: datetime | None = None


class DayState(StrEnum):
    """What a day's row says. Zero anomalies is SCORED with a count of 0, and nothing else is."""

    NOT_SCORED = "not_scored"
    WARMING_UP = "warming_up"
    SCORED = "scored"
    STALE = "stale"
    FAILED = "failed"


@dataclass(frozen=True)
class Template:
    """A message with its variable parts as `<*>`. The id is a hash of the text and never changes or is reused.

    `alias_of` names the older template that this one was merged into; rows keep their own id.
    """

    template_id: str
    text: str
    first_seen: date | None = None
    alias_of: str | None = None


@dataclass(frozen=True)
class PartitionRef:
    """A committed partition: what the ledger knows of the files one stage of one run wrote."""

    run_id: int
    stage: str
    path: str
    rows: int
    bytes: int = 0


@dataclass(frozen=True)
class LineRef:
    """A raw line: file fingerprint, line number from 1, byte offset in the uncompressed file from 0."""

    file_id: str
    line_no: int
    byte_offset: int


@dataclass(frozen=True)
class ExpectedKey:
    """A key that the model expected instead, with its probability."""

    key: str
    probability: float


@dataclass(frozen=True)
class Anomaly:
    """One anomaly of one day. `where` is its worst line; `locator` what makes it unique within its detector.

    `details` is what its kind has to say beyond the columns, as plain JSON: typical and actual values, what never
    came, which detectors agree. `incident_id` names the incident of that day that it belongs to.
    """

    source_key: str
    day: date
    detector: str
    kind: str
    locator: str
    session: str | None
    score: float
    threshold: float
    first_time: datetime | None
    last_time: datetime | None
    where: LineRef
    event_count: int
    template_id: str | None
    rank: int | None
    probability: float | None
    p_value: float | None
    reason: str
    model_version: str
    expected: tuple[ExpectedKey, ...] = field(default=())
    details: Mapping[str, Any] = field(default_factory=dict)
    incident_id: str | None = None

    @cached_property
    def anomaly_id(self) -> str:
        """A hash of source, day, detector and locator: the same anomaly found again has the same id."""
        return stable_id(self.source_key, self.day.isoformat(), self.detector, self.locator)


@dataclass(frozen=True)
class Incident:
    """Anomalies of one day that are one event to a person: of one session, or of one burst across sessions.

    `fingerprint` is the same on another day for the same incident; `severity` is 0 to 100. `where` is the first line
    of its worst anomaly, `details` plain JSON.
    """

    source_key: str
    day: date
    locator: str
    kind: str
    fingerprint: str
    severity: int
    title: str
    reason: str
    anomalies: int
    sessions: int
    worst_anomaly_id: str
    first_time: datetime | None
    last_time: datetime | None
    first: LineRef
    worst: LineRef
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def incident_id(self) -> str:
        """A hash of source, day and locator: the same incident found again has the same id."""
        return stable_id("incident", self.source_key, self.day.isoformat(), self.locator)


@dataclass(frozen=True)
class DayHealth:
    """How well a day still fits its model version. None: not measured on this day.

    `unknown_share` of its events have a template that the version does not know; `unknown_usual` is that share on
    training days. `alarm_rate` is the share of judged sessions that were flagged, against the `budget` that the source
    states. Calibration is read from the p-values of the `judged` sessions: of normal ones `p_median` is 0.5 and
    `p_low`, the share with p <= 0.1, is 0.1; `calibration_error` is the largest distance of their distribution from
    the uniform one, 0 to 1. `level` is ok, watch or train; `advice` says why in words.
    """

    judged: int
    unknown_share: float | None = None
    unknown_usual: float | None = None
    alarm_rate: float | None = None
    budget: float | None = None
    p_median: float | None = None
    p_low: float | None = None
    calibration_error: float | None = None
    level: str = "ok"
    advice: str = ""


@dataclass(frozen=True)
class DetectorOpinion:
    """What one detector said of a day's `judged` sessions: how many it flagged, of these with the verdict `agreed`.

    `enabled`: it gives alarms of its own; else it is an opinion for comparison.
    """

    detector: str
    judged: int
    flagged: int
    agreed: int
    enabled: bool


@dataclass(frozen=True)
class AnomalyLine:
    """A raw line shown with an anomaly; `ordinal` from 0 is its place. Not `of_session`: a neighbour in the file.

    There is no path: the fingerprint names the file, wherever rotation has moved it meanwhile.
    """

    anomaly_id: str
    ordinal: int
    where: LineRef
    time: datetime | None
    text: str
    template_id: str | None = None
    is_worst: bool = False
    of_session: bool = True


def stable_id(*parts: str, length: int = 20) -> str:
    """A short hexadecimal hash of the parts, unambiguous in where one part ends (length-prefixed)."""
    return stable_digest(parts)[:length]


def stable_digest(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def template_id(text: str) -> str:
    """The id of a template: 16 hexadecimal digits of the hash of its text, the same for ever and everywhere."""
    return stable_id("template", text, length=16)
