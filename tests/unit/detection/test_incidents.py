from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplog_ops.detection.incidents import group
from deeplog_ops.detection.severity import anomaly_severity, incident_severity
from deeplog_ops.records import Anomaly, ExpectedKey, LineRef

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEXTS = {
    "recv": "Receiving block <*> src: <*>",
    "resp": "PacketResponder <*> terminating",
    "odd": "disk <*> lost",
}


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def anomaly(session: str | None, kind: str = "missing_end", at: float = 0, **more: Any) -> Anomaly:
    """Of a session that began `at` minutes after noon and took one minute."""
    came = {"missing_end": None, "unknown_template": "odd"}.get(kind, "recv")
    given_: dict[str, Any] = {
        "source_key": "s",
        "day": date(2026, 3, 2),
        "detector": "key_order",
        "kind": kind,
        "locator": f"{session}:{at}:{kind}",
        "session": session,
        "score": 12.0,
        "threshold": 7.0,
        "first_time": NOON + minutes(at),
        "last_time": NOON + minutes(at + 1),
        "where": LineRef("f", 1 + int(at), 100),
        "event_count": 5,
        "template_id": came,
        "rank": 3,
        "probability": 1e-4,
        "p_value": 1e-5,
        "reason": "It went wrong.",
        "model_version": "v1",
        "expected": (ExpectedKey("resp", 0.9),),
        "details": {"before": "recv"},
    }
    return Anomaly(**{**given_, **more})


def rate(kind: str, template: str, begin: float, end: float, **more: Any) -> Anomaly:
    details = {"actual": 400, "expected": 12.0, "known": True, **more.pop("details", {})}
    return anomaly(
        None,
        kind,
        begin,
        detector="rates",
        locator=f"{template}:{begin}",
        template_id=template,
        last_time=NOON + minutes(end),
        expected=(),
        details=details,
        **more,
    )


def test_all_anomalies_of_a_session_are_one_incident() -> None:
    found, belongs = group(
        [
            anomaly("a"),
            anomaly("a", "key_order"),
            anomaly("a", "elapsed_time", detector="values"),
            anomaly("b", at=400),
        ]
    )
    assert sorted(each.anomalies for each in found) == [1, 3]
    assert len(set(belongs.values())) == 2


def test_sessions_that_stop_at_one_place_in_a_burst_are_one_incident_with_a_title_for_people() -> None:
    found, _ = group([anomaly(f"s{number}", at=number * 3) for number in range(12)], texts=TEXTS)
    assert [each.sessions for each in found] == [12]
    assert found[0].title == (
        "Receiving block <*> src: <*> never followed by PacketResponder <*> terminating (12 sessions)"
    )
    assert (found[0].first_time, found[0].last_time) == (NOON, NOON + minutes(34))
    assert found[0].first.line_no == 1


def test_the_same_hours_later_is_another_incident_of_the_same_fingerprint() -> None:
    found, _ = group([anomaly("a"), anomaly("b", at=300)])
    assert len(found) == 2
    assert len({each.fingerprint for each in found}) == 1
    assert len({each.incident_id for each in found}) == 2


def test_sessions_that_go_wrong_elsewhere_are_other_incidents() -> None:
    elsewhere = anomaly("b", at=1, details={"before": "odd"})
    found, _ = group([anomaly("a"), elsewhere])
    assert len({each.fingerprint for each in found}) == 2


def test_a_message_nobody_knows_is_one_incident_wherever_it_came() -> None:
    first = anomaly("a", "unknown_template")
    found, _ = group(
        [first, anomaly("b", "unknown_template", at=2, details={"before": "resp"}, expected=())], texts=TEXTS
    )
    assert [each.title for each in found] == ["New: disk <*> lost (2 sessions)"]


def test_a_burst_of_a_message_joins_the_sessions_in_which_it_came() -> None:
    burst = rate("rate_burst", "odd", 0, 2)
    found, _ = group([burst, anomaly("a", "unknown_template", at=1), rate("rate_burst", "odd", 300, 301)])
    assert sorted(each.anomalies for each in found) == [1, 2]


