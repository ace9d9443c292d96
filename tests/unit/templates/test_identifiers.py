"""An identifier is one value, wherever the digits among its letters stand."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.templates import masks


@given(st.text("0123456789abcdef", min_size=10, max_size=32))
def test_a_hexadecimal_identifier_with_a_prefix_is_masked_whole(digits: str) -> None:
    masked = masks.mask(pl.Series([f"read chunk-{digits} from store-1"])).to_list()
    assert masked == ["read <*> from <*>"]


@pytest.mark.parametrize("word", ["facade", "decade", "added", "dead"])
def test_an_english_word_of_hexadecimal_letters_stays(word: str) -> None:
    assert masks.mask(pl.Series([f"the {word} fell"])).to_list() == [f"the {word} fell"]
