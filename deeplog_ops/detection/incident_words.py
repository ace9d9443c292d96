"""Titles of incidents, for people who read a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deeplog_ops.detection.incident_joining import Flood
from deeplog_ops.detection.incident_places import Resolve, expected_key, is_rate, rising
from deeplog_ops.detection.rate_words import about
from deeplog_ops.records import Anomaly

LONGEST = 60  # characters of a template in a title


def title(
    naming: Anomaly,
    *,
    sessions: int,
    rates: Sequence[str],
    flood: Flood | None,
    texts: Mapping[str, str],
    resolve: Resolve,
) -> str:
    """What happened, and how many sessions it touched. `rates` are the templates whose rates are odd, if all is rates."""
    if flood is not None:
        what = _flood(flood)
    elif rates and is_rate(naming):
        what = _rates(naming, rates, texts)
    else:
        what = _one(naming, texts, resolve)
    return f"{what} ({sessions:,} session{'s' if sessions != 1 else ''})" if sessions else what


def reason(worst: Anomaly, naming: Anomaly, *, sessions: int, places: int, flood: Flood | None) -> str:
    """The worst anomaly's own reason, and what else belongs to it; of one session first the one that the title is of."""
    if flood is not None:
        return f"{len(flood.templates)} templates that the model does not know came first at about one time. {worst.reason}"
    if sessions < 2:
        return worst.reason if naming.reason == worst.reason else f"{naming.reason} Also: {worst.reason}"
    same = "at the same place" if places == 1 else "at the same time"
    return f"{worst.reason} So it went in {sessions - 1:,} more session{'s' if sessions != 2 else ''} {same}."


def _flood(flood: Flood) -> str:
    return f"{len(flood.templates)} new templates at once"


def _rates(naming: Anomaly, rates: Sequence[str], texts: Mapping[str, str]) -> str:
    text = _text(naming.template_id, texts)
    if len(rates) == 1:
        actual, expected = naming.details.get("actual", naming.event_count), naming.details.get("expected", 0)
        if naming.kind == "rate_vanished":
            return f"{text} stopped coming"
        return f"{text} came {actual:,} times, normally {about(expected)}"
    how = "far more than usual" if rising(naming) else "far less than usual"
    return f"{len(rates)} templates came {how}, among them {text}"


def _one(naming: Anomaly, texts: Mapping[str, str], resolve: Resolve) -> str:
    came = _text(naming.template_id, texts)
    before = naming.details.get("before")
    after = _text(str(before), texts) if before else ""
    expected = expected_key(naming, resolve)
    wanted = _text(expected, texts) if expected else "the end of the session"
    if naming.kind == "rule":
        return _first_sentence(naming.reason)
    if naming.kind == "unknown_template":
        return f"New: {came}"
    if naming.kind == "missing_end":
        return f"{after} never followed by {wanted}" if after else f"Sessions ended before {wanted}"
    if naming.kind == "key_order":
        return (
            f"{after} followed by {came}, not by {wanted}" if after else f"{came} where {wanted} was expected"
        )
    return _first_sentence(naming.reason)


def _text(key: str | None, texts: Mapping[str, str]) -> str:
    words = " ".join(texts.get(key or "", key or "").split())
    if len(words) <= LONGEST:
        return words
    return words[: LONGEST - 2].rsplit(" ", 1)[0] + " …"


def _first_sentence(reason: str) -> str:
    sentence = reason.split(". ", 1)[0].rstrip(".").split(" (", 1)[0]
    return sentence if len(sentence) <= 2 * LONGEST else sentence[: 2 * LONGEST - 2].rsplit(" ", 1)[0] + " …"
