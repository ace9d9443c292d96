"""A rate in words, and as the noun that is published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deeplog_ops.detection.explain import quoted
from deeplog_ops.detection.rates import DROP, NEW, VANISHED, RateFinding
from deeplog_ops.records import Anomaly, LineRef

DETECTOR = "rates"
BINS_KEPT = 48  # in the details of a finding, the first of them


def rate_anomaly(
    found: RateFinding,
    *,
    text: str,
    where: LineRef,
    seen: tuple[datetime, datetime] | None,
    source_key: str,
    day: date,
    zone: ZoneInfo,
    model_version: str,
    known: bool,
    warming_up: int | None = None,
) -> Anomaly:
    """The finding as an anomaly without a session. `seen` is when its lines came first and last, None where none did.

    `known` is whether the version's catalogue has the template; `where` its first line, or, where too few came, the
    last line before. `warming_up` is from how many days the rates were learnt, where these are few.
    """
    return Anomaly(
        source_key=source_key,
        day=day,
        detector=DETECTOR,
        kind=found.kind,
        locator=f"{found.key}:{found.first}",
        session=None,
        score=found.score,
        threshold=found.threshold,
        first_time=seen[0] if seen and found.rising else found.begin,
        last_time=seen[1] if seen and found.rising else found.end,
        where=where,
        event_count=found.actual,
        template_id=found.key,
        rank=None,
        probability=None,
        p_value=min(found.per_day, 1.0),
        reason=reason(found, text, zone, known) + few_days(warming_up),
        model_version=model_version,
        details=_details(found, known, warming_up),
    )


def reason(found: RateFinding, text: str, zone: ZoneInfo, known: bool = True) -> str:
    """One sentence with the numbers that a person would say."""
    name, span = quoted(text), _span(found.begin, found.end, zone)
    if found.kind == NEW:
        rarely = "training hardly ever saw it" if known else "the model does not know it"
        return f"{name} came {_times(found.actual)} {span}; {rarely}."
    usual = f"normally {about(found.expected)}"
    if found.kind == VANISHED:
        return f"{name} did not come at all {span}; {usual} times (at least {found.limit:,})."
    if found.kind == DROP:
        return f"{name} came only {_times(found.actual)} {span}, {usual} (at least {found.limit:,})."
    return f"{name} came {_times(found.actual)} {span}, {usual} (at most {found.limit:,})."


def few_days(days: int | None) -> str:
    """What to add where rates were learnt from few days; nothing for None."""
    return "" if days is None else f" These rates were learnt from {days} days only."


def _details(found: RateFinding, known: bool, warming_up: int | None) -> Mapping[str, Any]:
    few = {} if warming_up is None else {"warming_up": True, "learnt_from_days": warming_up}
    return few | {
        "expected": round(found.expected, 2),
        "actual": found.actual,
        "limit": found.limit,
        "begin": found.begin.isoformat(),
        "end": found.end.isoformat(),
        "known": known,
        "per_normal_day": found.per_day,
        "bins": [{"actual": y, "expected": round(mean, 2)} for y, mean in found.bins[:BINS_KEPT]],
    }


def _span(begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    first, last = begin.astimezone(zone), end.astimezone(zone)
    if (first.hour, first.minute) == (last.hour, last.minute) == (0, 0):
        return "on this day"
    over = last.date() > first.date() and (last.hour, last.minute) == (0, 0)
    until = "24:00" if over else f"{last:%H:%M}"
    twice = first.utcoffset() != last.utcoffset() and end - begin < timedelta(hours=24)
    offsets = f" (from UTC{first:%z} to UTC{last:%z})" if twice else ""
    return f"from {first:%H:%M} to {until}{offsets}"


def about(expected: float) -> str:
    """A usual count in words."""
    if expected < 1:
        return "less than 1"
    if expected < 10:
        return f"about {expected:.1f}".removesuffix(".0")
    magnitude = 10 ** max(len(str(int(expected))) - 2, 0)
    return f"about {round(expected / magnitude) * magnitude:,}"


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count:,} times"
