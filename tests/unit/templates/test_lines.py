"""First lines by bit arithmetic are what a person would call the first line."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deeplog_ops.templates.lines import column, first_lines

WHITE = " \t\n\r\v\f"
message = st.one_of(
    st.none(), st.text(alphabet="ab1 \t\n\r\v\fé\xa0", max_size=12), st.text(alphabet="x \n", max_size=40)
)


def one_by_one(text: str | None) -> str:
    line = re.split(r"[\n\r]", (text or "").strip(WHITE))[0]
    return re.sub(f"[{WHITE}]+", " ", line).strip(" ")


@given(st.lists(message, max_size=12))
@settings(max_examples=400, deadline=None)
@example(["x   ", "   x", "   ", "", None])
@example(["  a  b  ", "a b"])
@example([" \n\n x  y \n z", "x\r\ny"])
def test_first_lines_of_a_column_are_those_of_its_messages(messages: list[str | None]) -> None:
    text = first_lines(pl.Series(messages, dtype=pl.String))
    assert text.decode() == "".join(f"\n{one_by_one(each)}" for each in messages) + "\n"
    assert column(text).to_list() == [one_by_one(each) for each in messages]


@pytest.mark.parametrize("white", [" ", "\t", "\f \v", "  " * 100])
def test_white_space_of_any_kind_and_length_is_one_space(white: str) -> None:
    assert first_lines(pl.Series([f"{white}a{white}b{white}"] * 3)) == b"\na b" * 3 + b"\n"
