"""For all bytes: every line is accounted for, nothing raises, and the size of the blocks changes nothing."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import Any

import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.formats.conftest import Read, read

PACK = {
    "none": bytes,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}

line_like = st.one_of(
    st.just(b"240203 101112 7 INFO dfs.Node: taken"),
    st.just(b"249999 101112 7 INFO dfs.Node: no such day"),
    st.just(b"600101 101112 7 INFO dfs.Node: future"),
    st.just(b"240203 101112 7 INFO dfs.Node: " + b"long " * 30),
    st.just(b"  at a.B.c(B.java:7)"),
    st.just(b""),
    st.just(b" \t"),
    st.text("ab \u00e9\u20ac\0", max_size=12).map(str.encode),
    st.binary(max_size=20),
)
files = st.one_of(
    st.binary(max_size=300),
    st.lists(st.tuples(line_like, st.sampled_from([b"\n", b"\r\n"])), max_size=40).map(
        lambda parts: b"".join(text + end for text, end in parts)
    ),
)
small = {"line_bytes": 100, "record_lines": 5}


def lines_of(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def ordered(result: Read) -> tuple[Any, ...]:
    return (
        result.rows,
        sorted(result.quarantine, key=lambda row: (row["line_no"], row["reason"])),
        result.account,
    )


@settings(max_examples=150, deadline=None)
@given(data=files, pack=st.sampled_from(sorted(PACK)), chunk_bytes=st.integers(4, 400))
def test_every_line_is_accounted_for(data: bytes, pack: str, chunk_bytes: int) -> None:
    if pack == "none" and data[:1] in (b"\x1f", b"B", b"\xfd", b"\x28"):
        return  # looks like an archive
    result = read(PACK[pack](data), chunk_bytes=chunk_bytes, encoding="latin-1", **small)
    if not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\0\0\xfe\xff")):
        assert result.account.lines_read == lines_of(data)


@settings(max_examples=150, deadline=None)
@given(data=files, chunks=st.lists(st.integers(4, 300), min_size=2, max_size=3), join=st.booleans())
def test_the_rows_are_the_same_whatever_the_block_size(data: bytes, chunks: list[int], join: bool) -> None:
    multiline = "join" if join else "quarantine"
    whole = ordered(read(b"#\n" + data, multiline=multiline, **small))
    for chunk_bytes in chunks:
        assert ordered(read(b"#\n" + data, multiline=multiline, chunk_bytes=chunk_bytes, **small)) == whole


@settings(max_examples=60, deadline=None)
@given(
    data=files,
    cut=st.integers(0, 400),
    pack=st.sampled_from(sorted(PACK)),
    format=st.sampled_from(["ndjson", "csv", "elastic-csv", "syslog", "iso", "plain"]),
)
def test_cut_archives_and_other_formats_add_up(data: bytes, cut: int, pack: str, format: str) -> None:
    read(PACK[pack](data)[:cut], format, chunk_bytes=64, **small)


csv_lines = st.lists(
    st.sampled_from([b'2024-02-03 10:11:12,"a', b'b"', b"2024-02-03 10:11:12,c", b'"', b""]), max_size=20
)


@settings(max_examples=100, deadline=None)
@given(rows=csv_lines, chunk_bytes=st.integers(4, 100))
def test_rows_of_csv_are_the_same_whatever_the_block_size(rows: list[bytes], chunk_bytes: int) -> None:
    data = b"time,message\n" + b"\n".join(rows)
    assert ordered(read(data, "csv", chunk_bytes=chunk_bytes, **small)) == ordered(read(data, "csv", **small))
