"""Parameters cut out of whole columns are what is cut out of each line by its shape, one by one."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deeplog_ops import config
from deeplog_ops.templates import masks, parameters, parsing
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.for_messages import parse_all
from deeplog_ops.templates.lines import column, first_lines
from deeplog_ops.templates.mining import mine
from deeplog_ops.templates.shapes import joined, kept, places, shapes, starts

OWN = config.Templates(masks=(config.Mask(name="order", pattern=r"order [A-Z]+|k=\S+"),))
part = st.sampled_from(
    [
        *(
            "open",
            "é",
            "k=",
            "order AB",
            "<*>",
            "beef",
            "a1b2",
            "eth0",
            "x",
            "-",
            "+",
            ".",
            "%",
            "~",
            "<",
            "/",
        ),
        *("0", "-7", "+3", "5.", ".5", "1.5", "1.2.3", "12,5", "5e10", "2.5e-05", "2.5E+7", "1.5e3", "0x1f"),
        *("1.5 KB", "<1 sec", "<~2ms", "5B", "5d", "7bytes", "3 days", "9 percent", "41%", "nan", "inf", "٣"),
    ]
)
message = st.lists(st.tuples(part, st.sampled_from([" ", " ", "  ", "", ":", "=", "\n"])), max_size=7).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)


def by_the_shape(text: str, line: str) -> list[str]:
    """The parameters of one line: every byte of its shape is looked up in the line by itself."""
    shape, at = "", []
    for found in re.finditer(f"(?s){masks.NUMBER}|.", line):
        shape += masks.DIGIT if found[0][0] in "0123456789" else found[0]
        at.append(len(line[: found.start()].encode()))
    assert at == sorted(at)
    bytes_of = [place for place, char in zip(at, shape, strict=True) for place in _each_byte(place, char)]
    bytes_of.append(len(line.encode()))
    spans = parameters.spans(text, shape.encode()) or parameters.spans(text, line.encode())
    if parameters.spans(text, shape.encode()) is not None:
        spans = [(bytes_of[start], bytes_of[end]) for start, end in spans or []]
    return [line.encode()[start:end].decode() for start, end in spans or []]


def _each_byte(place: int, char: str) -> range:
    return range(place, place + len(char.encode()))


@given(st.lists(message, min_size=1, max_size=10), st.sampled_from([config.Templates(), OWN]))
@settings(max_examples=300, deadline=None)
@example(["é12é34é", "a1bé2", "5ag3"], config.Templates())
@example(["k=beef 1 order AB", "order C 2"], OWN)
def test_a_column_gives_each_line_its_own_parameters(batch: list[str], chosen: config.Templates) -> None:
    messages = pl.Series(batch, dtype=pl.String)
    parsed, catalogue = parse_all(messages, chosen)
    parser = parsing.MessageParser(catalogue, chosen)
    masked = masks.mask(messages, own=chosen.masks).to_list()
    lines = column(first_lines(messages)).to_list()
    for line, text, values in zip(lines, masked, parsed["parameters"].to_pylist(), strict=True):
        found = parser._find(text)
        assert found is not None
        assert values == by_the_shape(found[1], line)


value = st.one_of(part, st.text(alphabet="0159abeEBKsk+-.<~% ", max_size=8))


@given(st.lists(value, min_size=1, max_size=12))
@settings(max_examples=500, deadline=None)
@example(["5", "5.", ".5", "+5", "-0", "1.5e3", "2.5e-05", "5d"])
@example(["<~2ms", "nan", "41%", "1,5", "1.2.3", "/", ""])
@example(["7", "-3.5", "1,5", "/"])
def test_no_number_is_missed_by_looking_at_shapes_first(batch: list[str]) -> None:
    values = pl.Series(batch, dtype=pl.String)
    text = joined(values)
    keep = kept(text)
    shape = shapes(text, keep)
    cuts = [parameters.cut(masks.WILDCARD, line.removesuffix("\n")) for line in shape.to_pylist()]
    found, numbers = parameters.extract(
        text, places(keep, len(text)), starts(shape), np.arange(len(batch)), cuts
    )
    assert found.to_pylist() == [[each] for each in batch]
    assert numbers.to_pylist() == [[number] for number in parameters.numbers_of(values).to_list()]


@given(st.lists(message, min_size=1, max_size=10), st.sampled_from([1, 2, 2**16]))
@settings(max_examples=100, deadline=None)
def test_what_a_parser_remembers_changes_nothing(batch: list[str], remembered: int) -> None:
    messages = pl.Series(batch, dtype=pl.String)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "_PLANS_KEPT", remembered)
        first = parsing.MessageParser(Catalogue(), OWN)
        mined = tuple(mine(first.unmatched(messages).to_list(), OWN))
        second = first.with_templates(mined)
        fresh = parsing.MessageParser(Catalogue(), OWN, mined).parse(messages)
        assert second.parse(messages) == fresh
        assert second.parse(messages[::-1]).to_pylist()[::-1] == fresh.to_pylist()
        assert second.unmatched(messages).is_empty()
        assert max(len(second._masked), len(second._plans)) <= remembered
