"""A day with a bad file among its good ones: the bad one is set aside with a reason, and the rest of the day goes on."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
from collections.abc import Callable

import pytest

from deeplog_ops.formats import line_blocks
from deeplog_ops.records import DayState, LineAccount
from tests.integration.steps.conftest import SCORED_DAYS, Sample
from tests.integration.steps.lake_rows import account_of, reasons, stage_rows

DAY = SCORED_DAYS[1]
Results = dict[str, list[object]]


def line(message: str = "disk sda is quiet", clock: str = "10:15:30,123", day: object = DAY) -> bytes:
    return f"{day} {clock} INFO  [probe-1] probe.Disk: {message}\n".encode()


def many(count: int) -> bytes:
    """Lines of one template that no deflate makes much smaller than a tenth."""
    numbers = (f"disk sda has {number * 2654435761 % 2**32} sectors" for number in range(count))
    return b"".join(map(line, numbers))


@pytest.fixture
def clean(sample: Sample) -> Results:
    """What the day gives without the bad file."""
    sample.run(DAY, "clean")
    return sample.results()


BAD: dict[str, tuple[str, Callable[[], bytes], set[str], LineAccount]] = {
    "an empty file": ("empty.log", lambda: b"", set(), LineAccount()),
    "a binary file": (
        "core.log",
        lambda: b"\x7fELF" + bytes(range(256)) * 40,
        {"binary"},
        LineAccount(lines_read=41, quarantined=41),
    ),
    "a line of 10 MB": (
        "long.log",
        lambda: b"x" * 10_000_000 + b"\n",
        {"no_match", "line_too_long"},
        LineAccount(lines_read=1, quarantined=1),
    ),
    "lines of another format": (
        "foreign.log",
        lambda: b"<34>1 2003-10-11T22:14:15Z host su - ID47 - failed\n" * 30,
        {"no_match"},
        LineAccount(lines_read=30, quarantined=30),
    ),
    "a future year": (
        "future.log",
        lambda: line("from the future", day="2206-03-06") * 3,
        {"bad_time", "future_time"},
        LineAccount(lines_read=3, quarantined=3),
    ),
    "a day that does not exist": (
        "leap.log",
        lambda: line("on no day", day="2026-02-30") * 2,
        {"bad_time"},
        LineAccount(lines_read=2, quarantined=2),
    ),
    "UTF-16 without its mark": (
        "wide.log",
        lambda: line("caf\u00e9").decode().encode("utf-16-be") * 40,
        {"binary", "no_match"},
        LineAccount(lines_read=40, quarantined=40),
    ),
    "an archive of nothing but its magic": (
        "stub.log.gz",
        lambda: b"\x1f\x8b\x08",
        {"truncated", "damaged"},
        LineAccount(),
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_without_a_line_of_use_changes_no_result(what: str, sample: Sample, clean: Results) -> None:
    name, content, why, account = BAD[what]
    (sample.raw / name).write_bytes(content())
    sample.run(DAY, "bad")
    assert reasons(sample, DAY) <= why
    assert bool(reasons(sample, DAY)) == bool(why)
    assert account_of(sample, DAY, name)[0] == account
    after = sample.results()
    for table in ("anomalies", "lines", "templates", "counts"):
        assert after[table] == clean[table]
    assert after["days"][0][-1] == account.quarantined


def test_what_a_truncated_gzip_gives_counts_and_the_rest_is_said(sample: Sample, clean: Results) -> None:
    packed = gzip.compress(many(20_000))
    (sample.raw / "cut.log.gz").write_bytes(packed[: len(packed) * 2 // 3])
    sample.run(DAY, "cut")
    account, note = account_of(sample, DAY, "cut.log.gz")
    assert 10_000 < account.events < 20_000
    assert account.unaccounted == 0
    assert account.quarantined <= 1
    assert "truncated" in (note or "")
    assert "truncated" in reasons(sample, DAY)
    assert sample.results()["days"][0][4] == clean["days"][0][4] + account.events


def test_a_gzip_bomb_is_read_only_so_far(
    sample: Sample, clean: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_blocks, "BOMB_FROM", 2**20)
    (sample.raw / "bomb.log.gz").write_bytes(gzip.compress(line() + b"x" * 100_000_000))
    sample.run(DAY, "bomb")
    account, note = account_of(sample, DAY, "bomb.log.gz")
    assert "bomb" in (note or "")
    assert "bomb" in reasons(sample, DAY)
    assert account.unaccounted == 0
    assert sample.results()["anomalies"] == clean["anomalies"]


def test_nul_bytes_and_bytes_of_no_encoding_stay_readable_up_to_postgres(sample: Sample) -> None:
    """They stand in lines of sessions that are anomalies, so that they are published with them."""
    raw = sorted(sample.raw.glob(f"*{DAY}*.log"))
    for path in raw:
        path.write_bytes(
            path.read_bytes().replace(b" INFO ", b" INFO \xff\0", 1).replace(b": ", b": \0\xfe\xff ")
        )
    assert sample.run(DAY, "nul").state is DayState.SCORED
    lines = sample.results()["lines"]
    assert any("\\x00\\xfe\\xff" in row[7] for row in lines)
    assert not any("\0" in str(row) for row in lines)


def test_a_file_in_another_encoding_keeps_its_bytes_readable(sample: Sample) -> None:
    (sample.raw / "latin.log").write_bytes(line("caf\u00e9 zu").decode().encode("latin-1") * 2)
    sample.run(DAY, "latin")
    assert account_of(sample, DAY, "latin.log")[0] == LineAccount(lines_read=2, events=2)
    messages = {
        row["message"] for row in stage_rows(sample, DAY, "lines") if row["message"].startswith("caf")
    }
    assert messages == {"caf\\xe9 zu"}


def test_time_going_backwards_loses_no_line_and_does_not_depend_on_what_was_known(sample: Sample) -> None:
    """Every line of the day is in one file, the hours in reverse, beside a file that begins in the middle."""
    hours = sorted(sample.raw.glob(f"*{DAY}*.log"))
    whole = [path.read_bytes() for path in hours]
    for path in hours:
        path.unlink()
    (sample.raw / "a-reversed.log").write_bytes(b"".join(reversed(whole[::2])))
    (sample.raw / "b-forward.log").write_bytes(b"".join(whole[1::2]))
    sample.run(DAY, "first")
    first = sample.results()
    sample.run(DAY, "again")
    assert sample.results() == first
    assert first["days"][0][4] == sum(account[3] for account in first["accounts"])
    assert sum(account[3] + account[4] for account in first["accounts"]) == sum(
        text.count(b"\n") for text in whole
    )


def test_a_file_that_grows_while_it_is_read_is_read_as_it_was_found(
    sample: Sample, clean: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sorted(sample.raw.glob(f"*{DAY}*.log"))[3]
    from deeplog_ops.steps import whole_runs

    find = whole_runs.find_files

    def then_grow(place: object, run_id: int) -> object:
        found = find(place, run_id)  # type: ignore[arg-type]
        with path.open("ab") as file:
            file.write(line("written meanwhile") * 5 + line("half of a li")[:60])
        return found

    monkeypatch.setattr(whole_runs, "find_files", then_grow)
    sample.run(DAY, "grows")
    assert sample.results() == clean
    monkeypatch.undo()
    sample.run(DAY, "grown")
    assert sample.results()["days"][0][4] == clean["days"][0][4] + 6


@pytest.mark.parametrize("how", ["another is there", "none is there"])
def test_a_file_rotated_between_finding_and_reading_is_found_again(
    how: str, sample: Sample, clean: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the name that was found there is another file by then, or none."""
    from deeplog_ops.steps import whole_runs

    find = whole_runs.find_files
    first, second, third, *_ = sorted(sample.raw.glob(f"*{DAY}*.log"))

    def then_rotate(place: object, run_id: int) -> object:
        found = find(place, run_id)  # type: ignore[arg-type]
        if how == "another is there" and first.exists():
            shutil.move(second, sample.raw / "second.log.1")
            shutil.move(first, second)
            shutil.copy(third, first)
        if how == "none is there" and third.exists():
            third.with_suffix(".log.gz").write_bytes(gzip.compress(third.read_bytes()))
            third.unlink()
        return found

    monkeypatch.setattr(whole_runs, "find_files", then_rotate)
    sample.run(DAY, "rotated")
    assert sample.results() == clean


