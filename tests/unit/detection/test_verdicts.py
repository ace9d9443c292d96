from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplog_ops.config import Detection, KeyModelSettings
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.session_findings import _finding
from deeplog_ops.detection.strange_stretch import Stretch
from deeplog_ops.detection.verdicts import anomalies, flagged
from deeplog_ops.errors import LakeError
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.records import Anomaly, stable_id
from deeplog_ops.schemas import SESSIONS

NORMAL = [("open", "write", "write", "close"), ("open", "write", "check", "write", "close")]
TEXTS = {
    "open": "opened <*>",
    "write": "wrote <*> bytes",
    "check": "checked",
    "close": "closed <*>",
    "burnt": "on fire",
}
BUDGET = Detection(false_alarms=0.01)
START = datetime(2026, 3, 1, tzinfo=UTC)
EVIDENCE = SessionEvidence.fit(NORMAL, [300, 200], budget=0.01)


@pytest.fixture(scope="module")
def model() -> KeyModel:
    settings = KeyModelSettings(epochs=20, hidden=16, embedding=8, device="cpu")
    return KeyModel.fit(NORMAL, [300, 200], settings)[0]


def sessions_of(sequences: list[tuple[str, ...]], judged: bool = True) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "session": f"s{number}",
                "piece": 0,
                "first_time": START,
                "last_time": START + timedelta(seconds=len(keys)),
                "closed_at": None,
                "open": False,
                "judged": judged,
                "sequence_id": stable_id("sequence", *keys),
                "keys": list(keys),
                "times": [START] * len(keys),
                "file_ids": [f"f{number}"] * len(keys),
                "line_nos": list(range(10, 10 + len(keys))),
                "byte_offsets": [100 * place for place in range(len(keys))],
            }
            for number, keys in enumerate(sequences)
        ],
        schema=SESSIONS,
    )


def judged(
    model: KeyModel, sequences: list[tuple[str, ...]], sessions: pa.Table | None = None
) -> list[Anomaly]:
    scores = model.score(sorted(set(sequences)), expected=3)
    found, p_values = flagged(scores, EVIDENCE, BUDGET, TEXTS)
    assert len(p_values) == scores.num_rows
    made = anomalies(
        sessions_of(sequences) if sessions is None else sessions,
        found,
        scores["sequence_id"].combine_chunks(),
        EVIDENCE.thresholds(BUDGET.false_alarms)[0],
        source_key="demo",
        day=date(2026, 3, 1),
        model_version="v1",
    )
    return [anomaly for anomaly, _ in made]


def test_normal_sessions_are_no_anomalies(model: KeyModel) -> None:
    assert judged(model, NORMAL * 3) == []


def test_the_kind_says_what_went_wrong_at_the_worst_place(model: KeyModel) -> None:
    found = judged(
        model,
        [("open", "write"), ("open", "burnt", "write", "close"), ("open", "open", "write", "write", "close")],
    )
    assert {anomaly.session: anomaly.kind for anomaly in found} == {
        "s0": "missing_end",
        "s1": "unknown_template",
        "s2": "key_order",
    }


def test_an_anomaly_points_at_its_worst_line_and_keeps_what_was_expected(model: KeyModel) -> None:
    (found,) = judged(model, [("open", "burnt", "write", "close")])
    assert (found.where.file_id, found.where.line_no, found.where.byte_offset) == ("f0", 11, 100)
    assert found.template_id == "burnt"
    assert found.expected[0].key == "write"
    assert found.score > found.threshold
    assert found.p_value is not None
    assert found.p_value <= BUDGET.false_alarms
    assert (
        'After "opened <*>" came "on fire", which training never saw; expected "wrote <*> bytes"'
        in found.reason
    )


def test_a_missing_end_points_at_the_last_line(model: KeyModel) -> None:
    (found,) = judged(model, [("open", "write")])
    assert found.where.line_no == 11
    assert found.template_id is None
    assert found.reason.startswith('The session ended after "wrote <*> bytes"')


def test_sessions_that_another_day_judges_are_left_to_it(model: KeyModel) -> None:
    sequences = [("open", "write")]
    assert judged(model, sequences, sessions_of(sequences, judged=False)) == []


def test_a_sequence_without_a_score_is_a_clear_error(model: KeyModel) -> None:
    with pytest.raises(LakeError, match="1 judged sessions have no score, s0 among them"):
        judged(model, NORMAL, sessions_of([("open",)]))


