"""Values in words: what came and what is typical, for the person on duty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deeplog_ops.detection.explain import quoted

WILDCARD = "<*>"
LONGEST = 60  # characters of a value in a sentence
NAMED = 3  # words before a place that name it


def number(value: float, unit: str) -> str:
    """A number with its unit, as people write it: 35 ms, 67,108,864 bytes, 41%."""
    if unit == "s":
        return _seconds(value)
    text = f"{value:,.0f}" if value == round(value) or abs(value) >= 1e4 else f"{value:,.4g}"
    if abs(value) >= 1e15:
        text = f"{value:.3g}"
    return text + ("" if not unit else unit if unit == "%" else f" {unit}")


def _seconds(value: float) -> str:
    size = abs(value)
    for least, factor, unit in ((86400, 86400, "days"), (7200, 3600, "h"), (120, 60, "min"), (1, 1, "s")):
        if size >= least:
            return f"{value / factor:,.1f} {unit}"
    return f"{value * 1000:.3g} ms" if size >= 1e-3 or size == 0 else f"{value * 1e6:.3g} µs"


def ordinal(place: int) -> str:
    """The place of a wildcard (from 0) in words: 1st, 2nd, 11th."""
    count = place + 1
    ending = "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{ending}"


def place_name(text: str, place: int) -> str:
    """The words before a wildcard, which mostly say what stands there; "" where there are none."""
    pieces = text.split(WILDCARD)
    before = pieces[place] if place < len(pieces) - 1 else ""
    return " ".join(re.findall(r"[^\W\d_][\w.\-]*", before)[-NAMED:])


def field_words(field: Mapping[str, Any]) -> tuple[str, str, str]:
    """Of one of the `fields` of an anomaly's details: which value it is, what it was, and what is typical."""
    unit = str(field.get("unit") or "")
    if field["kind"] == "elapsed_time":
        name = "the time since the line before"
    else:
        name = f"the {ordinal(int(field['place']))} value"
    return name, _shown(field.get("actual"), unit), _shown(field.get("typical"), unit)


def _shown(value: Any, unit: str) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value) or "nothing known"
    if isinstance(value, int | float):
        return number(float(value), unit)
    return f'"{_cut(str(value))}"'


def number_reason(
    text: str,
    place: int,
    unit: str,
    actual: float,
    low: float | None,
    typical: float,
    high: float,
    given: str | None,
) -> str:
    """`low` is None where only too much is anomalous; `given` says what the typical number depends on.

    Of the two bounds the one is told that was left: the other may be far from anything that ever came.
    """
    below = low is not None and actual < low
    span = f"at least {number(low, unit)}" if low is not None and below else f"at most {number(high, unit)}"
    if low is not None and low <= actual <= high:  # odd for its sequence, not by itself
        span = f"between {number(low, unit)} and {number(high, unit)}"
    with_ = f", with {given}" if given else ""
    return (
        f"{quoted(text)}: the {ordinal(place)} value was {number(actual, unit)}, "
        f"typically {number(typical, unit)} ({span}){with_}."
    )


def elapsed_reason(
    text: str, before: str, actual: float, typical: float, high: float, given: str | None
) -> str:
    with_ = f", with {given}" if given else ""
    return (
        f"{quoted(text)} came {number(actual, 's')} after {quoted(before)}, "
        f"typically {number(typical, 's')} (at most {number(high, 's')}){with_}."
    )


def name_reason(text: str, place: int, actual: str, level: str, known: list[str], events: int) -> str:
    what = {"value": "which", "shape": "of a form that"}.get(level, f"of which the {level}")
    usual = ", ".join(known)
    return (
        f'{quoted(text)}: the {ordinal(place)} value was "{_cut(actual)}", {what} was never seen there in '
        f"{events:,} events (usual: {usual})."
    )


def _cut(value: str) -> str:
    return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