def test_the_same_file_under_two_names_counts_once_and_the_other_is_recorded(
    sample: Sample, clean: Results
) -> None:
    path = sorted(sample.raw.glob(f"*{DAY}*.log"))[5]
    shutil.copy(path, sample.raw / "copy.log")
    (sample.raw / "copy.log.gz").write_bytes(gzip.compress(path.read_bytes()))
    (sample.raw / "copy.log.bz2").write_bytes(bz2.compress(path.read_bytes()))
    (sample.raw / "beginning.log").write_bytes(path.read_bytes()[:5000])
    sample.run(DAY, "copies")
    assert sample.results() == clean
    from deeplog_ops.db import ledger

    twins = [file for file in ledger.raw_files(sample.place.engine, "sample") if file.duplicate_of]
    assert len(twins) == 4
    assert len({file.duplicate_of for file in twins}) == 1


@pytest.mark.parametrize(
    "pack", [lambda data: data, gzip.compress, bz2.compress], ids=["plain", "gzip", "bz2"]
)
def test_files_that_begin_alike_are_two_files(pack: Callable[[bytes], bytes], sample: Sample) -> None:
    """A banner longer than the fingerprint, megabytes alike, then each its own lines."""
    banner = many(30_000)
    for name in ("one", "two"):
        (sample.raw / f"{name}.log").write_bytes(pack(banner + line(f"here is {name}")))
    sample.run(DAY, "alike")
    events = [account_of(sample, DAY, f"{name}.log")[0].events for name in ("one", "two")]
    assert events == [30_001, 30_001]
    found = {
        row["message"] for row in stage_rows(sample, DAY, "lines") if row["message"].startswith("here is")
    }
    assert found == {"here is one", "here is two"}


