"""Configuration: a frozen model a stage. config_files.py reads it from config/sources/NAME.yaml.

Nothing here imports Airflow, torch or a data frame library: DAG files read it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from deeplog_ops.config_detection import Detection
from deeplog_ops.config_types import Duration, Size, Stage
from deeplog_ops.formats.spec import FormatSpec

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,47}$"


@cache
def _zones() -> set[str]:
    """All zones; listing them reads a thousand files."""
    return available_timezones()


class Redaction(Stage):
    """What is blotted out at ingest, before anything is written."""

    pattern: str | None = Field(
        default=None, description="a regular expression, searched in the whole record"
    )
    field: str | None = Field(default=None, description="a column or field whose value is replaced")
    replacement: str = "[redacted]"

    @model_validator(mode="after")
    def _one_of(self) -> Redaction:
        if (self.pattern is None) == (self.field is None):
            raise ValueError("give either pattern or field")
        return self


class Reading(Stage):
    """Stage ingest: raw bytes to records."""

    zone: str = Field(
        default="UTC", description="the zone of time stamps that name none, and of the calendar day"
    )
    year: int | None = Field(
        default=None, ge=1970, le=2200, description="year of a file's first line, where the format has none"
    )
    encoding: str = "utf-8"
    multiline: Literal["join", "quarantine"] | None = Field(
        default=None, description="overrides the format's own"
    )
    day_from_path: str | None = Field(
        default=None,
        description="a regular expression with a group `day` (YYYY-MM-DD or YYYYMMDD), searched in the path",
    )
    year_from_path: str | None = Field(
        default=None,
        description="a regular expression with a group `year` (YYYY), searched in the path: the year of a file's first "
        "line, before `year`",
    )
    redact: tuple[Redaction, ...] = ()
    line_bytes: Size = Field(default=2**20, description="a longer line goes to the quarantine")
    record_lines: int = Field(default=10_000, gt=0, description="a record takes at most so many lines")
    file_bytes: Size = Field(
        default=2**40, description="uncompressed; the rest of a larger file is quarantined"
    )
    ratio: int = Field(
        default=600,  # gzip reaches 1030 at most, logs with moving time stamps 40; xz 260
        gt=0,
        description="of a file that expands by more (past 1 GiB) the rest is quarantined as a bomb",
    )
    future: Duration = Field(
        default=timedelta(days=2), description="a time later than now by more is quarantined"
    )
    chunk_bytes: Size = Field(default=8 * 2**20, description="bytes read at once: bounds memory")

    @field_validator("day_from_path")
    @classmethod
    def _names_a_day(cls, value: str | None) -> str | None:
        if value is not None and "(?P<day>" not in value:
            raise ValueError("day_from_path needs a group `day`, such as (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})")
        return value

    @field_validator("year_from_path")
    @classmethod
    def _names_a_year(cls, value: str | None) -> str | None:
        if value is not None and "(?P<year>" not in value:
            raise ValueError("year_from_path needs a group `year`, such as (?P<year>20[0-9]{2})")
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in _zones():
            raise ValueError(f"{value!r} is not a zone: write a name such as UTC or Europe/Berlin")
        return value


class Mask(Stage):
    """A pattern whose matches are variable wherever they stand, such as an address."""

    name: str
    pattern: str


class Templates(Stage):
    """Stage templates: messages to keys."""

    similarity: float = Field(default=0.7, gt=0, le=1)
    depth: int = Field(default=4, ge=3)
    masks: tuple[Mask, ...] = Field(default=(), description="the source's own, before the general ones")
    distinct_limit: int = Field(default=500_000, gt=0, description="distinct masked messages held at once")


class Sessions(Stage):
    """Stage sessions: which events belong together."""

    by: Literal["identifier", "field", "window", "stream"] = "stream"
    pattern: str | None = Field(
        default=None,
        description="by identifier: searched in the message; its group 1 (or all of it) names the session",
    )
    fields: tuple[str, ...] = Field(
        default=(),
        description="by field (or to group windows and streams): columns or fields, such as host, pid",
    )
    width: Duration = Field(
        default=timedelta(hours=1),
        description="by window: its length; by stream: the fixed clock times where it is cut",
    )
    step: Duration | None = Field(
        default=None, description="by window: sliding by this much; default the width"
    )
    idle_timeout: Duration = Field(
        default=timedelta(hours=1), description="a session without events for so long is over"
    )
    longest: Duration = Field(
        default=timedelta(hours=24), description="a longer session is cut at fixed clock times"
    )
    buckets: int = Field(
        default=16, gt=0, le=4096, description="shards of sessions worked one at a time: bounds memory"
    )

    @model_validator(mode="after")
    def _complete(self) -> Sessions:
        if self.by == "identifier" and not self.pattern:
            raise ValueError("sessions by identifier need a pattern")
        if self.by == "field" and not self.fields:
            raise ValueError("sessions by field need fields")
        if self.step is not None and self.step > self.width:
            raise ValueError("step is longer than width: events between windows would be lost")
        return self

    @property
    def lookback(self) -> timedelta:
        """How far before the day its result may depend on raw lines."""
        if self.by == "window":
            return self.width
        if self.by == "stream":
            return self.width
        return self.longest + 2 * self.idle_timeout  # why twice: sequences/sessions.py


class KeyModelSettings(Stage):
    """The LSTM of section 3.1: sizes and training."""

    history: int = Field(default=10, ge=1, le=200)
    hidden: int = Field(default=64, ge=1)
    layers: int = Field(default=2, ge=1)
    embedding: int = Field(default=64, ge=1)
    epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=2048, ge=1)
    learning_rate: float = Field(default=0.02, gt=0, description="the largest; it rises, then falls to none")
    patience: int = Field(default=8, ge=1)
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"


class Training(Stage):
    """The DAGs that learn: train and feedback."""

    schedule: str | None = "0 4 * * 0"
    feedback: str | None = Field(
        default="0 3 * * *",
        description="cron, in the source's zone: when the champion learns what people called false alarms; "
        "null: by hand, and with the next training",
    )
    days: int = Field(default=14, ge=1)
    sequences: int = Field(
        default=200_000,
        ge=1000,
        description="distinct sequences of keys that a training holds: bounds memory; with more of them, it learns from a "
        "seeded sample of the sessions",
    )
    promote: Literal["auto", "yes", "no"] = "auto"
    on_drift: Literal["advise", "train"] = Field(
        default="advise",
        description="when the last days do not fit the champion: say so, or start the train DAG",
    )
    pool: str = "default_pool"
    queue: str = "default"
    timeout: Duration = timedelta(hours=12)


class Waiting(Stage):
    """When a day's files are complete."""

    marker: str | None = Field(
        default=None, description="a path; {day} stands for YYYY-MM-DD. The day waits until it exists"
    )
    count: int | None = Field(
        default=None, ge=1, description="the day waits for at least so many files that touch it"
    )
    grace: Duration = Field(
        default=timedelta(minutes=30), description="after the day's end, for writers that lag"
    )
    timeout: Duration = Field(
        default=timedelta(hours=6), description="then the run fails, and says what it waited for"
    )


