"""Partitions are whole or not there, on a disk and on an object store alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from upath import UPath

from deeplog_ops import schemas
from deeplog_ops.errors import LakeError
from deeplog_ops.storage import partition_writer
from deeplog_ops.storage.lake import Lake

DAY = date(2024, 3, 1)
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def events(first: int, count: int) -> pa.Table:
    numbers = range(first, first + count)
    return pa.table(
        {
            "file_id": ["f1"] * count,
            "line_no": list(numbers),
            "byte_offset": [number * 80 for number in numbers],
            "time": [NOON + timedelta(seconds=number) if number % 7 else None for number in numbers],
            "key": [f"k{number % 5}" for number in numbers],
            "parameters": [["a", str(number)] for number in numbers],
            "numbers": [[None, float(number)] for number in numbers],
            "session": [f"s{number % 3}" for number in numbers],
        },
        schema=schemas.EVENTS,
    )


def test_rows_come_back_in_the_order_they_were_written(root: UPath) -> None:
    lake = Lake(root)
    with lake.attempt("web", DAY, "events", 7, 1) as writer:
        writer.write_batch(events(0, 1000))
        writer.write_batch(events(1000, 500))
    assert writer.ref.rows == 1500
    assert writer.ref.bytes == sum(path.stat().st_size for path in (root / writer.ref.path).iterdir())
    read = list(lake.read(writer.ref, rows=400))
    assert max(table.num_rows for table in read) <= 400
    assert pa.concat_tables(read).equals(events(0, 1500))


def test_a_large_partition_has_several_files_and_keeps_its_order(
    root: UPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_writer, "GROUP_ROWS", 100)
    monkeypatch.setattr(partition_writer, "PART_BYTES", 4000)
    lake = Lake(root)
    with lake.attempt("web", DAY, "events", 7, 1) as writer:
        for first in range(0, 2000, 50):
            writer.write_batch(events(first, 50))
    assert len(list((root / writer.ref.path).iterdir())) > 2
    assert pa.concat_tables(lake.read(writer.ref)).equals(events(0, 2000))


def test_chosen_columns_come_in_the_order_asked_for(root: UPath) -> None:
    lake = Lake(root)
    with lake.attempt("web", DAY, "events", 7, 1) as writer:
        writer.write_batch(events(0, 10))
    (table,) = lake.read(writer.ref, columns=["key", "line_no"])
    assert table.column_names == ["key", "line_no"]


def test_an_empty_partition_is_there_and_has_the_columns(root: UPath) -> None:
    lake = Lake(root)
    with lake.attempt("web", DAY, "quarantine", 7, 1) as writer:
        pass
    (table,) = lake.read(writer.ref)
    assert table.num_rows == 0
    assert table.schema == schemas.QUARANTINE


def test_a_failed_attempt_leaves_no_files_and_cannot_be_committed(root: UPath) -> None:
    writer = Lake(root).attempt("web", DAY, "events", 7, 1)

    def fail() -> None:
        with writer:
            writer.write_batch(events(0, 10))
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail()
    with pytest.raises(LakeError, match="not finished"):
        _ = writer.ref
    assert not [path for path in root.fs.find(root.path) if path.endswith(".parquet")]


def test_two_attempts_never_share_a_path(root: UPath) -> None:
    lake = Lake(root)
    with lake.attempt("web", DAY, "events", 7, 1) as one, lake.attempt("web", DAY, "events", 7, 1) as two:
        one.write_batch(events(0, 1))
        two.write_batch(events(5, 2))
    assert one.ref.path != two.ref.path
    assert pa.concat_tables(lake.read(one.ref)).equals(events(0, 1))


def test_a_partition_that_lost_rows_is_an_error(root: UPath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_writer, "GROUP_ROWS", 100)
    monkeypatch.setattr(partition_writer, "PART_BYTES", 1)
    lake = Lake(root)
    with lake.attempt("web", DAY, "events", 7, 1) as writer:
        writer.write_batch(events(0, 100))
        writer.write_batch(events(100, 100))
    parts = sorted((root / writer.ref.path).iterdir(), key=lambda path: path.name)
    parts[1].unlink()
    with pytest.raises(LakeError, match=r"holds 100 rows, but the ledger says 200.*'events' again"):
        list(lake.read(writer.ref))
    parts[0].unlink()
    with pytest.raises(LakeError, match="cannot be read"):
        list(lake.read(writer.ref))


def test_a_damaged_file_is_an_error_that_names_the_stage(root: UPath) -> None:
    lake = Lake(root)
    with lake.attempt("web", DAY, "events", 7, 1) as writer:
        writer.write_batch(events(0, 100))
    (part,) = (root / writer.ref.path).iterdir()
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(LakeError, match="'events'"):
        list(lake.read(writer.ref))


def test_rows_that_do_not_fit_are_refused_with_the_columns_expected(root: UPath) -> None:
    with (
        pytest.raises(LakeError, match="missing time, unknown clock"),
        Lake(root).attempt("web", DAY, "events", 7, 1) as writer,
    ):
        writer.write_batch(events(0, 1).rename_columns({"time": "clock"}))
    table = events(0, 2).set_column(4, "key", pa.array(["k", None]))
    with pytest.raises(LakeError, match="key"), Lake(root).attempt("web", DAY, "events", 7, 1) as writer:
        writer.write_batch(table)


def test_garbage_is_what_is_old_and_not_named(root: UPath) -> None:
    lake = Lake(root)
    refs = []
    for attempt in range(3):
        with lake.attempt("web", DAY, "events", 7, attempt + 1) as writer:
            writer.write_batch(events(0, 5))
        refs.append(writer.ref)
    with lake.attempt("mail", DAY, "events", 8, 1) as other:
        other.write_batch(events(0, 5))
    now = datetime.now(UTC)
    live = {refs[2].path}
    assert lake.collect_garbage("web", live, older_than=now - timedelta(hours=1)) == 0
    assert lake.collect_garbage("web", live, older_than=now + timedelta(hours=1)) == 2
    assert sum(table.num_rows for table in lake.read(refs[2])) == 5
    with pytest.raises(LakeError):
        list(lake.read(refs[0]))
    assert lake.delete_source("web") == 1
    assert sum(table.num_rows for table in lake.read(other.ref)) == 5


def test_deleting_twice_is_no_error(root: UPath) -> None:
    lake = Lake(root)
    with lake.attempt("web", DAY, "events", 7, 1) as writer:
        writer.write_batch(events(0, 5))
    lake.delete(writer.ref.path)
    lake.delete(writer.ref.path)
