"""What the generator writes: the same bytes for the same day, and labels that point at real lines."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from deeplog_ops import simulate
from deeplog_ops.config_files import load_source
from deeplog_ops.simulate.files import LABELS, read_labels

START = date(2026, 2, 27)  # a Friday; the weekly job runs on the third day, and the month ends on the second
SMALL = {"sessions_per_day": 150, "seed": 7}


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> simulate.Truth:
    return simulate.write(tmp_path_factory.mktemp("series"), days=4, start=START, **SMALL)


def contents(raw: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(raw.iterdir())}


def lines_in(truth: simulate.Truth, file: str) -> list[str]:
    return (truth.raw / file).read_text(encoding="utf-8").splitlines()


def test_a_day_written_alone_is_the_same_bytes_as_in_a_series(series: simulate.Truth, tmp_path: Path) -> None:
    alone = simulate.write(tmp_path, days=1, start=START + timedelta(days=2), **SMALL)
    whole = contents(series.raw)
    assert contents(alone.raw) == {name: data for name, data in whole.items() if "2026-03-01" in name}
    assert alone.anomalies == tuple(
        label for label in series.anomalies if label.day == START + timedelta(days=2)
    )


def test_days_written_one_by_one_to_one_folder_have_the_labels_of_the_series(
    series: simulate.Truth, tmp_path: Path
) -> None:
    for number in (2, 0, 3, 1, 2):
        simulate.write(tmp_path, days=1, start=START + timedelta(days=number), **SMALL)
    assert contents(tmp_path / "raw") == contents(series.raw)
    assert (tmp_path / LABELS).read_bytes() == (series.raw.parent / LABELS).read_bytes()


def test_another_seed_gives_other_lines(series: simulate.Truth, tmp_path: Path) -> None:
    other = simulate.write(tmp_path, days=1, start=START, sessions_per_day=150, seed=8)
    assert contents(other.raw) != {
        name: data for name, data in contents(series.raw).items() if str(START) in name
    }


def test_every_label_points_at_a_line_that_holds_its_session_and_time(series: simulate.Truth) -> None:
    assert len(series.anomalies) == 4 * 12
    for label in series.anomalies:
        line = lines_in(series, label.file)[label.line_no - 1]
        assert label.session in line
        assert line.startswith(label.time.replace("T", " ").replace(".", ",").removesuffix("Z"))
        if label.kind == "missing_heartbeat":
            assert "alive" in line


def test_the_labels_read_back_are_those_that_were_written(series: simulate.Truth) -> None:
    read = read_labels(series.raw.parent / LABELS)
    assert sorted(read, key=str) == sorted(series.anomalies, key=str)
    assert len({label.anomaly_id for label in read}) == len(read)


def test_every_kind_occurs_within_a_few_days_whatever_their_number_a_day(tmp_path: Path) -> None:
    truth = simulate.write(tmp_path, days=5, start=START, anomalies_per_day=5, sessions_per_day=100)
    assert set(Counter(label.kind for label in truth.anomalies)) == set(simulate.KINDS)


def test_a_label_of_a_session_that_stops_early_is_its_last_line(series: simulate.Truth) -> None:
    text = [line for path in series.files for line in lines_in(series, path.name)]
    for label in series.anomalies:
        if label.kind == "missing_end":
            assert [line for line in text if label.session in line][-1] == lines_in(series, label.file)[
                label.line_no - 1
            ]


def test_lines_are_in_the_order_of_time_and_counted(series: simulate.Truth) -> None:
    physical = 0
    for path in series.files:
        lines = lines_in(series, path.name)
        physical += len(lines)
        times = [line[:23] for line in lines if line.startswith("2026-")]
        assert times == sorted(times)
        assert {time[:13] for time in times} == {path.name[8:18] + " " + path.name[19:21]}
    assert physical == series.lines


def test_some_sessions_cross_midnight_and_are_whole(series: simulate.Truth) -> None:
    text = [line for path in series.files for line in lines_in(series, path.name)]
    begun = {
        line.split(": ")[1][:14]: line[:10] for line in text if "compaction of" in line and "begun" in line
    }
    done = {
        line.split(": ")[1][:14]: line[:10] for line in text if "compaction of" in line and "finished" in line
    }
    assert sum(begun[job] < day for job, day in done.items() if job in begun) >= 4


def test_the_tasks_interleave_in_the_files(tmp_path: Path) -> None:
    truth = simulate.write(tmp_path, days=1, start=START, sessions_per_day=1200)
    noon = "\n".join(lines_in(truth, f"harbour-{START}-12.log"))
    ids = re.findall(r": ((?:req|ord|job)-\w{10}) ", noon)
    returns = sum(
        one != other and other in ids[: place + 1] for place, (one, other) in enumerate(pairwise(ids))
    )
    assert returns > len(set(ids)) / 2


def test_stack_traces_stand_on_lines_of_their_own(series: simulate.Truth) -> None:
    text = [line for path in series.files for line in lines_in(series, path.name)]
    assert sum(line.startswith("\tat ") for line in text) > 10
    assert not any("{" in line for line in text)


def test_days_before_the_first_anomaly_have_none_and_are_otherwise_the_same(tmp_path: Path) -> None:
    clean = simulate.write(
        tmp_path / "clean", days=2, start=START, anomalies_from=START + timedelta(days=1), **SMALL
    )
    assert {label.day for label in clean.anomalies} == {START + timedelta(days=1)}
    none = simulate.write(tmp_path / "none", days=1, start=START, anomalies_per_day=0, **SMALL)
    assert none.anomalies == ()
    assert contents(none.raw) == {
        name: data for name, data in contents(clean.raw).items() if str(START) in name
    }


def test_new_messages_appear_from_the_deploy_day_on(tmp_path: Path) -> None:
    deploy = START + timedelta(days=1)
    truth = simulate.write(tmp_path, days=2, start=START, deploy=deploy, **SMALL)
    by_day = {
        day: [line for path in truth.files if str(day) in path.name for line in lines_in(truth, path.name)]
        for day in truth.days
    }
    assert not any("retention policy" in line for line in by_day[START])
    assert sum("retention policy" in line for line in by_day[deploy]) > 10


@pytest.mark.parametrize("per", ["hour", "day"])
def test_compressed_and_daily_files_hold_the_same_lines(
    series: simulate.Truth, tmp_path: Path, per: str
) -> None:
    packed = simulate.write(tmp_path / "one", days=1, start=START, gzip=True, per=per, **SMALL)
    again = simulate.write(tmp_path / "two", days=1, start=START, gzip=True, per=per, **SMALL)
    assert contents(packed.raw) == contents(again.raw)
    assert {data[4:8] for data in contents(packed.raw).values()} == {bytes(4)}, (
        "no time of writing in the header"
    )
    text = b"".join(gzip.decompress(path.read_bytes()) for path in packed.files)
    assert text == b"".join(data for name, data in contents(series.raw).items() if str(START) in name)


def test_more_anomalies_than_sessions_can_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sessions cannot hold"):
        simulate.write(tmp_path, days=1, start=START, sessions_per_day=3, anomalies_per_day=200)


def test_the_sample_configuration_reads_what_was_written(series: simulate.Truth, tmp_path: Path) -> None:
    path = tmp_path / "sample.yaml"
    path.write_text(simulate.source_yaml(series.raw), encoding="utf-8")
    source = load_source(path)
    assert not isinstance(source.format, str)
    assert source.format.pattern is not None
    assert source.sessions.pattern is not None
    unread = []
    for line in lines_in(series, series.files[12].name):
        record = re.match(source.format.pattern, line)
        if record is None:
            unread.append(line)
        else:
            datetime.strptime(record["time"], source.format.time_formats[0])
    assert all(line.startswith(("\tat ", "java.", "meta.")) for line in unread)
    sessions = {label.session for label in series.anomalies if label.session}
    assert all(re.fullmatch(source.sessions.pattern, session) for session in sessions)
    assert re.match(source.format.pattern, source.format.example)