class Daily(Stage):
    """The daily DAG."""

    enabled: bool = Field(default=True, description="false: no schedule; by hand and by backfill only")
    wait: Waiting = Waiting()
    retries: int = Field(default=2, ge=0)
    timeout: Duration = timedelta(hours=6)
    max_active_runs: int = Field(default=4, ge=1)
    pool: str = "default_pool"


class Publishing(Stage):
    """What goes into Postgres."""

    context_lines: int = Field(
        default=3, ge=0, le=50, description="lines of the session kept around an anomaly's worst"
    )
    lines_per_anomaly: int = Field(default=40, ge=1, le=1000)
    line_characters: int = Field(default=2000, ge=80)
    anomalies: int = Field(
        default=20_000, ge=1, description="the worst so many are published in full; all are counted"
    )


class Retention(Stage):
    """What maintenance deletes."""

    lake_days: int = Field(default=30, ge=1)
    results_days: int = Field(default=730, ge=1)
    versions: int = Field(
        default=12, ge=2, description="model versions kept besides the champion and those days refer to"
    )
    garbage_hours: int = Field(
        default=48, ge=1, description="files of attempts that never committed are deleted when older"
    )


class SourceConfig(Stage):
    """config/sources/NAME.yaml"""

    name: str = Field(pattern=NAME_PATTERN)
    key: str = Field(default="", description="identity in tables and lake; stays when the source is renamed")
    description: str = ""
    owner: str = "platform"
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = Field(
        min_length=1, description="files, folders or patterns; local or on an object store (s3://...)"
    )
    exclude: tuple[str, ...] = ()
    connection: str | None = Field(default=None, description="Airflow connection that opens an object store")
    format: str | FormatSpec = Field(description="the name of a shipped format, or one written out")
    reading: Reading = Reading()
    templates: Templates = Templates()
    sessions: Sessions = Sessions()
    model: KeyModelSettings = KeyModelSettings()
    detection: Detection = Detection()
    training: Training = Training()
    daily: Daily = Daily()
    publish: Publishing = Publishing()
    retention: Retention = Retention()

    @field_validator("paths", "exclude", "tags", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _key_defaults_to_name(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value.get("key") and isinstance(value.get("name"), str):
            return {**value, "key": value["name"]}
        return value

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.reading.zone)
