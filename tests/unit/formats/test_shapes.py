"""What a shape reads is what is read line by line: that is the reference, and slow."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deeplog_ops.formats import catalog, shapes
from deeplog_ops.formats.csv_rows import CsvEngine
from deeplog_ops.formats.engine import Headers, engine_of
from deeplog_ops.formats.json_lines import shape_of
from deeplog_ops.formats.spec import FormatSpec
from tests.unit.formats.conftest import read

NAMES = [
    "time",
    "level",
    "message",
    "log",
    "pid",
    "a",
    "a.b",
    "é",
    "x y",
    "+(.",
    "",
    'q"',
    "b\\",
    "\x00",
    "t",
    "$date",
]
NUMBERS = ["0", "-0", "7", "-12", "1.50", "0.5", "0.0001", "0.00001", "1e5", "1E400", "-1e-7", "123456789.1234567",
           "1706951472.3456789", "18446744073709551616", "9" * 50, "9" * 5000, "007", ".5", "1.", "NaN", "-Infinity", "+1"]  # fmt: skip
texts = st.text(st.sampled_from('ab"\\/\n\t\0é€😀\x7f\u2028\x85 {}[]:,=u'), max_size=8)
times = st.sampled_from(["2024-02-03T10:11:12Z", "2024-13-03 10:11:12", "2024-02-03T10:11:12.5+02:00", ""])
words = st.one_of(texts, times, st.sampled_from(["info", "", " ", "true", "null", "1", "\\", '"', "\\u0041"]))


def as_json(text: str, form: int) -> str:
    """A string in one of the ways in which writers put it."""
    if form == 2:
        return json.dumps(text, ensure_ascii=False).replace("/", "\\/")
    return json.dumps(text, ensure_ascii=form == 1)


strings = st.builds(as_json, words, st.integers(0, 2))
odd = st.sampled_from(
    [r'"\ud800"', r'"\u0000"', r'"\x41"', '"a\tb"', '"open', "tru", "{", r'"\u00e9\ud83d\ude00"', "[1,]"]
)
scalars = st.one_of(
    strings, strings, st.sampled_from(NUMBERS), st.sampled_from(["true", "false", "null"]), odd
)
gaps = st.sampled_from(["", "", " ", "\t", "\r "])


def values_of(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.tuples(gaps, st.lists(children, max_size=3), gaps).map(
        lambda one: f"[{one[0]}{(',' + one[2]).join(one[1])}{one[0]}]"
    )
    return st.one_of(lists, objects_of(children))


def objects_of(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.lists(st.tuples(st.sampled_from(NAMES), children, st.integers(0, 1)), max_size=5)
    return st.tuples(members, gaps, gaps).map(
        lambda one: (
            "{"
            + one[1]
            + f"{one[2]},{one[1]}".join(
                f"{as_json(name, form)}{one[2]}:{one[1]}{value}" for name, value, form in one[0]
            )
            + one[2]
            + "}"
        )
    )


objects = objects_of(st.recursive(scalars, values_of, max_leaves=6))


@st.composite
def alike(draw: st.DrawFn) -> list[str]:
    """Objects with the same names in the same order, each with values of its own."""
    names = draw(st.lists(st.sampled_from(NAMES[:10]), min_size=1, max_size=20))
    kinds = [draw(st.sampled_from([strings, strings, scalars, st.just("null")])) for _ in names]
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        pairs = (
            f"{json.dumps(name, ensure_ascii=False)}:{draw(kind)}"
            for name, kind in zip(names, kinds, strict=True)
        )
        lines.append("{" + ",".join(pairs) + "}")
    return lines


broken = st.tuples(objects, st.integers(0, 60)).map(lambda one: one[0][: one[1]] + one[0][one[1] + 1 :])
json_lines = st.lists(
    st.one_of(alike(), st.lists(st.one_of(objects, broken, texts, st.just("")), max_size=4)), max_size=4
).map(lambda groups: [line.replace("\n", " ") for group in groups for line in group])

bare = st.text(st.sampled_from('ab"\\=é\x1c\xa0:'), max_size=6)
pairs = st.one_of(
    st.tuples(st.sampled_from(["time", "ts", "level", "msg", "a", "a.b", "é", "("]), strings).map("=".join),
    st.tuples(
        st.sampled_from(["time", "ts", "level", "msg", "a", "a.b", "é", "("]), st.one_of(times, bare)
    ).map("=".join),
    st.sampled_from(["flag", '"', "=", "=x", 'a="open', 'a="b"c', r'a="\x1b"', "\t"]),
)
logfmt_lines = st.lists(
    st.tuples(
        st.sampled_from(["ts=1", 'time="1" ', "", "ts="]),
        st.lists(pairs, max_size=6),
        st.sampled_from([" ", "  ", "\t", "\u2003"]),
    ).map(lambda one: one[2].join([one[0], *one[1]])),
    max_size=8,
).map(lambda lines: [line.replace("\n", " ") for line in lines])

cells = st.one_of(words, st.text(st.sampled_from('a",;\r\n\0'), max_size=5))
raw_cells = st.one_of(cells, cells.map(lambda cell: '"' + cell.replace('"', '""') + '"'))
csv_rows = st.tuples(
    st.integers(2, 4), st.lists(st.lists(raw_cells, min_size=4, max_size=4), max_size=8)
).map(lambda one: [",".join(cells[: one[0]]) for cells in one[1]])


@pytest.fixture(autouse=True)
def _every_line_is_worth_a_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "LEAST", 1)


def by_itself(read_headers: Any, lines: list[str]) -> Headers:
    """The reference: without shapes, one line after the other."""
    least, shapes.LEAST = shapes.LEAST, 10**9
    try:
        return read_headers(pl.Series(lines, dtype=pl.String))
    finally:
        shapes.LEAST = least


def assert_same(read_headers: Any, lines: list[str]) -> None:
    expected = by_itself(read_headers, lines)
    for _ in range(2):  # with shapes that are new, and with those that are known
        found = read_headers(pl.Series(lines, dtype=pl.String))
        assert found.frame.to_dicts() == expected.frame.to_dicts()
        assert found.frame.schema == expected.frame.schema
        if expected.stamps is not None:
            assert found.stamps.ticks.tolist() == expected.stamps.ticks.tolist()
            assert found.stamps.kind.tolist() == expected.stamps.kind.tolist()


@settings(max_examples=400, deadline=None)
@given(lines=json_lines)
@example(lines=['{"a":-0,"b":"\\/"}', '{"a":1e400,"b":"\\\\n"}', '{"a":0.00001,"b":"\\\\\\u0041"}'])
@example(
    lines=[
        '{"level":null,"log.level":"x"}',
        '{"level":null,"log":{"level":7}}',
        '{"log":{"level":null},"level":""}',
    ]
)
@example(lines=['{"a.b":1,"a":{"b":2}}', '{"a":1,"a":2}', '{"a":{"a":1,"a":2}}', '{"a":{}}', "{}", "{ }"])
@example(lines=['{"a":1,"level":[],"level":{}}', '{"a":{"b":1},"a":2}'])
@example(
    lines=[
        '{"message":[104,105],"a":[1,"x",null]}',
        '{"message":[256]}',
        '{"message":[true]}',
        '{"message":[[1]]}',
    ]
)
def test_json_is_read_by_shapes_as_line_by_line(lines: list[str]) -> None:
    assert_same(engine_of(catalog.resolve("ndjson")).read, lines)


@settings(max_examples=300, deadline=None)
@given(lines=logfmt_lines)
@example(
    lines=['time=1 a=b"c"', 'time=1 a="b" c', 'time=1 a="b', "time=1 a= b=", "time=1 time=2", " time=1 "]
)
def test_logfmt_is_read_by_shapes_as_line_by_line(lines: list[str]) -> None:
    assert_same(engine_of(catalog.resolve("logfmt")).read, lines)


@settings(max_examples=300, deadline=None)
@given(
    rows=csv_rows,
    heading=st.sampled_from(["time,message,a,b", "message,time", "time;message;a", "time,a,message,a"]),
)
@example(
    rows=['"a"b,c', 'a"b,c', '"a\nb",c', '"a\rb",c', "a\rb,c", '"a""",', ",", '"', ""], heading="message,time"
)
def test_csv_is_read_by_shapes_as_row_by_row(rows: list[str], heading: str) -> None:
    engine = CsvEngine(catalog.resolve("csv"))
    engine.set_heading(heading)
    assert_same(engine.read, rows)


