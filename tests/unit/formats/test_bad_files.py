"""Files as they come: cut, damaged, growing, in any encoding. Nothing raises; nothing is lost without a reason."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import zstandard

from deeplog_ops.config import Reading
from deeplog_ops.errors import FormatError
from deeplog_ops.formats import catalog, compression, fingerprint, joining, line_blocks
from deeplog_ops.formats.records import read_records

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


def line(number: int = 0, message: str = "block taken") -> bytes:
    return f"240203 101112 {number} INFO dfs.Node: {message}\n".encode()


def test_an_empty_file_has_no_lines(read: Callable) -> None:
    result = read(b"")
    assert (result.account.lines_read, result.rows, result.quarantine) == (0, [], [])


def test_a_last_line_needs_no_line_end(read: Callable) -> None:
    assert read(line(1) + line(2)[:-1]).account.events == 2


def test_lines_may_end_as_on_windows(read: Callable) -> None:
    result = read(line(1).replace(b"\n", b"\r\n") + b"more\r\n")
    assert result.messages == ["block taken\nmore"]
    assert result.rows[0]["raw"].endswith("block taken\nmore")


def test_line_numbers_and_offsets_lead_back_to_the_raw_bytes(read: Callable) -> None:
    data = line(1) + b"\n" + b" cont\n" + line(2, "caf\u00e9") + line(3)
    for row in read(data).rows:
        assert data[row["byte_offset"] :].startswith(row["raw"].split("\n")[0].encode())
        assert data[: row["byte_offset"]].count(b"\n") + 1 == row["line_no"]


@pytest.mark.parametrize("name", COMPRESS)
def test_a_compressed_file_is_the_same_file(name: str, read: Callable) -> None:
    data = b"".join(line(number) for number in range(5000))
    packed = COMPRESS[name](data)
    assert compression.detect(packed[:8], "misleading.txt") == name
    assert read(packed).rows == read(data).rows
    assert fingerprint.of_head(compression.head_of(io.BytesIO(packed), 4096)) == fingerprint.of_head(data)


@pytest.mark.parametrize("name", COMPRESS)
def test_archives_one_after_the_other_are_read_on(name: str, read: Callable) -> None:
    pack = COMPRESS[name]
    assert read(pack(line(1)) + pack(line(2))).account.events == 2


@pytest.mark.parametrize("name", ["gzip", "bz2", "xz"])
def test_what_a_truncated_archive_gives_is_kept(name: str, read: Callable) -> None:
    data = b"".join(line(number, f"{number * 7919 % 10007}") for number in range(60_000))
    packed = COMPRESS[name](data)
    result = read(packed[: len(packed) * 3 // 4], chunk_bytes=65536)
    assert 0 < result.account.events < 60_000
    assert "truncated" in result.reasons
    assert result.rows == read(data).rows[: len(result.rows)]


def test_the_line_that_a_truncated_archive_cuts_is_not_taken_for_an_event(read: Callable) -> None:
    result = read(gzip.compress(line(1) + line(2)[:-10])[:-4])
    assert result.account.events == 1
    assert sorted(result.reasons) == ["cut_off", "truncated"]


def test_what_follows_an_archive_and_is_none_is_damage(read: Callable) -> None:
    result = read(gzip.compress(line(1)) + b"garbage")
    assert (result.account.events, result.reasons) == (1, ["damaged"])


def test_a_broken_archive_keeps_what_came_before(read: Callable) -> None:
    packed = bytearray(gzip.compress(b"".join(line(number) for number in range(50_000))))
    packed[len(packed) // 2] ^= 0xFF
    assert set(read(bytes(packed)).reasons) & {"damaged", "truncated"}


def test_a_bomb_is_stopped(read: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_blocks, "BOMB_FROM", 2**20)
    packed = gzip.compress(line(1) * 200_000)
    result = read(packed, compressed_size=len(packed), ratio=100, chunk_bytes=65536)
    assert "bomb" in result.reasons
    assert result.account.lines_read < 200_000


def test_a_file_larger_than_allowed_is_read_so_far(read: Callable) -> None:
    result = read(line(1) * 10, file_bytes=3 * len(line(1)) + 5)
    assert result.account.events == 3
    assert sorted(result.reasons) == ["cut_off", "file_too_large"]


def test_a_file_of_just_the_allowed_size_is_whole(read: Callable) -> None:
    assert read(line(1) * 3, file_bytes=3 * len(line(1))).quarantine == []


def test_a_binary_file_is_set_aside_whole(read: Callable) -> None:
    data = b"\x7fELF" + bytes(range(256)) * 50
    result = read(data)
    assert result.reasons == ["binary"]
    assert result.account.quarantined == result.account.lines_read == data.count(b"\n") + 1


def test_a_line_of_ten_megabytes_costs_itself_alone_and_little_memory() -> None:
    stream = io.BytesIO(line(1) + b"x" * 10 * 2**20 + b"\n" + line(2))
    tracemalloc.start()
    reading = Reading(chunk_bytes=65536, line_bytes=100_000)
    spec, now = catalog.resolve("hdfs"), datetime(2026, 1, 1, tzinfo=UTC)
    chunks = list(read_records(stream, spec=spec, reading=reading, file_id="f", now=now))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    quarantine = [row for chunk in chunks for row in chunk.quarantine.to_pylist()]
    assert [(row["reason"], row["line_no"]) for row in quarantine] == [("line_too_long", 2)]
    assert quarantine[0]["raw"] == "x" * 2000
    assert sum(chunk.account.events for chunk in chunks) == 2
    assert peak < 5 * 2**20


def test_nul_bytes_are_made_readable(read: Callable) -> None:
    (row,) = read(line(1, "a\0b")).rows
    assert row["message"] == "a\\x00b"
    assert "\0" not in row["raw"]


def test_nul_escapes_in_json_are_made_readable(read: Callable) -> None:
    (row,) = read(
        b'{"time":"2024-02-03T10:11:12Z","msg":"a\\u0000b","x":"\\ud800","y":["\\u0000"]}\n', "ndjson"
    ).rows
    assert row["message"] == "a\\x00b"
    assert "\\u0000" not in row["fields"]


def test_bytes_that_are_no_utf8_stay_readable_and_spoil_no_other_line(read: Callable) -> None:
    result = read(line(1, "caf\u00e9") + line(2).replace(b"block", b"bl\xe9ck") + line(3))
    assert result.messages == ["caf\u00e9", "bl\\xe9ck taken", "block taken"]


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-8-sig"]
)
@pytest.mark.parametrize("chunk_bytes", [4, 28, 4096])
def test_any_encoding_is_read_with_offsets_in_raw_bytes(
    encoding: str, chunk_bytes: int, read: Callable
) -> None:
    texts = [
        line(1, "na\u00efve").decode(),
        line(2, "\u00e9t\u00e9").decode().replace("\n", "\r\n"),
        line(3).decode(),
    ]
    data = "".join(texts).encode(encoding)
    result = read(data, encoding=encoding, chunk_bytes=chunk_bytes)
    assert result.messages == ["na\u00efve", "\u00e9t\u00e9", "block taken"]
    last = result.rows[-1]["byte_offset"]
    assert data[last:].decode(encoding.replace("-sig", "")).endswith("block taken\n")
    assert len(data) - last == len(
        texts[-1].encode(
            encoding.replace("utf-16", "utf-16-le")
            .replace("-le-le", "-le")
            .replace("-le-be", "-be")
            .replace("utf-32", "utf-32-le")
            .replace("-sig", "")
        )
    )


def test_newlines_within_wide_characters_do_not_cut_a_line(read: Callable) -> None:
    data = line(1, "\u0a41\u0100").decode().encode("utf-16-le")
    assert read(data, encoding="utf-16-le").messages == ["\u0a41\u0100"]


def test_auto_finds_the_encoding_of_each_file(read: Callable) -> None:
    text = line(1, "gr\u00fc\u00dfe").decode() * 3
    for encoding in ("utf-8", "utf-16", "utf-16-le", "cp1252"):
        assert read(text.encode(encoding), encoding="auto").messages == ["gr\u00fc\u00dfe"] * 3, encoding


def test_an_encoding_that_is_none_is_an_error_that_says_so(read: Callable) -> None:
    with pytest.raises(FormatError, match="no such text encoding: 'utf-9'"):
        read(line(1), encoding="utf-9")


def test_a_future_time_is_set_aside(read: Callable) -> None:
    result = read(line(1) + line(2).replace(b"240203", b"490203") + b"more\n" + line(3))
    assert result.reasons == ["future_time"]
    assert result.quarantine[0]["line_count"] == 2
    assert result.account.events == 2


def test_a_time_that_cannot_be_is_set_aside_with_what_is_accepted(read: Callable) -> None:
    result = read(line(1) + line(2).replace(b"240203", b"249903"))
    assert result.reasons == ["bad_time"]
    assert "%y%m%d %H%M%S" in result.quarantine[0]["detail"]


def test_a_format_that_fits_nothing_sets_the_file_aside_in_one_row(read: Callable) -> None:
    for record_lines in (10_000, 3):
        result = read(b"nothing\n" * 50, chunk_bytes=32, record_lines=record_lines)
        assert [(row["reason"], row["line_no"], row["line_count"]) for row in result.quarantine] == [
            ("no_match", 0, 50)
        ]


def test_lines_at_a_files_head_belong_to_its_first_record(read: Callable) -> None:
    result = read(b"tail of another\n" + line(1))
    assert result.rows[0]["line_no"] == 2
    assert result.rows[0]["message"] == "block taken"
    assert result.rows[0]["raw"].startswith("tail of another\n240203")
    assert result.rows[0]["line_count"] == 2


@pytest.mark.parametrize("chunk_bytes", [4, 50, 4096])
def test_a_record_takes_so_many_lines_and_the_rest_is_set_aside(chunk_bytes: int, read: Callable) -> None:
    result = read(line(1) + b" more\n" * 9 + line(2), record_lines=4, chunk_bytes=chunk_bytes)
    assert [row["line_count"] for row in result.rows] == [4, 1]
    assert result.reasons == ["record_too_long"] * 6
    assert [row["line_no"] for row in result.quarantine] == [5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("chunk_bytes", [64, 4096])
def test_a_record_that_is_full_takes_no_smaller_line_either(
    chunk_bytes: int, read: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "RECORD_BYTES", 200)
    data = line(1) + b" " + b"a" * 100 + b"\n " + b"b" * 100 + b"\n" + b" c\n" * 30 + line(2)
    result = read(data, chunk_bytes=chunk_bytes)
    assert [row["line_count"] for row in result.rows] == [2, 1]
    assert len(result.quarantine) == 31


def test_a_long_line_of_wide_characters_ends_at_its_own_newline(read: Callable) -> None:
    text = line(1).decode() + "\u0a41\u0100" * 500 + "\n" + line(2).decode()
    result = read(text.encode("utf-16-le"), encoding="utf-16-le", line_bytes=200, chunk_bytes=64)
    assert (result.account.events, result.reasons) == (2, ["line_too_long"])


def test_a_source_may_set_lines_without_a_header_aside(read: Callable) -> None:
    result = read(line(1) + b"odd\n" + line(2), multiline="quarantine")
    assert result.messages == ["block taken"] * 2
    assert [(row["reason"], row["raw"]) for row in result.quarantine] == [("no_header", "odd")]


def test_the_quarantine_of_a_file_is_bounded_and_counts_the_rest(read: Callable) -> None:
    result = read(line(1) + b"odd\n" * 1500, multiline="quarantine")
    assert len(result.quarantine) == 1001
    assert result.quarantine[-1]["line_count"] == 500
    assert "500 more lines" in result.quarantine[-1]["detail"]


def test_a_file_that_grows_is_read_so_far_and_a_line_beyond_is_not_seen(read: Callable) -> None:
    data = line(1) + line(2) + line(3)
    within = read(data, read_to=len(line(1)) + 10)
    assert within.account.lines_read == within.account.events == 1
    at_end = read(data[: len(line(1)) + 20], read_to=len(line(1)) + 20)
    assert at_end.account.lines_read == 2
    assert read(data, read_to=2 * len(line(1))).account.events == 2


@pytest.mark.parametrize("rule", [{"pattern": r"key=\w+"}, {"field": "component"}, {"pattern": "(?i)SECRET"}])
def test_redaction_leaves_nothing_behind(rule: dict, read: Callable) -> None:
    data = (
        b"240203 101112 1 INFO secret: got key=secret ok\n secret more key=secret\n"
        b"249903 101112 1 INFO secret: got key=secret ok\n"
    )
    result = read(data, redact=[rule])
    text = str(result.rows) + str(result.quarantine)
    assert ("key=secret" if rule.get("pattern") == r"key=\w+" else "secret") not in text
    assert "[redacted]" in result.rows[0]["raw"]
    assert result.account.events == 1


def test_redacted_fields_leave_no_text_of_lines_that_cannot_be_read(read: Callable) -> None:
    result = read(line(1) + b"odd secret\n", multiline="quarantine", redact=[{"field": "component"}])
    assert result.quarantine[0]["raw"] == "[redacted]"


def test_a_redacted_field_of_json_is_blotted_out(read: Callable) -> None:
    data = b'{"time":"2024-02-03T10:11:12Z","msg":"hello ada","user":"ada"}\n'
    (row,) = read(data, "ndjson", redact=[{"field": "user"}]).rows
    assert "ada" not in str(row)