def test_what_stops_coming_joins_the_sessions_that_miss_it() -> None:
    found, _ = group([rate("rate_vanished", "resp", -10, 50), anomaly("a", at=5), anomaly("b", at=30)])
    assert [each.anomalies for each in found] == [3]
    assert found[0].kind == "missing_end"


def test_templates_that_all_stop_at_once_are_one_incident() -> None:
    found, _ = group([rate("rate_vanished", f"t{number}", 0, 120) for number in range(40)])
    assert [each.anomalies for each in found] == [40]
    assert found[0].title.startswith("40 templates came far less than usual")


def test_a_burst_and_a_drop_at_once_are_two() -> None:
    assert len(group([rate("rate_vanished", "a", 0, 60), rate("rate_burst", "b", 0, 60)])[0]) == 2


def new(template: str, at: float, session: str | None = None) -> Anomaly:
    return anomaly(session or f"s{template}{at}", "unknown_template", at, template_id=template)


def test_many_new_templates_at_once_are_one_incident() -> None:
    flood = [new(f"n{number}", number) for number in range(8)] + [new("n1", 400), new("n2", 500)]
    chatter = rate("rate_new", "n9", 10, 20, details={"known": False})
    (found,), belongs = group([*flood, chatter])
    assert (found.kind, found.anomalies) == ("new_templates", 11)
    assert found.title == "9 new templates at once (10 sessions)"
    assert found.details["new_templates"] == 9
    assert len(belongs) == 11


def test_what_a_new_release_no_longer_writes_belongs_to_its_flood() -> None:
    flood = [new(f"n{number}", number) for number in range(8)]
    gone, elsewhen = rate("rate_vanished", "old", -20, 300), rate("rate_vanished", "other", -400, -300)
    found, belongs = group([*flood, gone, elsewhen])
    assert sorted(each.anomalies for each in found) == [1, 9]
    assert belongs[gone.anomaly_id] == belongs[flood[0].anomaly_id]


def test_a_few_new_templates_are_no_flood() -> None:
    assert group([new(f"n{number}", number) for number in range(6)])[0][0].kind == "new_templates"
    assert len(group([new("n1", 0), new("n2", 5)])[0]) == 2


def test_a_flood_is_the_same_on_the_next_day_though_other_templates_come() -> None:
    today, _ = group([new(f"n{number}", number) for number in range(8)])
    tomorrow, _ = group([replace(new(f"n{number}", number), day=date(2026, 3, 3)) for number in range(3, 11)])
    assert today[0].fingerprint == tomorrow[0].fingerprint
    assert today[0].incident_id != tomorrow[0].incident_id


def test_rules_are_one_incident_a_name_and_burst() -> None:
    details = {
        "rule": "disk-full",
        "severity": 85,
        "level": "error",
        "first": {"file_id": "g", "line_no": 7, "byte_offset": 9},
    }
    rows = [
        anomaly(name, "rule", at, detector="rules", details=details, p_value=None)
        for at, name in enumerate(["a", "b", None])
    ]
    (found,), _ = group(rows)
    assert (found.anomalies, found.sessions) == (3, 2)
    assert found.severity == 97
    assert found.first == LineRef("g", 7, 9)


def test_aliases_are_the_template_they_stand_for() -> None:
    alias = anomaly("b", at=1, details={"before": "recv2"})
    found, _ = group([anomaly("a"), alias], resolve=lambda key: {"recv2": "recv"}.get(key, key))
    assert len(found) == 1


def test_lines_without_times_are_grouped_by_place() -> None:
    rows = [replace(anomaly(name), first_time=None, last_time=None) for name in "abc"]
    assert [each.sessions for each in group(rows)[0]] == [3]


def test_nothing_is_no_incident() -> None:
    assert group([]) == ([], {})


# A day of mixed anomalies, for what must hold whatever it is.
kinds = st.sampled_from(
    ["missing_end", "key_order", "unknown_template", "rule", "rate_burst", "rate_vanished", "elapsed_time"]
)
rows_of_a_day = st.lists(
    st.tuples(
        kinds,
        st.sampled_from("abcdefg"),
        st.integers(0, 1400),
        st.sampled_from(["recv", "resp", "odd", "n1", "n2"]),
        st.floats(1, 50),
    ),
    max_size=40,
    unique_by=lambda row: (row[0], row[1], row[2]),
)