def test_a_large_file_compressed_with_bzip2_stays_the_same_file(sample: Sample) -> None:
    """One block of bzip2 is larger than what is read of a head."""
    path = sample.raw / "large.log"
    path.write_bytes(many(16_000))
    sample.run(DAY, "plain")
    before = sample.results()
    (sample.raw / "large.log.1.bz2").write_bytes(bz2.compress(path.read_bytes()))
    path.unlink()
    sample.run(DAY, "packed")
    assert sample.results() == before


def test_names_that_are_no_text_or_look_like_an_address_are_read(sample: Sample, clean: Results) -> None:
    names = [
        b"caf\xe9.log",
        b"two\nlines.log",
        b"http:::x.log",
        b"what?.log",
        b"a[1].log",
        b"100%25.log",
        b"x#1.log",
        b"~.log",
    ]
    for number, name in enumerate(names):
        with open(os.path.join(os.fsencode(sample.raw), name), "wb") as file:
            file.write(line(f"file {number} here"))
    sample.run(DAY, "names")
    assert sample.results()["days"][0][4] == clean["days"][0][4] + len(names)


def test_a_folder_a_broken_link_and_a_pipe_are_no_files(sample: Sample, clean: Results) -> None:
    (sample.raw / "folder.log").mkdir()
    (sample.raw / "gone.log").symlink_to(sample.raw / "nowhere")
    os.mkfifo(sample.raw / "pipe.log")
    sample.run(DAY, "odd")
    assert sample.results() == clean


def test_a_day_whose_every_line_is_unreadable_says_so(sample: Sample) -> None:
    shutil.rmtree(sample.raw)
    sample.raw.mkdir()
    (sample.raw / "foreign.log").write_bytes(b"nothing that fits\n" * 50)
    done = sample.run(DAY, "foreign")
    assert done.state is DayState.NOT_SCORED
    assert "50 lines" in (done.reason or "")
    assert "quarantine" in (done.reason or "")
    assert account_of(sample, DAY, "foreign.log")[0] == LineAccount(lines_read=50, quarantined=50)
