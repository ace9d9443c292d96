"""Which events belong together: identifiers are looked for in the messages and judged by the sessions they make.

A good identifier stands in many lines, its sessions have several events with different texts, and there are
many sessions. Without one, a field of the header does (host, pid), and without that the source is one stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

import numpy as np
import polars as pl

_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# forms of identifiers that are told by their look
_KNOWN = (
    ("block id", r"(blk_-?[0-9]+)"),
    ("container id", r"(container_(?:e[0-9]+_)?[0-9]+_[0-9]+_[0-9]+_[0-9]+)"),
    ("application id", r"application_([0-9]+_[0-9]+)"),
    ("task attempt", r"(attempt_[0-9]+_[0-9]+_[mr]_[0-9]+_[0-9]+)"),
    ("job id", r"(job_[0-9]+_[0-9]+)"),
    ("instance", rf"\[instance: ({_UUID})\]"),
    ("request id", rf"(req-{_UUID})"),
    ("UUID", rf"({_UUID})"),
    ("trace id", r"\b([0-9a-f]{32})\b"),
)
_NAMED = r"(?i)\b((?:[a-z][a-z0-9_.-]*?)?(?:id|uuid|session|trace|request|order|job|task|transaction|txn|user|ticket|call|conn|connection))(\s*[=:]\s*|\s+#?|#)[\"'<\[]?([0-9a-zA-Z][\w.:-]*[0-9][\w.:-]*|[0-9]+)\b"
_PREFIXED = r"\b([A-Za-z][A-Za-z]+[_#-])-?[0-9A-Fa-f]*[0-9][0-9A-Fa-f]*\b"
_SAMPLE = 20_000
_LEAST_IDLE = timedelta(hours=1)
_LEAST_SCORE = 0.2
_LEAST_COVER, _LEAST_SESSIONS = 0.35, 5
_GENERIC = ("UUID", "trace id")  # one that says more is preferred to these
_FIELD_OF_ID = r"(?i)(?:^|[._-])(?:id|uuid|trace|span|session|request|correlation|transaction|order|job|task|connection)(?:[._-]?id)?$|Id$|ID$"
_ROUND = [timedelta(minutes=m) for m in (1, 5, 10, 15, 30)] + [
    timedelta(hours=h) for h in (1, 2, 4, 6, 8, 12, 24, 48, 72)
]
_VARIABLE = r"[A-Za-z0-9_.-]*[0-9][\w.:/-]*"


@dataclass(frozen=True)
class SessionKey:
    """How events are put together, and what that made of the sample."""

    by: Literal["identifier", "field", "window", "stream"]
    name: str
    pattern: str | None = None
    field: str | None = None
    cover: float = 0.0  # share of the lines that have the key
    sessions: int = 0
    mean_length: float = 0.0
    idle_timeout: timedelta = timedelta(hours=1)
    longest: timedelta = timedelta(hours=24)
    largest_gap: timedelta | None = None
    span: timedelta | None = None  # from the sample's first event to its last: longer gaps cannot be seen
    score: float = 0.0


def find(lines: pl.DataFrame, fields: Sequence[str] = ("pid", "thread", "host")) -> list[SessionKey]:
    """Keys that make sessions of the lines (columns of schemas.LINES), the best first; never empty: a stream is last."""
    messages = lines["message"].str.split("\n").list.first()
    sample = lines.select(
        message=messages, time=pl.col("time").cast(pl.Int64), **{name: pl.col(name) for name in fields}
    )
    shapes = sample["message"].str.replace_all(_VARIABLE, "*")
    sample = sample.with_columns(shape=shapes.hash())
    found = []
    for name, pattern in [*_KNOWN, *_discovered(sample["message"])]:
        key = _judged(sample, sample["message"].str.extract(pattern, 1), known=name == "block id")
        if key is not None:
            # such an identifier is not used again: a timeout that is too long costs nothing but memory
            idle = max(key.idle_timeout, _LEAST_IDLE)
            key = replace(key, idle_timeout=idle, longest=max(key.longest, idle))
            key = replace(key, score=key.score * (0.85 if name in _GENERIC else 1.0))
            found.append(replace(key, by="identifier", name=name, pattern=pattern))
    for name in _id_fields(lines["fields"]):
        key = _judged(sample, lines["fields"].str.json_path_match(f"$['{name}']"))
        if key is not None:
            # identifiers in messages name what is worked on, those of the header who asked for it
            found.append(replace(key, by="field", name=name, field=name, score=0.9 * key.score))
    by_field = []
    for name in fields:
        key = _judged(sample, sample[name])
        if key is not None and key.cover > 0.9 and key.mean_length >= 2:
            by_field.append(replace(key, by="field", name=name, field=name))
    stream = SessionKey(
        "stream", "the source as one stream", cover=1.0, sessions=1, mean_length=float(len(lines))
    )
    best = sorted(found, key=lambda key: -key.score)
    return [*best, *sorted(by_field, key=lambda key: -key.score), stream]


def _id_fields(fields: pl.Series) -> list[str]:
    """Names in the JSON of `fields` that sound like an identifier."""
    names: dict[str, None] = {}
    for text in fields.drop_nulls()[:200]:
        names |= dict.fromkeys(
            name for name in json.loads(text) if re.search(_FIELD_OF_ID, name) and "'" not in name
        )
    return list(names)[:10]


def _discovered(messages: pl.Series) -> list[tuple[str, str]]:
    """Identifiers that this source names itself: `order=17`, `session 9f3a`, `task_12`."""
    head = messages[:_SAMPLE]
    groups = head.str.extract_groups(_NAMED).struct.unnest()
    groups.columns = ["name", "sign", "value"]
    named = groups.drop_nulls().group_by("name", "sign").agg(pl.len(), pl.col("value").n_unique())
    patterns = []
    for name, sign, rows, values in named.sort("len", descending=True).head(8).iter_rows():
        if rows >= 10 and values >= _LEAST_SESSIONS:
            sign_pattern = re.escape(sign.strip()) if sign.strip() else ""
            sign_pattern = rf"\s*{sign_pattern}\s*" if sign_pattern else r"\s+#?"
            patterns.append((name, rf"\b{re.escape(name)}{sign_pattern}[\"'<\[]?([\w.:-]*\w)"))
    prefixes = head.str.extract(_PREFIXED, 1).drop_nulls()
    if len(prefixes):
        counts = prefixes.value_counts(sort=True).head(5)
        for prefix, rows in counts.iter_rows():
            if rows >= 10 and prefix not in (
                "blk_",
                "req-",
                "container_",
                "application_",
                "attempt_",
                "job_",
            ):
                patterns.append((f"{prefix}…", rf"\b({re.escape(prefix)}-?[0-9A-Fa-f]*[0-9][0-9A-Fa-f]*)\b"))
    return patterns


def _judged(sample: pl.DataFrame, keys: pl.Series, known: bool = False) -> SessionKey | None:
    """What sessions the keys make, or None where they make none. A key that is `known` may do so later."""
    with_key = sample.with_columns(key=keys).filter(pl.col("key").is_not_null() & (pl.col("key") != ""))
    cover = len(with_key) / max(1, len(sample))
    if cover < _LEAST_COVER:
        return None
    sessions = with_key.group_by("key").agg(pl.len(), pl.col("shape").n_unique())
    several = sessions.filter(pl.col("len") > 1)
    if len(sessions) < _LEAST_SESSIONS:
        return None
    in_several = float(several["len"].sum()) / len(with_key)
    variety = float(several["shape"].mean() or 0)  # type: ignore[arg-type]
    if (in_several < 0.3 or variety < 1.5) and not (known and cover > 0.9):
        return None
    # many sessions beat few: an id of the whole application tells nothing apart
    many = min(1.0, np.log10(len(sessions)) / 2)
    length = min(1.0, len(with_key) / len(sessions) / 10) ** 0.25
    score = float(cover * in_several * min(1.0, variety / 3) * many * length)
    if score < _LEAST_SCORE and not known:
        return None
    first, last = with_key["time"].min(), with_key["time"].max()
    gaps, spans = _gaps(with_key)
    idle, longest = _timeouts(gaps, spans)
    return SessionKey(
        "identifier", "", cover=cover, sessions=len(sessions), mean_length=len(with_key) / len(sessions),
        idle_timeout=idle, longest=longest, score=score,
        span=timedelta(microseconds=last - first) if isinstance(first, int) and isinstance(last, int) else None,
        largest_gap=timedelta(microseconds=int(gaps.max())) if len(gaps) else None,
    )  # fmt: skip


def _gaps(with_key: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Times between events of one key, and from its first to its last, in µs."""
    timed = with_key.filter(pl.col("time").is_not_null()).sort("key", "time")
    gaps = timed.select(pl.col("time").diff().over("key")).to_series().drop_nulls().to_numpy()
    spans = timed.group_by("key").agg(span=pl.col("time").max() - pl.col("time").min())["span"].to_numpy()
    return gaps, spans


