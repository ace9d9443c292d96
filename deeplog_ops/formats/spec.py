"""What a log format is, as data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FormatSpec(BaseModel):
    """One log format.

    A `pattern` runs on a linear-time engine (no look-around, no back-references), so that no line can make it
    hang. Its named groups `time` (or `date` and `clock`), `level`, `host`, `component`, `pid`, `thread` and
    `message` become columns; every other named group becomes one of the record's `fields`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str = ""
    kind: Literal["pattern", "json", "logfmt", "csv"] = "pattern"
    pattern: str | None = None
    time_formats: tuple[str, ...] = Field(
        default=(),
        description="strptime forms, tried in order; also epoch_s, epoch_ms, epoch_us, epoch_ns, iso8601",
    )
    multiline: Literal["join", "quarantine"] = Field(
        default="join",
        description="what becomes of a line that does not match: joined to the record before it, or kept aside",
    )
    continues: str | None = Field(
        default=None,
        description="kind pattern: found in lines that have a stamp and still go on from the record before. The pattern "
        "leaves them out, and guessing does not count them",
    )
    unfinished: str | None = Field(
        default=None,
        description="found in a line that the next one goes on from, where it has the same fields as the pattern's named groups",
    )
    traces: str | None = Field(
        default=None,
        description="a field that all lines of a stack trace have alike, where each has a header of its own, as containers "
        "give it: a trace is one record",
    )
    levels: dict[str, str] = Field(
        default_factory=dict,
        description="kind pattern: a level as this format alone writes it -> a word for it",
    )
    heading: tuple[str, ...] = Field(
        default=(),
        description="kind csv: the names of the columns, where the file has no first line that says them. A row may lack "
        "the last of them",
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="kinds json, logfmt and csv: our column -> their field, or several after one another with | between; "
        "dots go into nested objects. Others become fields",
    )
    example: str = ""
    zone: str | None = Field(default=None, description="the zone that the format itself fixes, if any")
