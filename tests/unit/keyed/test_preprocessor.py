"""Contexts, events, labels and mapping, as those who know the `deeplog` package expect them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops import Preprocessor
from deeplog_ops.errors import InputError
from deeplog_ops.keyed.preprocessor import NO_EVENT


def frame(rows: list[tuple[float, object, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["timestamp", "event", "machine"])


def test_a_context_holds_the_events_before_of_the_same_machine_within_the_timeout() -> None:
    data = frame([(0, "b", 1), (5, "a", 2), (8, "c", 1), (9, "b", 1), (50, "a", 1)])
    context, events, labels, mapping = Preprocessor(2, 10).sequence(data)
    assert mapping == {0: "a", 1: "b", 2: "c", 3: NO_EVENT}
    assert events.tolist() == [1, 0, 2, 1, 0]
    assert context.tolist() == [[3, 3], [3, 3], [3, 1], [1, 2], [3, 3]]
    assert labels is None


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abc"), st.sampled_from("mn")), max_size=30),
    st.integers(1, 5),
    st.integers(0, 30),
)
def test_contexts_are_what_looking_back_one_by_one_finds(
    rows: list[tuple[int, str, str]], length: int, timeout: int
) -> None:
    context, events, _, mapping = Preprocessor(length, timeout).sequence(frame(rows))  # type: ignore[arg-type]
    assert [mapping[event] for event in events] == [event for _, event, _ in rows]
    for place, (time, _, machine) in enumerate(rows):
        earlier = [
            (row[0], other)
            for other, row in enumerate(rows)
            if row[2] == machine and (row[0], other) < (time, place)
        ]
        near = [rows[other][1] for then, other in sorted(earlier)[-length:] if time - then <= timeout]
        found = [mapping[event] for event in context[place]]
        assert found == [NO_EVENT] * (length - len(near)) + near


def test_every_reader_gives_the_same_of_the_same_sequences(tmp_path: Path) -> None:
    texts = {
        "csv": "session,keys\nx,5 22 5\ny,7\n",
        "text": "5 22 5\n7\n",
        "ndjson": "[5, 22, 5]\n[7]\n",
        "json": "[[5, 22, 5], [7]]",
    }
    found = []
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        context, events, _, mapping = getattr(Preprocessor(2, 0), name)(tmp_path / name)
        found.append((context.tolist(), events.tolist(), mapping))
    assert found == [found[0]] * 4
    assert found[0][2] == {0: "22", 1: "5", 2: "7", 3: NO_EVENT}
    assert found[0][0] == [[3, 3], [3, 1], [1, 0], [3, 3]]


def test_a_mapping_given_keeps_its_numbers_and_takes_new_keys_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("b new b\n")
    *_, mapping = Preprocessor(1).text(path, mapping={0: "a", 1: "b", 2: NO_EVENT})
    assert mapping == {0: "a", 1: "b", 2: NO_EVENT, 3: "new"}


def test_labels_are_the_files_or_one_for_all_or_one_each(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("timestamp,event,machine,label\n1,a,m,0\n2,b,m,7\n")
    assert Preprocessor(1).csv(path)[2].tolist() == [0, 7]
    assert Preprocessor(1).csv(path, labels=3)[2].tolist() == [3, 3]
    assert Preprocessor(1).csv(path, labels=[4, 5])[2].tolist() == [4, 5]
    with pytest.raises(InputError, match="labels for 2 events"):
        Preprocessor(1).csv(path, labels=[1, 2, 3])


def test_the_frame_given_stays_as_it_was_and_its_index_does_not_matter() -> None:
    data = frame([(2, 10, "m"), (1, 20, "m")]).set_index(pd.Index([7, 7]))
    before = data.copy()
    context, events, _, mapping = Preprocessor(1).sequence(data)
    pd.testing.assert_frame_equal(data, before)
    assert mapping == {0: 10, 1: 20, 2: NO_EVENT}
    assert (context.tolist(), events.tolist()) == ([[1], [2]], [0, 1])


def test_times_of_a_frame_may_be_dates() -> None:
    data = frame([(0, "a", "m"), (0, "b", "m")])
    data["timestamp"] = pd.to_datetime(["2026-11-07 00:00:00", "2026-11-07 00:00:09"])
    assert Preprocessor(1, 9).sequence(data)[0].tolist() == [[2], [0]]
    assert Preprocessor(1, 8).sequence(data)[0].tolist() == [[2], [2]]


def test_times_and_labels_of_a_frame_are_read_as_those_of_files() -> None:
    data = frame([("1", "a", "m"), ("1970-01-01T00:00:09", "b", "m")]).assign(label=["normal", "anomaly"])
    context, _, labels, _ = Preprocessor(1, 8).sequence(data)
    assert context.tolist() == [[2], [0]]
    assert labels is not None
    assert labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("timestamp", None, "row 1 of the frame: timestamp nan: nothing is there"),
        ("timestamp", float("inf"), "row 1 of the frame: timestamp inf: a number of seconds"),
        ("timestamp", "soon", "row 1 of the frame: timestamp 'soon'"),
        ("event", None, "row 1 of the frame: event (None|nan): nothing is there"),
        ("machine", float("nan"), "row 1 of the frame: machine nan: nothing is there"),
        ("label", float("nan"), "row 1 of the frame: label nan: a whole number"),
        ("label", "odd", "row 1 of the frame: label 'odd': a whole number"),
    ],
)
def test_a_row_of_a_frame_that_lacks_something_is_named(column: str, value: object, said: str) -> None:
    rows = [{"timestamp": 1.0, "event": "a", "machine": "m", "label": 0} for _ in range(3)]
    rows[1][column] = value  # type: ignore[assignment]
    with pytest.raises(InputError, match=said):
        Preprocessor(1).sequence(pd.DataFrame(rows))


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lacks machine"):
        Preprocessor(1).sequence(pd.DataFrame({"timestamp": [1], "event": [1]}))
    with pytest.raises(InputError, match="length is 0"):
        Preprocessor(0)
    with pytest.raises(InputError, match="is a key of the data"):
        Preprocessor(1).sequence(frame([(1, NO_EVENT, 1)]))
    with pytest.raises(InputError, match="no whole numbers"):
        Preprocessor(1).sequence(frame([(1, 1, 1)]), labels="normal")


def test_the_package_alone_imports_neither_torch_nor_pandas() -> None:
    code = (
        "import sys, deeplog_ops\n"
        "assert not {'torch', 'pandas', 'sklearn', 'numpy'} & set(sys.modules)\n"
        "from deeplog_ops import Preprocessor\n"
        "assert not {'torch', 'sklearn'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_arrays_are_integers() -> None:
    context, events, _, _ = Preprocessor(3).sequence(frame([]))
    assert (context.shape, events.shape) == ((0, 3), (0,))
    assert context.dtype == events.dtype == np.int64
