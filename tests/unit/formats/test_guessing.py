"""Guessing: formats known and unknown, years, encodings, session keys; the YAML that comes of it loads."""

from __future__ import annotations

import gzip
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deeplog_ops.config import SourceConfig
from deeplog_ops.config_files import load_source
from deeplog_ops.formats.guess import guess_format
from deeplog_ops.formats.guess_source import SampleFile, SourceGuess, guess_source, to_yaml
from tests.unit.formats.conftest import NOW, read

START = datetime(2024, 2, 3, 10, tzinfo=UTC)


def loaded(guess: SourceGuess, folder: Path) -> SourceConfig:
    path = folder / f"{guess.config['name']}.yaml"
    path.write_text(to_yaml(guess))
    return load_source(path)


def guessed(*texts: str | bytes, name: str = "shop", path: str = "/logs/app.log") -> SourceGuess:
    heads = [text.encode() if isinstance(text, str) else text for text in texts]
    samples = [SampleFile(f"{path}.{place}", head, NOW) for place, head in enumerate(heads)]
    return guess_source(name, samples, now=NOW)


def orders(form: str, sessions: int = 200, gap: float = 600) -> str:
    """Interleaved sessions of four steps, times `gap` seconds apart on average."""
    rng, lines = random.Random(0), []
    for number in range(sessions):
        time = START + timedelta(seconds=20 * number)
        for step in (
            "order {} placed",
            "paying for order {}",
            "order {} packed in 17 minutes",
            "order {} is on its way",
        ):
            lines.append((time, step.format(4000 + number)))
            time += timedelta(seconds=rng.expovariate(1 / gap))
    return "".join(form.format(time=time, message=message) + "\n" for time, message in sorted(lines))


@pytest.mark.parametrize(
    ("form", "message", "columns"),
    [
        (
            "{time:%d-%b-%Y %H:%M:%S.%f} WARN [main] shop.Cart: {message}",
            "{m}",
            {"level", "thread", "component"},
        ),
        ("worker-3 {time:%Y/%m/%d %H:%M:%S} [info] {message}", "{m}", {"level"}),
        ("[{time:%m/%d/%Y %H:%M:%S}] {message}", "{m}", set()),
        ("{time:%d.%m.%Y %H:%M:%S} | ERROR | {message}", "{m}", {"level"}),
        ("<{time:%H:%M:%S}> {message}", "{m}", set()),
    ],
)
def test_a_header_for_an_unknown_format_is_derived(form: str, message: str, columns: set[str]) -> None:
    text = orders(form)
    guess = guess_format([("x.log", text.encode())])
    assert guess.spec.name == "derived"
    assert not guess.sure
    result = read(text.encode(), guess.spec)
    assert result.account.events == text.count("\n")
    assert sorted(result.messages) == sorted(orders("{message}").splitlines())
    assert {name for name in ("level", "thread", "component") if result.rows[0][name]} == columns


def test_the_first_word_of_a_single_statement_is_no_host() -> None:
    text = "".join(f"03.02.2024 10:11:{i % 60:02} INFO Import {i} finished\n" for i in range(100))
    guess = guess_format([("x.log", text.encode())])
    assert read(text.encode(), guess.spec).messages[:2] == ["Import 0 finished", "Import 1 finished"]


def test_a_number_in_brackets_is_a_process_and_no_thread() -> None:
    text = "".join(
        f"2024-02-03 10:11:{i % 60:02}.345 UTC [{4711 + i}] LOG:  statement {i}\n" for i in range(100)
    )
    guess = guess_format([("x.log", text.encode())])
    (row, *_) = read(text.encode(), guess.spec).rows
    assert (row["pid"], row["thread"], row["message"]) == ("4711", None, "statement 0")


def test_text_without_times_is_read_line_by_line_and_said_to_be_unsure() -> None:
    guess = guess_format([("x", b"the cat\nsat on\nthe mat\n" * 20)])
    assert (guess.spec.name, guess.sure) == ("plain", False)
    assert guess.notes


def test_stack_traces_do_not_spoil_a_guess() -> None:
    line = b"2024-02-03 10:11:12,345 ERROR [main] a.B: failed\n" + b"\tat a.B.c(B.java:7)\n" * 20
    guess = guess_format([("x", line * 30)])
    assert guess.spec.name == "hadoop"
    assert guess.share_understood == 1.0


