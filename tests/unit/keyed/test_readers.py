"""Files of keys in every accepted form, and what is said of those that are none."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import threading
from pathlib import Path

import pandas as pd
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.errors import InputError, MissingInput
from deeplog_ops.keyed.forms import form_of
from deeplog_ops.keyed.readers import read_keyed, read_sessions
from deeplog_ops.keyed.sessions import KeyedSessions

EVENTS = "timestamp,event,machine,label\n10,open,web1,0\n11,open,web2,0\n12,close,web1,1\n500,open,web1,0\n"
RECORDS = [
    {"timestamp": 10, "event": "open", "machine": "web1", "label": 0},
    {"timestamp": 11, "event": "open", "machine": "web2", "label": 0},
    {"timestamp": 12, "event": "close", "machine": "web1", "label": 1},
    {"timestamp": 500, "event": "open", "machine": "web1", "label": 0},
]
SEQUENCES = (("5", "22", "5"), ("7",), ("5", "5"))


def written(folder: Path, text: str | bytes, name: str = "keys") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (EVENTS, "csv"),
        (EVENTS.replace(",", "\t"), "csv"),
        ('\ufeff"Timestamp","Event","Machine","Label"\n' + EVENTS.split("\n", 1)[1], "csv"),
        ("\n".join(map(json.dumps, RECORDS)), "ndjson"),
        (json.dumps(RECORDS), "json"),
        (json.dumps(RECORDS, indent=2), "json"),
    ],
)
def test_events_are_the_same_in_every_form(tmp_path: Path, text: str, form: str) -> None:
    path = written(tmp_path, text)
    read = read_keyed(path)
    assert isinstance(read, pd.DataFrame)
    assert form_of(text.removeprefix("\ufeff").splitlines(keepends=True)) == form
    assert read.to_dict("records") == RECORDS
    assert read_sessions(path, timeout=100) == KeyedSessions(
        ("web1", "web1#2", "web2"), (("open", "close"), ("open",), ("open",)), (1, 0, 0)
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("session,keys\na,5 22 5\nb,7\nc,5 5\n", ("a", "b", "c")),
        ("keys;session\r\n5 22 5;a\r\n7;b\r\n5 5;c\r\n", ("a", "b", "c")),
        ("5 22 5\n7\n5 5", ("1", "2", "3")),
        ("[5, 22, 5]\n[7]\n[5, 5]\n", ("1", "2", "3")),
        ("[[5, 22, 5], [7], [5, 5]]", ("1", "2", "3")),
        ('{"keys": ["5", "22", "5"], "session": "a"}\n{"keys": [7]}\n{"keys": [5, 5]}', ("a", "2", "3")),
    ],
)
def test_sequences_are_the_same_in_every_form(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    assert read_sessions(written(tmp_path, text)) == KeyedSessions(names, SEQUENCES)


def test_a_session_without_any_key_is_a_session(tmp_path: Path) -> None:
    assert read_sessions(written(tmp_path, "session,keys\na,\nb,1\n")).keys == ((), ("1",))
    assert read_sessions(written(tmp_path, '[[], ["1"]]')).keys == ((), ("1",))


def test_labels_of_sequences_are_read_and_words_are_labels_too(tmp_path: Path) -> None:
    text = "session,keys,label\na,1,normal\nb,2,Anomaly\nc,3,0\nd,4,2\n"
    assert read_sessions(written(tmp_path, text)).labels == (0, 1, 0, 2)
    text = '{"keys": [1]}\n{"keys": [2], "label": true}\n'
    assert read_sessions(written(tmp_path, text)).labels == (0, 1)


def test_a_key_that_looks_like_a_number_or_nothing_stays_what_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, "timestamp,event,machine\n1,007,NA\n2,NA,null\n3,1.0,NA\n")
    read = read_keyed(path)
    assert isinstance(read, pd.DataFrame)
    assert read["event"].tolist() == ["007", "NA", "1.0"]
    assert read["machine"].tolist() == ["NA", "null", "NA"]


def test_times_may_be_dates_with_zones(tmp_path: Path) -> None:
    text = "timestamp,event,machine\n1970-01-01T00:01:00Z,a,m\n1970-01-01 01:00:30+01:00,b,m\n45.5,c,m\n"
    assert read_keyed(written(tmp_path, text))["timestamp"].tolist() == [60.0, 30.0, 45.5]  # type: ignore[call-overload]
    assert read_sessions(written(tmp_path, text)).keys == (("b", "c", "a"),)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_compression_is_known_by_content(tmp_path: Path, pack: object) -> None:
    path = written(tmp_path, pack(b"session,keys\na,5 22 5\nb,7\nc,5 5\n"), "keys.csv")  # type: ignore[operator]
    assert read_sessions(path).keys == SEQUENCES


def test_a_pipe_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(gzip.compress(b"5 22 5\n7\n5 5\n")))
    writer.start()
    assert read_sessions(path).keys == SEQUENCES
    writer.join()


@pytest.mark.parametrize(
    "text", [EVENTS, "session,keys\na,1\nb,2\nc,3\n", "1\n2\n3\n", "[1]\n[2]\n[3]", "[[1],[2],[3]]"]
)
def test_nrows_limits_rows_lines_and_entries(tmp_path: Path, text: str) -> None:
    assert len(read_keyed(written(tmp_path, text), nrows=2)) == 2


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("timestamp,event,machine\n1,a,m\n\nsoon,b,m\n", ":4:", "timestamp 'soon'.*seconds are expected"),
        ('timestamp,event,machine\n1,"a\nb",m\n2,,m\n', ":4:", "empty event"),
        ("timestamp,event,machine\n1,a,\n", ":2:", "empty machine"),
        ("timestamp,event,machine\n1,a,m,9\n", ":2:", "more cells than the 3"),
        ("timestamp,event,machine\n1,a,m\n1,a,m,9,9\n", ":3:", "5 cells where the header has 3"),
        ('timestamp,event,machine\n1,a,m\n1,"a,m\n', ":3:", "never closed"),
        ("timestamp,event,machine,label\n1,a,m,maybe\n", ":2:", "label 'maybe'"),
        ("time,event,machine\n1,a,m\n", ":1:", "lacks timestamp.*accepted are"),
        ("session,keys\na,1\nb,2,3\n", ":3:", "3 cells where the header has 2"),
        ('session,keys\na,"1\nb,2\n', ":2:", "never closed"),
        ('\n\ntimestamp,event,machine\n1,a,m\n\n2,,m\n', ":6:", "empty event"),
        ("\nsession,key\na,1\n", ":2:", "lacks"),
        ("timestamp,event,machine\n1700000000000,a,m\n", ":2:", "no number of seconds; milliseconds"),
        ('{"timestamp": 1, "event": 1, "machine": ""}\n', ":1:", "empty machine"),
        ('{"timestamp": 1, "event": 1, "machine": ["m"]}\n', ":1:", "machine \\['m'\\]"),
        ("[" * 20_000, "", "recursion"),
        ('["a"]\n["\\ud800", "b"]\n', ":2:", "half a surrogate"),
        ("[1]\n[2\n", ":2:", "no JSON"),
        ("[[1],\n[2]\n", ":2:", "no JSON"),
        ("[1]\n[null]\n", ":2:", "event None"),
        ('{"event": 1, "machine": 2}\n', ":1:", "timestamp missing.*accepted are"),
        ('[{"keys": [1]}, {"timestamp": 1, "event": 1, "machine": 1}]', "entry 2", "in one file"),
        (b"1 2\n3 \xff\n", ":2:", "byte 3 of the line is no UTF-8"),
        (b"1\x002\n", ":1:", "NUL"),
        (gzip.compress(b"1 2\n3 4\n" * 9, mtime=0)[:-12], "after line", "ends early|truncated|damaged"),
        ("", "", "is empty.*accepted are"),
        ("\n \n", "", "is empty"),
    ],
)  # fmt: skip
def test_bad_input_is_named_with_its_place(tmp_path: Path, text: str | bytes, place: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=said) as found:
        read_keyed(path)
    assert str(path) in str(found.value)
    assert place in str(found.value)


def test_a_file_that_is_not_there_or_is_a_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such file"):
        read_keyed(tmp_path / "nothing")
    with pytest.raises(InputError, match="directory"):
        read_keyed(tmp_path)


def test_a_session_of_50_000_keys_is_read_in_every_form(tmp_path: Path) -> None:
    keys = tuple(f"step_{number % 7}" for number in range(50_000))
    line = " ".join(keys)
    quoted = f'session,keys\n"s","{line}"\n'
    for text in (f"session,keys\ns,{line}\n", quoted, line, json.dumps(keys), json.dumps([keys])):
        assert read_sessions(written(tmp_path, text)).keys == (keys,)


@pytest.mark.parametrize(
    "text",
    [
        "\n \nsession,keys\n\na,1 2\n   \nb,3\n\n",
        "\ntimestamp,event,machine\n\n0,1,a\n  \n1,2,a\n0,3,b\n\n",
    ],
)
def test_blank_lines_are_passed_over_wherever_they_stand(tmp_path: Path, text: str) -> None:
    assert read_sessions(written(tmp_path, text)).keys == (("1", "2"), ("3",))


@pytest.mark.parametrize(
    "text", ["session,keys\n", "timestamp,event,machine,label", "timestamp,event,machine\n\n"]
)
def test_a_header_alone_is_a_file_of_no_sessions(tmp_path: Path, text: str) -> None:
    assert len(read_sessions(written(tmp_path, text))) == 0


def test_keys_of_an_object_may_be_one_text_as_in_csv(tmp_path: Path) -> None:
    path = written(tmp_path, '{"session": "a", "keys": "5 22 5"}\n{"session": "b", "keys": ""}\n')
    assert read_sessions(path).keys == (("5", "22", "5"), ())


def test_a_form_can_be_forced(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b c\nd,e\n")
    with pytest.raises(InputError, match="lacks"):
        read_keyed(path)
    assert read_sessions(path, form="text").keys == (("a,b", "c"), ("d,e",))
    with pytest.raises(InputError, match="known are csv, sessions, text"):
        read_keyed(path, form="excel")  # type: ignore[arg-type]


KEYS = st.text("abcXYZ019_.-", min_size=1, max_size=5)


@given(st.lists(st.lists(KEYS, min_size=1, max_size=6), min_size=1, max_size=8))
def test_any_sequences_come_back_from_every_form(
    tmp_path_factory: pytest.TempPathFactory, sequences: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("forms")
    wanted = tuple(map(tuple, sequences))
    rows = "".join(f"s{n},{' '.join(keys)}\n" for n, keys in enumerate(sequences))
    texts: dict[str, str] = {
        "sessions": "session,keys\n" + rows,
        "text": "".join(" ".join(keys) + "\n" for keys in sequences),
        "ndjson": "".join(json.dumps(keys) + "\n" for keys in sequences),
        "json": json.dumps(sequences),
        "csv": "timestamp,event,machine\n"
        + "".join(f"{t},{key},m{n}\n" for n, keys in enumerate(sequences) for t, key in enumerate(keys)),
    }
    for form, text in texts.items():
        path = written(folder, text)
        assert read_sessions(path).keys == wanted
        assert read_sessions(path, form=form).keys == wanted  # type: ignore[arg-type]


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_it_fail_but_for_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = written(tmp_path_factory.mktemp("bytes"), data)
    for form in (None, "csv", "sessions", "text", "ndjson", "json"):
        said = str(path)
        try:
            read_sessions(path, form=form)  # type: ignore[arg-type]
        except InputError as error:
            said = str(error)
        assert said.startswith(str(path))


@pytest.mark.parametrize(
    ("cell", "keys"),
    [
        ("['E5', 'E22','E5']", ("E5", "E22", "E5")),
        ('["E5", "E22"]', ("E5", "E22")),
        ("[5, 22]", ("5", "22")),
        ("[]", ()),
        ("[error] [warn]", ("[error]", "[warn]")),
        ("[E5]", ("[E5]",)),
        ("['E5', 'E22'", ("['E5',", "'E22'")),
        ("[a,b] [c]", ("[a,b]", "[c]")),
        ("E5 E22", ("E5", "E22")),
    ],
)
def test_keys_may_be_a_list_as_python_writes_it(tmp_path: Path, cell: str, keys: tuple[str, ...]) -> None:
    quoted = cell.replace('"', '""')
    rows = written(tmp_path, f'session,keys\none,"{quoted}"\ntwo,E5\n', "rows")
    assert read_sessions(rows, timeout=100).keys == (keys, ("E5",))
    lines = written(tmp_path, f"{cell}\nE5\n", "lines")
    assert read_sessions(lines, "text", timeout=100).keys == (keys, ("E5",))


def test_a_list_that_holds_what_is_no_key_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "session,keys\none,E5\ntwo,\"['E5', None]\"\n")
    with pytest.raises(InputError, match=":3: event None: a key is expected"):
        read_keyed(path)