def test_ids_differ_between_sessions_and_pieces_and_stay_when_judged_again(model: KeyModel) -> None:
    found = judged(model, [("open", "write")] * 3)
    assert len({anomaly.anomaly_id for anomaly in found}) == 3
    assert found == judged(model, [("open", "write")] * 3)


keys = st.sampled_from(["open", "write", "check", "close", "burnt"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(keys, min_size=1, max_size=6).map(tuple), min_size=1, max_size=12))
def test_work_done_once_a_sequence_agrees_with_judging_every_session_alone(
    model: KeyModel, sequences: list[tuple[str, ...]]
) -> None:
    sessions = sessions_of(sequences)
    alone = [
        anomaly
        for number, sequence in enumerate(sequences)
        for anomaly in judged(model, [sequence], sessions.slice(number, 1))
    ]
    together = judged(model, sequences)
    assert sorted(together, key=lambda a: a.locator) == sorted(alone, key=lambda a: a.locator)
    assert [a.score for a in together] == sorted((a.score for a in together), reverse=True)


def test_a_name_that_came_back_on_the_same_day_names_two_anomalies(model: KeyModel) -> None:
    rows = sessions_of([("open", "write")] * 2).to_pylist()
    rows[1]["session"] = rows[0]["session"]
    found = judged(model, [("open", "write")], pa.Table.from_pylist(rows, schema=SESSIONS))
    assert sorted(anomaly.locator for anomaly in found) == ["0:s0", "0:s0:2"]
    again = judged(model, [("open", "write")], pa.Table.from_pylist(rows[::-1], schema=SESSIONS))
    assert {anomaly.anomaly_id: anomaly.where for anomaly in again} == {
        anomaly.anomaly_id: anomaly.where for anomaly in found
    }


def test_what_came_too_often_is_told_where_no_place_is_odd(model: KeyModel) -> None:
    (found,) = judged(model, [("open", *["write", "check"] * 9, "write", "close")])
    assert "Compared with the most similar normal session" in found.reason
    assert found.details["differences"][0]["came"] > found.details["differences"][0]["usual"]


def test_a_name_that_came_back_in_another_table_of_the_day_names_two_anomalies(model: KeyModel) -> None:
    scores = model.score([("open", "write")], expected=3)
    found, _ = flagged(scores, EVIDENCE, BUDGET, TEXTS)
    named: Counter[tuple[str, int]] = Counter()
    made = [
        anomaly.locator
        for _ in range(2)
        for anomaly, _ in anomalies(
            sessions_of([("open", "write")]),
            found,
            scores["sequence_id"].combine_chunks(),
            1.0,
            source_key="demo",
            day=date(2026, 3, 1),
            model_version="v1",
            named=named,
        )
    ]
    assert made == ["0:s0", "0:s0:2"]


def test_what_the_sentence_says_of_the_key_agrees_with_what_was_expected(model: KeyModel) -> None:
    """Both are of one model: the chances of what came and of what was expected make up no more than 1."""
    for odd in (("open", "open", "write", "write", "close"), ("open", "write", "close", "write", "close")):
        (found,) = judged(model, [odd])
        told = re.search(r"\(probability (?:under )?([\d.e-]+)(?:, (\d+) others? likelier)?\)", found.reason)
        assert told, found.reason
        assert float(told[1]) + found.expected[0].probability <= 1.0001
        assert told[2] != "0"


def test_a_strange_stretch_whose_worst_place_is_the_end_is_a_missing_end() -> None:
    keys = ["open", "write"]
    order = EVIDENCE.supported.order
    row = {"keys": keys, "rank": [0] * 3, "probability": [1.0] * 3}
    told = _finding(
        row, 2.0, 1e-4, np.array([5.0, 6.0, 9.0]), [], Stretch(0, 2, 3),
        frozenset(order.vocabulary.keys), EVIDENCE, BUDGET, TEXTS, {},
    )  # fmt: skip
    assert (told.kind, told.worst, told.template_id) == ("missing_end", 2, None)


def test_a_session_that_ends_as_expected_has_no_missing_end() -> None:
    """Its counts are odd, and the place that surprises most is its end, which surprises nobody."""
    keys = ["open", "write", "close"]
    order = EVIDENCE.supported.order
    row = {"keys": keys, "rank": [0] * 4, "probability": [1.0] * 4}
    told = _finding(
        row, 2.0, 1e-4, np.array([0.1, 0.1, 0.1, 0.2]), [("write", 1, 2)], None,
        frozenset(order.vocabulary.keys), EVIDENCE, BUDGET, TEXTS, {},
    )  # fmt: skip
    assert told.kind == "key_counts"
    assert "ended" not in told.reason
