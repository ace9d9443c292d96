from __future__ import annotations

import time
from dataclasses import replace
from random import Random
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplog_ops.workflows.blocks import Choice, Leaf, Seq
from deeplog_ops.workflows.diagnosis import OffParameter, _missing, diagnose, words
from deeplog_ops.workflows.discovery import by_cooccurrence
from deeplog_ops.workflows.graph import Workflow
from deeplog_ops.workflows.picture import dot, svg
from deeplog_ops.workflows.replay import replay
from tests.unit.workflows.known_graphs import Grower, write

TEXTS = {
    "open": "Opened <*> for <*>",
    "read": "Read <*> bytes",
    "check": "Checked sum <*>",
    "log": "Wrote audit line",
    "close": "Closed <*>",
    "fail": 'Disk <*> says "<full>" & gave up',
}


@pytest.fixture(scope="module")
def workflow() -> Workflow:
    """open, then read+ and at once check then log, then close."""
    rng = Random(1)
    sessions = []
    for _ in range(300):
        one, other = ["read"] * rng.randint(1, 4), ["check", "log"]
        order = ["one"] * len(one) + ["other"] * len(other)
        rng.shuffle(order)
        middle = [one.pop(0) if side == "one" else other.pop(0) for side in order]
        sessions.append(["open", *middle, "close"])
    return by_cooccurrence(sessions)


def test_a_session_is_replayed_node_by_node(workflow: Workflow) -> None:
    walk = replay(workflow, ["open", "check", "read", "log", "read", "close"])
    assert walk.accepted
    assert [workflow.key_of(node) for node in walk.nodes] == ["open", "check", "read", "log", "read", "close"]
    assert walk.edges[-1] == (walk.nodes[-1], "end")


def test_the_place_where_a_session_leaves_has_its_open_branches(workflow: Workflow) -> None:
    walk = replay(workflow, ["open", "read", "check", "close"])
    assert (walk.accepted, walk.place) == (False, 3)
    assert {workflow.key_of(node) for node in walk.expected} == {"read", "log"}
    waiting = sorted(workflow.key_of(node) for branch in walk.open_branches for node in branch)
    assert waiting == ["log", "read"]


def test_a_session_that_stops_early_leaves_after_its_last_event(workflow: Workflow) -> None:
    walk = replay(workflow, ["open", "read"])
    assert (walk.accepted, walk.place, len(walk.nodes)) == (False, 2, 2)


def test_ten_thousand_events_take_time_in_proportion(workflow: Workflow) -> None:
    def seconds(reads: int) -> float:
        begun = time.perf_counter()
        assert replay(workflow, ["open", *["read"] * reads, "check", "log", "close"]).accepted
        return time.perf_counter() - begun

    seconds(100)
    assert seconds(10_000) < 30 * seconds(1_000) + 0.5


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 5),
    keys=st.lists(st.sampled_from([*(f"k{n}" for n in range(1, 9)), "new"]), max_size=30),
)
def test_no_session_breaks_replay_diagnosis_words_or_picture(seed: int, keys: list[str]) -> None:
    found = _known(seed)
    walk = replay(found, keys)
    told = diagnose(found, keys, worst=len(keys) // 2)
    assert told.fits == walk.accepted
    assert words(told, {})
    ElementTree.fromstring(svg(found, {}, told))
    if not walk.accepted:
        assert walk.place is not None
        assert replay(found, keys[: walk.place]).nodes == walk.nodes


_KNOWN: dict[int, Workflow] = {}


def _known(seed: int) -> Workflow:
    if seed not in _KNOWN:
        rng = Random(seed)
        block = Grower(rng).grow(8)
        _KNOWN[seed] = by_cooccurrence([write(block, rng) for _ in range(200)])
    return _KNOWN[seed]


def test_a_wrong_line_is_told_with_what_was_expected_and_what_never_came(workflow: Workflow) -> None:
    told = diagnose(
        workflow, ["open", "read", "check", "fail"], off=[OffParameter(1, "bytes", "9000", "1 to 50")]
    )
    assert (told.conformed, told.came, told.known, told.missing) == (2, "fail", False, ("log", "close"))
    assert words(told, TEXTS) == (
        "The session follows the usual workflow up to line 3; then "
        '"Disk <*> says "<full>" & gave up" came, which the workflow does not know.',
        'Expected there: "Wrote audit line" or "Read <*> bytes".',
        'Never came: "Wrote audit line" and "Closed <*>".',
        "Line 2: bytes was 9000; typical is 1 to 50.",
    )


def test_an_early_end_an_empty_session_and_a_usual_one_are_told_apart(workflow: Workflow) -> None:
    early = words(diagnose(workflow, ["open", "read", "check", "log"]), TEXTS)
    assert early[0] == "The session stopped early: all its lines follow the usual workflow, up to line 4."
    assert '"Closed <*>"' in early[1]
    assert words(diagnose(workflow, []), TEXTS)[0] == "The session has no lines at all."
    usual = ["open", "read", "check", "log", "close"]
    assert words(diagnose(workflow, usual), TEXTS) == ("Every line follows the usual workflow to its end.",)
    worst = words(diagnose(workflow, usual, worst=1), TEXTS)
    assert worst == ('Every line follows the usual workflow; line 2, "Read <*> bytes", stands out.',)
    assert (
        words(diagnose(workflow, ["close"]), TEXTS)[0]
        == 'The session began wrongly: "Closed <*>" came first.'
    )


def test_where_ways_begin_alike_what_came_later_says_which_was_taken(workflow: Workflow) -> None:
    """The walk stops at a line that nobody knows, where both ways were still open, and takes the first."""
    hit, miss = ["get", "hit", "answer"], ["get", "miss", "find", "answer"]
    ways = tuple(
        Seq(tuple(Leaf(f"{way}{place}", key) for place, key in enumerate(keys)))
        for way, keys in (("m", miss), ("h", hit))
    )
    found = replace(workflow, root=Choice(ways))
    assert _missing(found, ["get", "odd", "hit", "answer"], ("m0",)) == ()
    assert _missing(found, ["get", "odd", "miss", "answer"], ("m0",)) == ("find",)


def test_of_many_values_that_were_off_a_few_are_told(workflow: Workflow) -> None:
    off = [OffParameter(place, "bytes", "9", "1") for place in range(1000)]
    said = words(diagnose(workflow, ["open", "read"], off=off), TEXTS)
    assert len(said) < 12
    assert said[-1] == "995 more values were off."


def test_long_templates_are_shortened_in_words(workflow: Workflow) -> None:
    said = words(diagnose(workflow, ["open", "stack"]), {**TEXTS, "stack": "at org.example.Frame " * 50})
    assert max(map(len, said)) < 320


def test_the_picture_is_well_formed_and_escapes_what_templates_say(workflow: Workflow) -> None:
    texts = {**TEXTS, "read": 'Read <b>&"all"</b>'}
    picture = svg(workflow, texts, diagnose(workflow, ["open", "fail"]))
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    titles = [title.text or "" for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any(title.startswith('Read <b>&"all"</b>') for title in titles)
    assert "<b>" not in picture
    assert picture == svg(workflow, texts, diagnose(workflow, ["open", "fail"]))
    assert 'fill="#ffffff"' in picture  # a ground of its own, for dark pages too


def test_dot_names_every_node_and_edge(workflow: Workflow) -> None:
    text = dot(workflow, {**TEXTS, "read": 'Read "all"'})
    assert text.count(" -> ") == len(workflow.edges)
    assert 'label="Read \\"all\\""' in text