def day_of(
    rows: list[tuple[str, str, int, str, float]], shift: float = 0, prefix: str = "", version: str = "v1"
) -> list[Anomaly]:
    found = []
    for kind, session, at, template, score in rows:
        if kind.startswith("rate"):
            found.append(
                replace(rate(kind, template, at + shift, at + shift + 60), score=score, model_version=version)
            )
            continue
        details = {"rule": template, "severity": 60} if kind == "rule" else {"before": "recv"}
        template_id = None if kind == "missing_end" else template
        found.append(
            anomaly(
                prefix + session,
                kind,
                at + shift,
                details=details,
                template_id=template_id,
                score=score,
                model_version=version,
            )
        )
    return found


@given(rows_of_a_day, st.randoms())
def test_the_order_of_anomalies_does_not_matter(rows: Any, rng: Any) -> None:
    day = day_of(rows)
    mixed = day[:]
    rng.shuffle(mixed)
    assert group(day) == group(mixed)


@given(rows_of_a_day)
def test_every_anomaly_belongs_to_one_incident_and_counts_once(rows: Any) -> None:
    day = day_of(rows)
    found, belongs = group(day)
    assert set(belongs) == {each.anomaly_id for each in day}
    assert set(belongs.values()) == {each.incident_id for each in found}
    assert sum(each.anomalies for each in found) == len(belongs)
    assert all(0 <= each.severity <= 100 for each in found)
    assert all(belongs[each.worst_anomaly_id] == each.incident_id for each in found)


@settings(max_examples=60)
@given(rows_of_a_day, st.integers(-600, 600))
def test_fingerprints_know_neither_sessions_nor_times_versions_or_scores(rows: Any, shift: int) -> None:
    other = [
        replace(each, day=date(2026, 4, 9), score=60 - each.score, p_value=None)
        for each in day_of(rows, shift, "other-", "v2")
    ]
    assert sorted(each.fingerprint for each in group(day_of(rows))[0]) == sorted(
        each.fingerprint for each in group(other)[0]
    )


def test_severity_rises_with_kind_oddness_level_and_reach() -> None:
    plain = anomaly("a", "key_order", p_value=1e-3)
    assert anomaly_severity(plain) == 35
    assert anomaly_severity(replace(plain, p_value=1e-6)) == pytest.approx(47)
    assert anomaly_severity(replace(plain, p_value=0.0)) == 55, "oddness ends at 20"
    assert anomaly_severity(replace(plain, details={"level": "error"})) == 45
    assert incident_severity([35.0], 1) == 35
    assert incident_severity([35.0, 20.0], 100) == 51
    assert incident_severity([95.0], 10**6) == 100


def test_a_hundred_thousand_anomalies_take_seconds() -> None:
    day = [
        anomaly(
            f"s{number}",
            ("missing_end", "key_order", "unknown_template")[number % 3],
            number % 1440,
            locator=str(number),
        )
        for number in range(100_000)
    ] + [rate("rate_burst", f"t{number % 500}", number, number + 60) for number in range(0, 1400, 2)]
    began = time.process_time()
    found, belongs = group(day)
    assert len(belongs) == len(day)
    assert len(found) < 2_000
    assert time.process_time() - began < 20


def test_the_reason_of_an_incident_of_one_session_speaks_of_what_its_title_names() -> None:
    slow = anomaly("a", "elapsed_time", detector="values", reason="It was slow.", p_value=1e-12)
    (found,), _ = group([slow, anomaly("a", reason="It ended early.", p_value=1e-4)])
    assert found.kind == "missing_end"
    assert found.reason in ("It ended early. Also: It was slow.", "It ended early.")
    worse = anomaly("a", "parameter_value", detector="values", reason="It was large.", p_value=1e-12)
    (found,), _ = group([worse, anomaly("a", "key_order", reason="It came too early.", p_value=0.5)])
    assert found.reason == "It came too early. Also: It was large."
