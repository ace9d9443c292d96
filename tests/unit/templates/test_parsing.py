"""Messages to keys and parameters."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deeplog_ops import config
from deeplog_ops.records import Template, template_id
from deeplog_ops.templates import parsing
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.for_messages import parse_all
from deeplog_ops.templates.mining import mine
from deeplog_ops.templates.parsing import CATCH_ALL, PARSED, MessageParser

SETTINGS = config.Templates()


def template(text: str, alias_of: str | None = None) -> Template:
    return Template(template_id(text), text, None, alias_of)


def parser(*texts: str) -> MessageParser:
    return MessageParser(Catalogue(tuple(map(template, texts))), SETTINGS)


def rows(parsed) -> list[tuple]:
    return [(row["key"], tuple(row["parameters"]), tuple(row["numbers"])) for row in parsed.to_pylist()]


def substituted(text: str, values: list[str]) -> str:
    first, *rest = text.split("<*>")
    assert len(rest) == len(values), (text, values)
    return first + "".join(value + literal for value, literal in zip(values, rest, strict=True))


WHITE = " \t\n\r\v\f"


def first_line(message: str) -> str:
    line = re.split(r"[\n\r]", message.strip(WHITE))[0]
    return re.sub(f"[{WHITE}]+", " ", line).strip(" ")


words = st.sampled_from(
    [
        *(
            "open",
            "close",
            "user",
            "root",
            "for",
            "Transitioned",
            "naïve",
            "日本",
            "x+",
            "a1b2c3",
            "<*>",
            "<*><*>",
        ),
        *(
            "0",
            "-7",
            "12,5",
            "1.5 KB",
            "<1 sec",
            "0x1f",
            "10.0.0.1:80",
            "/a/b.c",
            "k=v",
            "k=",
            "k=3,l=4",
            "[]",
            "()",
        ),
        *(
            "[a, b]",
            "Sat Jun 18 02:23:10 2005",
            "12 ms",
            "41%",
            "::1",
            "00:1b:44:11:3a:b7",
            "u@h.org",
            "true",
            "**",
        ),
        *(
            '"a b"',
            "'q'",
            "C:\\x\\y",
            "e3871ffd-5cd5-4287",
            "...",
            "a<*>b",
            "9s",
            "*",
            "<",
            ">",
            "<*",
            "*>",
            "{",
            "}",
        ),
    ]
)
gaps = st.sampled_from([" ", " ", " ", "", "  ", "\t", "\n", "\r\n", " ", ": ", ", "])
messages = st.one_of(
    st.lists(st.tuples(words, gaps), max_size=8).map(
        lambda parts: "".join(word + gap for word, gap in parts)
    ),
    st.text(max_size=30),
)


@given(st.lists(messages, min_size=1, max_size=12))
@settings(max_examples=300, deadline=None)
@example(["a1b2", "ab b2"])
@example([" x", "x", "x  ", "", " ", "\n\n", "<*>"])
def test_parameters_put_back_into_the_template_give_the_message(batch: list[str]) -> None:
    parsed, catalogue = parse_all(pl.Series(batch, dtype=pl.String), SETTINGS)
    assert parsed.schema.equals(PARSED)
    for message, (key, values, numbers) in zip(batch, rows(parsed), strict=True):
        assert substituted(catalogue.text(key), list(values)) == first_line(message)
        assert len(numbers) == len(values)


@given(st.lists(messages, min_size=2, max_size=12), st.data())
@settings(max_examples=150, deadline=None)
def test_keys_do_not_depend_on_order_or_on_where_a_batch_ends(batch: list[str], data: st.DataObject) -> None:
    column = pl.Series(batch, dtype=pl.String)
    known = mine(
        MessageParser(Catalogue(), SETTINGS).unmatched(column[: len(batch) // 2]).to_list(), SETTINGS
    )
    matching = MessageParser(Catalogue(tuple(known)), SETTINGS)
    shuffled = data.draw(st.permutations(range(len(batch))))
    cut = data.draw(st.integers(0, len(batch)))
    mined = mine(matching.unmatched(column).to_list(), SETTINGS, matching.catalogue)
    assert mined == mine(matching.unmatched(column.gather(shuffled)).to_list(), SETTINGS, matching.catalogue)
    day = matching.with_templates(mined)
    expected = rows(day.parse(column))
    reordered = rows(day.parse(column.gather(shuffled)))
    assert [reordered[shuffled.index(place)] for place in range(len(batch))] == expected
    assert rows(day.parse(column[:cut])) + rows(day.parse(column[cut:])) == expected


def test_long_columns_are_parsed_in_slices_that_leave_no_trace() -> None:
    batch = [
        f"sent {n} bytes to 10.0.0.{n % 250}" if n % 3 else f"user u{n} left\n at line {n}"
        for n in range(150_000)
    ]
    parsed, catalogue = parse_all(pl.Series(batch), SETTINGS)
    assert parsed.num_rows == len(batch)
    for at in (0, 1, 65_535, 65_536, 65_537, 131_072, 149_999):
        row = parsed.slice(at, 1).to_pylist()[0]
        assert substituted(catalogue.text(row["key"]), row["parameters"]) == first_line(batch[at])


def test_forgetting_shapes_seen_before_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = pl.Series([f"{'x' * (n % 97)} sent {n} to h{n}" for n in range(40_000)])
    expected, catalogue = parse_all(batch, SETTINGS)
    monkeypatch.setattr(parsing, "_PLANS_KEPT", 3)
    assert MessageParser(catalogue, SETTINGS).parse(batch).equals(expected)


def test_very_long_messages_are_mined_and_parsed_in_reasonable_time() -> None:
    batch = [
        " ".join(f"word{chr(97 + n % 26)}" for n in range(100_000)),
        "x" * 2**20,
        "a=1," * 2**18,
        "(" * 2**18,
    ]
    parsed, catalogue = parse_all(pl.Series(batch), SETTINGS)
    for message, row in zip(batch, parsed.to_pylist(), strict=True):
        assert substituted(catalogue.text(row["key"]), row["parameters"]) == message


def test_beyond_the_limit_of_distinct_messages_no_line_is_lost() -> None:
    few = config.Templates(distinct_limit=5)
    alphabet = "abcdefghijklmnopqrst"
    batch = [f"{a}{b} is [odd]" for a in alphabet for b in alphabet] + ["fan (left) stopped", "disk 7 full"]
    parsed, catalogue = parse_all(pl.Series(batch), few)
    assert parsed.num_rows == len(batch)
    assert len(catalogue.templates) <= 5
    assert [catalogue.text(key) for key in parsed["key"].to_pylist()[-2:]] == [
        "fan (left) stopped",
        "disk <*> full",
    ]
    last = parsed.to_pylist()[-3]
    assert last == {"key": CATCH_ALL.template_id, "parameters": ["tt is [odd]"], "numbers": [None]}
    assert CATCH_ALL in MessageParser(catalogue, few).templates


def test_a_message_that_begins_with_a_space_has_its_parameters() -> None:
    parsed = parser("took <*> of <*>").parse(pl.Series([" took  5 of\t7 ", "took 5 of 7"])).to_pylist()
    assert (
        parsed[0]
        == parsed[1]
        == {"key": template_id("took <*> of <*>"), "parameters": ["5", "7"], "numbers": [5, 7]}
    )


def test_the_template_of_a_joined_record_comes_from_its_first_line() -> None:
    parsed, catalogue = parse_all(
        pl.Series(["failed with 3\n\tat a.B.c(B.java:12)\n\tat d.E.f(E.java:7)"]), SETTINGS
    )
    assert catalogue.text(parsed["key"][0].as_py()) == "failed with <*>"
    assert parsed["parameters"].to_pylist() == [["3"]]


def test_null_and_empty_messages_are_the_empty_template() -> None:
    parsed, catalogue = parse_all(pl.Series([None, "", "  \n "], dtype=pl.String), SETTINGS)
    assert {catalogue.text(key) for key in parsed["key"].to_pylist()} == {""}
    assert MessageParser(Catalogue(), SETTINGS).parse(pl.Series([], dtype=pl.String)).num_rows == 0


def test_what_matches_no_template_gets_the_catch_all_and_keeps_its_line() -> None:
    parsed = parser("known <*>").parse(pl.Series(["known 1", "never seen 2 times"])).to_pylist()
    assert [row["key"] for row in parsed] == [template_id("known <*>"), CATCH_ALL.template_id]
    assert parsed[1]["parameters"] == ["never seen 2 times"]


def test_the_narrowest_of_several_templates_matches() -> None:
    narrow_and_wide = parser("<*> <*> <*>", "user <*> <*>", "user <*> left")
    parsed = narrow_and_wide.parse(pl.Series(["user bob left", "user bob came", "who bob left"]))
    assert parsed["key"].to_pylist() == [
        template_id(text) for text in ("user <*> left", "user <*> <*>", "<*> <*> <*>")
    ]


def test_a_key_of_the_catalogue_does_not_change_when_the_day_mines_more() -> None:
    known = parser("user <*> left")
    more = known.with_templates([template("user root left"), template("disk <*> full")])
    messages = pl.Series(["user root left", "disk 7 full"])
    assert more.parse(messages)["key"].to_pylist() == [
        template_id("user <*> left"),
        template_id("disk <*> full"),
    ]


def test_a_list_matches_a_template_of_lists_at_any_length() -> None:
    parsed = (
        parser("got <*> done")
        .parse(pl.Series(["got 1 done", "got 1, 2, 3 done", "got 1 2 done"]))
        .to_pylist()
    )
    assert [row["parameters"] for row in parsed] == [["1"], ["1, 2, 3"], ["1 2"]]


def test_aliased_templates_parse_to_the_oldest_id_with_the_widest_text() -> None:
    old, wide = template("user root left"), template("user <*> left", template_id("user root left"))
    chained = template("user <*> left now", wide.template_id)
    catalogue = Catalogue((old, wide, chained))
    parsed = MessageParser(catalogue, SETTINGS).parse(
        pl.Series(["user root left", "user bob left", "user bob left now"])
    )
    assert parsed["key"].to_pylist() == [old.template_id] * 3
    assert parsed["parameters"].to_pylist() == [["root"], ["bob"], ["bob"]]


def test_a_sources_own_masks_come_first_and_keep_parameters_whole() -> None:
    own = config.Templates(masks=(config.Mask(name="order", pattern=r"order [A-Z]+/[A-Z]+"),))
    batch = ["paid order AB/CD in 5 s", "paid order X/Y in 7 s", "paid nothing"]
    parsed, catalogue = parse_all(pl.Series(batch), own)
    assert parsed["parameters"].to_pylist() == [["order AB/CD", "5 s"], ["order X/Y", "7 s"], []]
    assert catalogue.text(parsed["key"][0].as_py()) == "paid <*> in <*>"


NUMBERS = [
    ("5", 5.0),
    ("-17", -17.0),
    ("0.25", 0.25),
    ("2.5e-05", 2.5e-05),
    ("41%", 41.0),
    ("5.2 KB", 5324.8),
    ("64172MB", 64172 * 2**20),
    ("200 ms", 0.2),
    ("<1 sec", 1.0),
    ("3 days", 259200.0),
    ("0x1f", None),
    ("10.0.0.1", None),
    ("02:23:10", None),
    ("blk_5", None),
    ("5e10", None),
    ("true", None),
]


@pytest.mark.parametrize(("value", "number"), NUMBERS)
def test_parameters_that_are_quantities_are_typed(value: str, number: float | None) -> None:
    row = parser("value: <*>").parse(pl.Series([f"value: {value}"])).to_pylist()[0]
    assert row["parameters"] == [value]
    assert row["numbers"] == [pytest.approx(number) if number is not None else None]


def test_words_that_floats_would_take_are_not_numbers() -> None:
    parsed = parser("value <*>").parse(pl.Series(["value nan", "value inf", "value Infinity"]))
    assert parsed["numbers"].to_pylist() == [[None]] * 3


def test_ids_are_the_same_for_ever() -> None:
    assert template_id("Receiving block <*> src: <*> dest: <*>") == "3b9d6d07fd628385"


PROGRAM = """
import polars as pl
from deeplog_ops import config
from deeplog_ops.templates.for_messages import parse_all
batch = [f"user {w} {v} host h{n}" for n, w in enumerate("ann bob cyd dan eve fay gus".split()) for v in ("left", "came")]
parsed, catalogue = parse_all(pl.Series(batch), config.Templates())
print(parsed.to_pylist(), catalogue.to_rows())
"""


def test_another_process_with_another_hash_seed_says_the_same() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    ]
    assert said[0]
    assert said[0] == said[1] == said[2]
