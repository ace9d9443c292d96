from __future__ import annotations

import json
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from deeplog_ops.config_detection import Values
from deeplog_ops.detection import value_words as words
from deeplog_ops.detection.value_calibration import ValueCalibration
from deeplog_ops.detection.values import DETECTOR, value_anomalies
from deeplog_ops.errors import ModelError
from deeplog_ops.models.value_models import NormalScores, ValueModels
from deeplog_ops.records import Anomaly
from tests.unit.models.value_rows import QUICK, Event, fitted, reads, rows_of

TEXTS = {
    "open": "request <*> from <*>",
    "read": "read <*> in <*> by <*>",
    "close": "closed with status <*>",
}
SETTINGS = Values(false_alarms=0.001)


@cache
def normal() -> tuple[ValueModels, NormalScores]:
    return fitted(reads(1500))


def judged(sessions: list[list[Event]], settings: Values = SETTINGS, lone: bool = False) -> list[Anomaly]:
    models, scores = normal()
    calibration = ValueCalibration.fit(scores, sessions=1500, events=0)
    return judged_rows(rows_of(sessions, lone=lone), models, calibration, settings)


def judged_rows(
    rows: pl.DataFrame, models: ValueModels, calibration: ValueCalibration, settings: Values
) -> list[Anomaly]:
    scores = models.day(calibration.least(settings))
    scores.add(rows)
    return value_anomalies(
        scores.findings(), models.keys, calibration, settings,
        source_key="s", day=date(2026, 3, 9), model_version="v1", texts=TEXTS,
    )  # fmt: skip


def session(
    read: list[str], seconds: float = 0.2, host: str = "10.1.1.5:4000", status: str = "200"
) -> list[Event]:
    return [("open", 0.0, ["req-0a0a0a0a", host]), ("read", seconds, read), ("close", 0.01, [status])]


USUAL = ["30000 bytes", "50 ms", "v1"]


def test_normal_sessions_have_no_anomaly() -> None:
    assert judged([session(USUAL)] * 3) == []


def test_a_slow_answer_is_told_with_what_is_typical() -> None:
    (found,) = judged([session(["30000 bytes", "700 ms", "v1"])])
    assert (found.detector, found.kind, found.session, found.template_id) == (
        DETECTOR,
        "parameter_value",
        "s0",
        "read",
    )
    assert found.reason.startswith('"read <*> in <*> by <*>": the 2nd value was 700 ms, typically 5')
    assert "(at most " in found.reason
    (field,) = found.details["fields"]
    assert field["place"] == 1
    assert field["name"] == "in"
    assert field["actual"] == pytest.approx(0.7)
    assert field["low"] is None
    assert field["typical"] < field["high"] < 0.7
    assert field["unit"] == "s"
    assert field["model"] == "quantile"
    assert found.score > found.threshold
    assert 0 < found.p_value <= SETTINGS.false_alarms  # type: ignore[operator]
    assert found.where.line_no == 2
    json.dumps(found.details, allow_nan=False)


def test_a_late_event_is_told_with_the_one_before_it() -> None:
    (found,) = judged([session(USUAL, seconds=31.2)])
    assert found.kind == "elapsed_time"
    assert found.reason.startswith(
        '"read <*> in <*> by <*>" came 31.2 s after "request <*> from <*>", typically '
    )
    assert found.details["fields"][0]["after"] == "open"
    assert found.locator == "file:2:-1"


def test_an_unknown_address_is_told_by_its_network() -> None:
    (found,) = judged([session(USUAL, host="203.0.113.7:40000")])
    assert found.kind == "new_value"
    assert found.reason == (
        '"request <*> from <*>": the 2nd value was "203.0.113.7:40000", of which the network of 8 bits '
        "was never seen there in 1,500 events (usual: 10.*)."
    )
    assert found.details["fields"][0]["typical"] == ["10.*"]


def test_a_size_is_told_with_the_bound_that_it_left() -> None:
    (found,) = judged([session(["9000000000000 bytes", "50 ms", "v1"])])
    assert "the 1st value was 9,000,000,000,000 bytes, typically " in found.reason
    assert " (at most " in found.reason


def test_what_is_rare_in_one_event_is_one_anomaly_with_a_row_a_place() -> None:
    (found,) = judged([session(["0 bytes", "900 ms", "v9"], seconds=60.0)])
    kinds = [(field["kind"], field["place"]) for field in found.details["fields"]]
    assert sorted(kinds) == [
        ("elapsed_time", -1), ("new_value", 2), ("parameter_value", 0), ("parameter_value", 1)
    ]  # fmt: skip
    scores = [field["score"] for field in found.details["fields"]]
    assert scores == sorted(scores, reverse=True)
    assert found.kind == kinds[0][0]