def test_a_cell_larger_than_python_reads_stays_none(read: Any) -> None:
    rows = ["time,message"] + [f"2024-02-03 10:11:12,{'x' * size}" for size in (131_070, 131_072, 131_073)]
    result = read("\n".join(rows).encode(), "csv")
    assert [len(message) for message in result.messages] == [131_070, 131_072]
    assert result.reasons == ["no_header"]


def test_rows_that_lack_their_last_cells_are_read() -> None:
    spec = FormatSpec(
        name="own",
        kind="csv",
        heading=("time", "message", "a", "b"),
        columns={"time": "time", "message": "message"},
    )
    assert_same(CsvEngine(spec).read, ["1,a,b,c", "2,a,b", "3,a", "4", "5,a,b,c,d"])


def test_a_shape_of_many_fields_is_several_patterns() -> None:
    line = json.dumps({"message": "m"} | {f"f{number}": number for number in range(100)})
    shape = shape_of(line)
    assert shape is not None
    assert len(shape.patterns) == 7
    fits, values = shape.values(pl.Series([line, line[:-2] + "}", "", line]))
    assert fits.tolist() == [True, True, False, True]
    assert values["f99"].text().to_list() == ["99", "9", "99"]


@settings(max_examples=100, deadline=None)
@given(lines=json_lines, chunk_bytes=st.integers(4, 300))
def test_records_of_json_are_the_same_whatever_the_block_size(lines: list[str], chunk_bytes: int) -> None:
    data = "\n".join(["#", *lines]).encode()
    small = {"line_bytes": 100, "record_lines": 5}
    whole, parts = read(data, "ndjson", **small), read(data, "ndjson", chunk_bytes=chunk_bytes, **small)
    assert (parts.rows, parts.account) == (whole.rows, whole.account)
    assert sorted(map(str, parts.quarantine)) == sorted(map(str, whole.quarantine))


@pytest.mark.parametrize(
    "value", [{"k" * 900_000: 1}, {f"{number:02d}" * 20_000: [] for number in range(15)}, {str(number): [[[1]]] for number in range(250)}]
)  # fmt: skip
def test_a_line_that_would_make_too_large_a_pattern_is_read_by_itself(value: dict[str, Any]) -> None:
    assert_same(
        engine_of(catalog.resolve("ndjson")).read, [json.dumps({"time": "2024-02-03T10:11:12Z", **value})] * 2
    )