def test_a_head_may_be_compressed_and_cut() -> None:
    text = orders("{time:%Y-%m-%d %H:%M:%S},123 INFO [main] a.B: {message}").encode()
    packed = gzip.compress(text)
    assert guess_format([("x.gz", packed[: len(packed) // 2])]).spec.name == "hadoop"


def test_an_empty_source_is_said_to_be_empty(tmp_path: Path) -> None:
    guess = guessed(b"")
    assert "empty" in guess.notes[0]
    assert loaded(guess, tmp_path).format == "plain"


def test_the_session_key_and_its_timeout_come_from_the_messages(tmp_path: Path) -> None:
    guess = guessed(orders("{time:%Y-%m-%dT%H:%M:%S}Z INFO {message}"))
    config = loaded(guess, tmp_path)
    assert (config.format, config.sessions.by) == ("iso", "identifier")
    assert "order" in str(config.sessions.pattern)
    assert guess.preview.sessions == 200
    assert timedelta(hours=1) <= config.sessions.idle_timeout <= timedelta(hours=8)


def test_a_derived_format_is_written_out_and_loads(tmp_path: Path) -> None:
    config = loaded(guessed(orders("worker-3 {time:%Y/%m/%d %H:%M:%S} [info] {message}")), tmp_path)
    assert not isinstance(config.format, str)
    assert config.format.pattern is not None


def test_a_field_is_the_key_where_messages_have_none(tmp_path: Path) -> None:
    steps = ("asked for a password", "took the key", "opened a shell", "left")
    lines = [
        f"{START + timedelta(seconds=i):%b %d %H:%M:%S} gate sshd[{700 + i // 12 * 3 + i % 3}]: {steps[i % 12 // 3]}"
        for i in range(600)
    ]
    guess = guessed("\n".join(lines) + "\n")
    config = loaded(guess, tmp_path)
    assert (config.format, config.sessions.by, config.sessions.fields) == ("syslog", "field", ("pid",))


def test_a_source_without_any_key_is_one_stream_and_said_so(tmp_path: Path) -> None:
    guess = guessed("".join(f"2024-02-03T10:11:{i % 60:02}Z the cat sat\n" for i in range(100)))
    assert loaded(guess, tmp_path).sessions.by == "stream"
    assert any("one stream" in note for note in guess.notes)


def test_a_format_that_knows_the_time_alone_is_said_to_be_unsure() -> None:
    guess = guess_format([("x", orders("[{time:%Y-%m-%d %H:%M:%S},345] INFO {message}").encode())])
    assert (guess.spec.name, guess.sure) == ("iso", False)
    assert any("all after it is the message" in note for note in guess.notes)


def test_the_sessions_of_a_stream_are_the_pieces_it_is_cut_into() -> None:
    guess = guessed("".join(f"2024-02-03T{10 + i // 50}:11:12Z the cat sat\n" for i in range(100)))
    assert (guess.preview.sessions, guess.preview.mean_session_length) == (2, 50.0)


def test_what_the_data_does_not_say_is_said_to_be_unsure(tmp_path: Path) -> None:
    guess = guessed("Feb  3 10:11:12 box cron[7]: started\n" * 50)
    assert any("no year" in note for note in guess.notes)
    assert any("no zone" in note for note in guess.notes)
    assert "# Unsure: the stamps have no year" in to_yaml(guess)


def test_the_day_in_the_path_is_used_where_stamps_have_no_year(tmp_path: Path) -> None:
    guess = guessed("Feb  3 10:11:12 box cron[7]: started\n" * 50, path="/logs/2019-02-03/messages")
    config = loaded(guess, tmp_path)
    assert config.reading.day_from_path is not None
    assert guess.preview.first_time == datetime(2019, 2, 3, 10, 11, 12, tzinfo=UTC)


def test_an_encoding_is_found_and_written(tmp_path: Path) -> None:
    text = "2024-02-03T10:11:12Z caf\u00e9 ge\u00f6ffnet\n" * 50
    assert loaded(guessed(text.encode("cp1252")), tmp_path).reading.encoding == "cp1252"
    assert loaded(guessed(text.encode("utf-16")), tmp_path).reading.encoding == "utf-16-le"


def test_a_few_stray_bytes_do_not_make_an_encoding(tmp_path: Path) -> None:
    data = b"2024-02-03T10:11:12Z started\n" * 200 + b"2024-02-03T10:11:13Z got \xf7\xff\xbf\xf7\xff\xbf\n"
    assert loaded(guessed(data), tmp_path).reading.encoding == "utf-8"


def test_lines_of_another_encoding_do_not_spoil_those_of_utf8(tmp_path: Path) -> None:
    line = "2024-02-03T10:11:12Z caf\u00e9 ge\u00f6ffnet\n"
    data = (line.encode() * 2 + line.encode("cp1252")) * 50
    guess = guessed(data)
    assert loaded(guess, tmp_path).reading.encoding == "utf-8"
    assert set(guess.preview.messages) == {"caf\u00e9 ge\u00f6ffnet", r"caf\xe9 ge\xf6ffnet"}


def test_json_without_a_time_is_read_without_one(tmp_path: Path) -> None:
    guess = guessed('{"message":"a","n":1}\n' * 30)
    config = loaded(guess, tmp_path)
    assert not isinstance(config.format, str)
    assert guess.preview.account.events == 30