def test_many_rare_values_at_one_place_of_a_session_are_one_anomaly_that_counts_them() -> None:
    slow: Event = ("read", 0.2, ["30000 bytes", "700 ms", "v1"])
    slower: Event = ("read", 0.2, ["30000 bytes", "900 ms", "v1"])
    (found,) = judged([[("open", 0.0, ["req-0a0a0a0a", "10.1.1.5:4000"]), slow, slower, slow]])
    assert found.event_count == 3
    assert found.where.line_no == 3
    assert found.first_time < found.last_time  # type: ignore[operator]
    two = judged([session(slow[2]), session(slow[2])])
    assert [each.session for each in two] == ["s0", "s1"]
    assert len({each.anomaly_id for each in two}) == 2


def test_the_same_events_give_the_same_anomalies_in_any_order() -> None:
    models, scores = normal()
    calibration = ValueCalibration.fit(scores, sessions=1500, events=0)
    rows = rows_of([session(USUAL, seconds=40.0 + i) for i in range(6)] + [session(USUAL)])
    one = judged_rows(rows, models, calibration, SETTINGS)
    other = judged_rows(rows.sample(fraction=1.0, shuffle=True, seed=1), models, calibration, SETTINGS)
    assert one == other
    assert [found.score for found in one] == sorted((found.score for found in one), reverse=True)


def test_a_smaller_budget_flags_less() -> None:
    _, scores = normal()
    calibration = ValueCalibration.fit(scores, sessions=1500, events=0)
    bounds = [
        calibration.least(Values(false_alarms=share))["number", True] for share in (0.1, 0.01, 0.001, 0.0001)
    ]
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[-1] - 3


def test_the_budget_is_kept_on_sessions_that_training_did_not_see() -> None:
    settings = Values(false_alarms=0.02)
    flagged = {found.session for found in judged(reads(4000, seed=91), settings)}
    assert 0.004 < len(flagged) / 4000 < 0.03


def test_a_fixed_bound_is_that_of_one_interval() -> None:
    _, scores = normal()
    calibration = ValueCalibration.fit(scores, sessions=1500, events=0)
    least = calibration.least(Values(bound=0.99))
    assert list(least.values()) == pytest.approx([5.2983] * 4, abs=1e-4)
    assert len(judged(reads(300, seed=92), Values(bound=0.98))) > 5


def test_events_without_a_session_share_a_budget_however_many_they_are() -> None:
    lone = [[("beat", 0.0, [f"{value:.3f}"])] for value in np.random.default_rng(12).normal(5, 0.1, 3000)]
    models, scores = ValueModels.fit(rows_of(lone, lone=True), QUICK)
    few = ValueCalibration.fit(scores, sessions=3000, events=30)
    many = ValueCalibration.fit(scores, sessions=3, events=3000)
    assert many.least(SETTINGS)["number", False] > few.least(SETTINGS)["number", False] + 1
    (found,) = judged_rows(rows_of([[("beat", 0.0, ["9.0"])]], lone=True), models, few, SETTINGS)
    assert found.session is None
    assert found.locator == "lone:1:0"
    assert found.first_time == found.last_time


def test_a_calibration_survives_the_round_trip_and_nonsense_is_refused() -> None:
    calibration = ValueCalibration.fit(normal()[1], sessions=1500, events=7)
    again = ValueCalibration.from_dict(json.loads(json.dumps(calibration.to_dict(), allow_nan=False)))
    assert again == calibration
    with pytest.raises(ModelError, match="no calibration of values"):
        ValueCalibration.from_dict({"sessions": {}})


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 ms"),
        (0.0352, "s", "35.2 ms"),
        (2e-5, "s", "20 µs"),
        (31.24, "s", "31.2 s"),
        (600.0, "s", "10.0 min"),
        (67108864.0, "bytes", "67,108,864 bytes"),
        (41.0, "%", "41%"),
        (0.123456, "", "0.1235"),
        (1e300, "", "1e+300"),
    ],
)
def test_numbers_are_written_as_people_write_them(value: float, unit: str, text: str) -> None:
    assert words.number(value, unit) == text


def test_places_are_named_by_the_words_before_them() -> None:
    text = "Receiving block <*> of size <*>, took=<*>"
    assert [words.place_name(text, place) for place in range(4)] == ["Receiving block", "of size", "took", ""]
    assert [words.ordinal(place) for place in (0, 1, 2, 3, 10, 20)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "21st",
    ]
