"""Rows of CSV over several lines: counting quotes over a block finds those that going line by line finds."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplog_ops.formats import whole_rows
from deeplog_ops.formats.whole_rows import _Lines, _rows, _rows_one_by_one, rows_of

texts = st.lists(st.text(st.sampled_from('a",é'), max_size=6), max_size=25)


@settings(max_examples=500, deadline=None)
@given(
    lines=texts,
    record_lines=st.integers(1, 30),
    record_bytes=st.integers(5, 60),
    long=st.lists(st.integers(0, 24), max_size=2),
    last=st.booleans(),
)
def test_rows_are_those_that_are_found_line_by_line(
    lines: list[str], record_lines: int, record_bytes: int, long: list[int], last: bool
) -> None:
    nowhere = np.zeros(len(lines), np.int64)
    too_long = {at: 2_000_000 for at in long if at < len(lines)}
    some = _Lines(pl.Series(lines, dtype=pl.String), nowhere, nowhere, too_long)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_rows, "RECORD_BYTES", record_bytes)
        starts, end = _rows(some, record_lines, last)
        expected, expected_end = _rows_one_by_one(some, record_lines, last)
    assert (starts.tolist(), end) == (expected.tolist(), expected_end)


def test_a_row_is_put_together_from_its_lines() -> None:
    assert rows_of(['1,"a', "b", '"', "2,c", '3,"d']) == ['1,"a\nb\n"', "2,c", '3,"d']
