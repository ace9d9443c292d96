"""Shapes by bit arithmetic are what the number mask says."""

from __future__ import annotations

import re

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deeplog_ops.templates import masks
from deeplog_ops.templates.shapes import joined, shapes

line = st.one_of(st.text(alphabet="0123459abcdefgABCDEFG xX-.é", max_size=40), st.text(max_size=20)).map(
    lambda text: text.replace("\n", " ")
)


@given(st.lists(line, max_size=20))
@settings(max_examples=300, deadline=None)
@example(["", "0", "", "a0", "0a", "f" * 100 + "1" + "f" * 100, "9"])
@example(["1" * 1000, "abc" * 300, "7abcdefg"])
def test_every_number_becomes_one_zero(lines: list[str]) -> None:
    expected = [re.sub(masks.NUMBER, masks.DIGIT, text) + "\n" for text in lines]
    assert shapes(joined(pl.Series(lines, dtype=pl.String))).to_pylist() == expected


def test_a_number_does_not_go_on_in_the_next_line() -> None:
    assert shapes(joined(pl.Series(["x 12", "abc", "34", "5"]))).to_pylist() == [
        "x 0\n",
        "abc\n",
        "0\n",
        "0\n",
    ]