def _timeouts(gaps: np.ndarray, spans: np.ndarray) -> tuple[timedelta, timedelta]:
    """Round values comfortably above the largest typical gap, and above what a session lasts.

    Twice the gap that one in two thousand exceeds, at most half as much again as the largest. Where keys are used again (a process id after days),
    gaps between two uses are not taken for gaps within one: they stand beyond an empty stretch of a factor 20.
    """
    if not len(gaps):
        return timedelta(hours=1), timedelta(hours=24)
    ordered = np.sort(gaps[gaps > 0])
    if not len(ordered):
        return timedelta(minutes=5), timedelta(hours=1)
    late = ordered[len(ordered) // 2 :]
    jumps = np.flatnonzero((late[1:] > 20 * late[:-1]) & (late[1:] > 3600e6))
    typical = late[: jumps[0] + 1] if len(jumps) else late
    idle = _rounded(min(2 * float(np.quantile(typical, 0.9995)), 1.5 * float(typical[-1])))
    within = spans[spans <= 3 * 86400e6]
    longest = _rounded(2 * float(np.quantile(within, 0.999))) if len(within) else timedelta(hours=24)
    return idle, max(longest, idle)


def _rounded(microseconds: float) -> timedelta:
    wanted = timedelta(microseconds=microseconds)
    return next((value for value in _ROUND if value >= wanted), _ROUND[-1])
