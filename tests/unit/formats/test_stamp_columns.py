"""Stamps of one form at once are what they are one by one."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deeplog_ops.formats import stamp_columns, times

two = st.integers(0, 99).map("{:02d}".format)
likely = st.tuples(
    st.sampled_from(["1969", "2023", "2024", "2100", "0000", "9999"]), st.integers(0, 13), st.integers(0, 32),
    st.integers(0, 25), st.integers(0, 61), st.integers(0, 61),
).map(lambda one: (one[0], *(f"{part:02d}" for part in one[1:])))  # fmt: skip
fractions = st.text("0123456789", min_size=1, max_size=9)
forms = st.tuples(
    st.sampled_from(["-", "/", ".", ""]), st.sampled_from(["T", " ", ", ", "_", "-", ""]),
    st.sampled_from([":", ".", ""]), st.sampled_from(["", ".", ",", ":"]),
    st.sampled_from(["", "Z", " UTC", "GMT", "+OO:OO", "-OOOO", " -OO", "\x1cZ", "\u2003Z", "x"]),
)  # fmt: skip


@st.composite
def stamps(draw: st.DrawFn) -> list[str]:
    """Some stamps of one form, and some odd ones between them."""
    day_sign, between, clock_sign, point, zone = draw(forms)
    seconds, found = draw(st.booleans()), []
    for _ in range(draw(st.integers(1, 6))):
        year, month, day, hour, minute, second = draw(likely)
        text = f"{year}{day_sign}{month}{day_sign}{day}{between}{hour}{clock_sign}{minute}"
        text += f"{clock_sign}{second}" if seconds else ""
        text += f"{point}{draw(fractions)}" if point else ""
        found.append(text + "".join(str(draw(st.integers(0, 9))) if sign == "O" else sign for sign in zone))
    odd = st.sampled_from(["", "2024-02-30 10:11:12", "x", "2024-02-03T10:11:12é", "20240203101112"])
    return draw(st.permutations(found + draw(st.lists(odd, max_size=3))))


@settings(max_examples=500, deadline=None)
@given(texts=stamps())
@example(texts=["2024-02-29 23:59:59.9999999", "2023-02-29 23:59:59.9999999", "2023-02-28 23:59:60.0000001"])
@example(texts=["2024-02-03T10:11:12-00:30", "2024-02-03T10:11:12+05:45", "2024-02-03T10:11:12-01:30"])
def test_stamps_of_one_form_are_what_they_are_one_by_one(texts: list[str]) -> None:
    column = pl.Series([*texts, None], dtype=pl.String)
    expected, expected_kinds = times._parse_each_iso(column)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stamp_columns, "_FEWEST", 1)
        ticks, kinds = times._parse_iso(column)
    assert kinds.tolist() == expected_kinds.tolist()
    good = kinds != times.NONE
    assert ticks[good].tolist() == expected[good].tolist()


def test_stamps_of_several_lengths_are_read_at_once() -> None:
    texts = [f"2024-02-03T10:11:12.{'5' * digits}Z" for digits in (1, 3, 6, 7, 9)] * 20
    ticks, zoned, done = stamp_columns.of_one_form(pl.Series(texts), times._ISO_IN_PYTHON)
    assert done.all()
    assert zoned.all()
    assert ticks[:5].tolist() == [
        1706955072000000 + part for part in (500000, 555000, 555555, 555555, 555555)
    ]
