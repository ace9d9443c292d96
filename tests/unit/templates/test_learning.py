"""Mining and learning: what becomes a template, and what it is called for ever."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplog_ops import config
from deeplog_ops.errors import ModelError
from deeplog_ops.records import Template, template_id
from deeplog_ops.templates import pieces
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.learning import learn
from deeplog_ops.templates.mining import mine, within_limit
from deeplog_ops.templates.parsing import MessageParser

SETTINGS = config.Templates()
DAYS = [date(2024, 1, day) for day in range(1, 29)]


def texts(mined: list[Template]) -> list[str]:
    return [template.text for template in mined]


def after_days(*days: list[str]) -> Catalogue:
    known = Catalogue()
    for day, batch in zip(DAYS, days, strict=False):
        parser = MessageParser(known, SETTINGS)
        known = learn(
            known, mine(parser.unmatched(pl.Series(batch)).to_list(), SETTINGS, known), day, SETTINGS
        )
    return known


def test_many_words_at_one_place_are_a_variable_and_few_are_not() -> None:
    states = [f"machine {state} (event)" for state in ("Paused", "Resumed", "Started", "Stopped")]
    users = [f"session closed for user {user}" for user in ("ann", "bob", "cyd", "dan", "eve", "fay")]
    assert texts(mine(sorted(states + users), SETTINGS)) == [*states, "session closed for user <*>"]


def test_few_values_are_enough_behind_an_equals_sign() -> None:
    assert texts(mine([f"login mode={mode} ok" for mode in ("a", "b", "c", "d")], SETTINGS)) == [
        "login mode=<*> ok"
    ]


def test_words_that_follow_the_same_word_in_two_sentences_count_together() -> None:
    closed = [f"session closed for user {user}" for user in ("ann", "bob", "cyd", "dan")]
    opened = [f"session opened for user {user} today" for user in ("ann", "bob")]
    assert texts(mine(closed + opened, SETTINGS)) == [
        "session closed for user <*>",
        "session opened for user <*> today",
    ]


def test_a_literal_beside_its_wildcard_sibling_is_the_sibling() -> None:
    assert texts(mine(["chdir(<*>) failed", "chdir(pwd) failed"], SETTINGS)) == ["chdir(<*>) failed"]


def test_lists_of_different_length_are_one_template() -> None:
    assert texts(mine(["stack <*> <*>", "stack <*> <*> <*>", "depth <*>"], SETTINGS)) == [
        "depth <*>",
        "stack <*>",
    ]


def test_the_first_word_of_a_sentence_stays() -> None:
    services = [f"{name} startup succeeded" for name in ("a", "b", "c", "d", "e", "f", "g", "h")]
    assert texts(mine(services, SETTINGS)) == services


def test_mining_looks_at_the_known_siblings_but_gives_only_what_the_day_needs() -> None:
    known = after_days([f"session closed for user {user}" for user in ("ann", "bob", "cyd", "dan", "eve")])
    assert len(known.templates) == 5
    assert texts(mine(["disk is full", "session closed for user fay"], SETTINGS, known)) == [
        "disk is full",
        "session closed for user <*>",
    ]


def test_beyond_the_limit_the_kind_with_most_texts_stays_out() -> None:
    free = [f"note: {word} said so" for word in ("ab", "ac", "ad", "ae", "af", "ag")]
    kept = within_limit([*free, "a (b) c", "a [b] c"], 4)
    assert kept == ["a (b) c", "a [b] c", *free[:2]]


def test_a_later_day_adds_templates_and_keeps_those_before() -> None:
    first = after_days(["disk <*> full", "user left"])
    second = after_days(["disk <*> full", "user left"], ["fan stopped"])
    assert second.templates[: len(first.templates)] == first.templates
    assert second.templates[-1] == Template(template_id("fan stopped"), "fan stopped", DAYS[1])


def test_templates_that_turn_out_to_be_one_become_aliases_of_the_oldest() -> None:
    users = ("ann", "bob", "cyd", "dan", "eve", "fay")
    known = after_days(*[[f"session closed for user {user}"] for user in users])
    oldest = template_id("session closed for user ann")
    assert {known.resolve(template.template_id) for template in known.templates} == {oldest}
    assert known.text(template_id("session closed for user eve")) == "session closed for user <*>"
    parsed = MessageParser(known, SETTINGS).parse(
        pl.Series(["session closed for user ann", "session closed for user gus"])
    )
    assert parsed["key"].to_pylist() == [oldest, oldest]
    assert parsed["parameters"].to_pylist() == [["ann"], ["gus"]]


word = st.sampled_from(["ann", "bob", "cyd", "dan", "eve", "fay", "gus", "5", "x=1", "x=a", "x=b", "(y)"])
message = st.lists(word, min_size=1, max_size=4).map(" ".join)


@given(st.lists(st.lists(message, min_size=1, max_size=10), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_learning_never_renumbers_reuses_or_drops(days: list[list[str]]) -> None:
    known = Catalogue()
    for day, batch in zip(DAYS, days, strict=False):
        parser = MessageParser(known, SETTINGS)
        missing = parser.unmatched(pl.Series(batch))
        after = learn(known, mine(missing.to_list(), SETTINGS, known), day, SETTINGS)
        assert [(t.template_id, t.text, t.first_seen) for t in after.templates[: len(known.templates)]] == [
            (t.template_id, t.text, t.first_seen) for t in known.templates
        ]
        for template in known.templates:
            if template.alias_of is not None:  # an alias once made stays
                assert after.by_id[template.template_id].alias_of == template.alias_of
        ages = {template.template_id: age for age, template in enumerate(after.templates)}
        for template in after.templates:
            assert template.alias_of is None or ages[template.alias_of] < ages[template.template_id]
        assert MessageParser(after, SETTINGS).unmatched(pl.Series(batch)).is_empty()
        known = after


@given(st.lists(message, min_size=1, max_size=14))
@settings(max_examples=150, deadline=None)
def test_every_mined_message_is_covered_by_one_of_the_templates(batch: list[str]) -> None:
    masked = MessageParser(Catalogue(), SETTINGS).unmatched(pl.Series(batch)).to_list()
    mined = [pieces.split(text) for text in texts(mine(masked, SETTINGS))]
    for text in masked:
        assert any(pieces.covers(general, pieces.split(text)) for general in mined)
    assert texts(mine(masked[::-1], SETTINGS)) == texts(mine(masked, SETTINGS))


def test_learning_nothing_changes_nothing() -> None:
    known = after_days(["disk <*> full"], ["user left"])
    assert learn(known, [], DAYS[5], SETTINGS) == known
    assert learn(known, known.templates, DAYS[5], SETTINGS) == known


def test_a_catalogue_comes_back_from_its_rows() -> None:
    known = after_days(
        *[[f"session closed for user {user}", "x 5"] for user in ("a", "b", "c", "d", "e", "f")]
    )
    assert any(template.alias_of for template in known.templates)
    assert Catalogue.from_rows(known.to_rows()) == known


def one(text: str, alias_of: str | None = None) -> Template:
    return Template(template_id(text), text, None, alias_of)


@pytest.mark.parametrize(
    ("templates", "complaint"),
    [
        ((Template("0000", "a"),), "not named by its text"),
        ((one("a"), one("a")), "twice"),
        ((one("a", alias_of=template_id("b")), one("b", alias_of=template_id("a"))), "circle"),
        ((one("a", alias_of=template_id("gone")),), "not there"),
    ],
)
def test_a_damaged_catalogue_is_refused(templates: tuple[Template, ...], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        Catalogue(templates)


def test_a_row_that_is_no_template_is_named() -> None:
    with pytest.raises(ModelError, match="row 1"):
        Catalogue.from_rows([{"text": "a"}])
