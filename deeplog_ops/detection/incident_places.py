"""What makes two anomalies the same kind of thing on any day: what it is, and where it left the workflow."""

from __future__ import annotations

from collections.abc import Callable

from deeplog_ops.records import Anomaly

Place = tuple[str, ...]
"""A kind and ids of templates (or a rule's name). Neither sessions nor times, versions or scores are in it."""

Resolve = Callable[[str], str]

MORE, FEWER = "rate_more", "rate_fewer"
NEW_TEMPLATES = "new_templates"
NAMED_BY = (
    "rule",
    "unknown_template",
    "missing_end",
    "key_order",
    "key_counts",
)  # what names a session with several anomalies


def place_of(anomaly: Anomaly, resolve: Resolve) -> Place:
    """The kind and the place: what came, after what, and what was expected instead.

    What came before is `details["before"]`, the id of the template before the worst event. A template that nobody knows
    is itself the place, wherever it came.
    """
    came = resolve(anomaly.template_id) if anomaly.template_id is not None else ""
    if anomaly.kind == "rule":
        return ("rule", str(anomaly.details.get("rule", "")))
    if anomaly.kind == "unknown_template":
        return (anomaly.kind, came)
    if is_rate(anomaly):
        return (MORE if rising(anomaly) else FEWER, came)
    fields = anomaly.details.get("fields")
    if fields:  # of values: the parameter of the template
        return (anomaly.kind, came, str(fields[0].get("place", "")))
    before = anomaly.details.get("before")
    return (anomaly.kind, came, resolve(str(before)) if before else "", expected_key(anomaly, resolve))


def naming_order(anomaly: Anomaly, place: Place) -> tuple[int, Place]:
    """The anomaly of a session, or group, that comes first by this gives it its name: by kind, never by score."""
    known = NAMED_BY.index(anomaly.kind) if anomaly.kind in NAMED_BY else len(NAMED_BY)
    return (known + (1 if is_rate(anomaly) else 0), place)


def expected_key(anomaly: Anomaly, resolve: Resolve) -> str:
    """The likeliest of what was expected, "" where there is none or it is the end."""
    return resolve(anomaly.expected[0].key) if anomaly.expected and anomaly.expected[0].key else ""


def is_rate(anomaly: Anomaly) -> bool:
    return anomaly.detector == "rates"


def rising(anomaly: Anomaly) -> bool:
    return anomaly.kind in ("rate_burst", "rate_new")


def is_new_template(anomaly: Anomaly) -> bool:
    """An anomaly that says: here came a template that the version does not know."""
    return anomaly.template_id is not None and (
        anomaly.kind == "unknown_template" or (is_rate(anomaly) and anomaly.details.get("known") is False)
    )
