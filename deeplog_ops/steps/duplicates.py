"""One file under several names: rotated copies, a compressed twin, the beginning of another. It counts once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from deeplog_ops.formats import compression
from deeplog_ops.records import RawFile, stable_id
from deeplog_ops.storage.paths import open_bytes, open_path

_COMPARE_BYTES = 2**20


def mark_duplicates(files: list[RawFile], connection: str | None, known: list[RawFile]) -> list[RawFile]:
    """Let files with one fingerprint count once: the most complete one; plain before compressed.

    Two different files may begin alike. They are told apart by their bytes, and the later ones get a fingerprint
    that takes in the place where they part.
    """
    settled = {
        (file.path, file.size, file.modified): file for file in known if file.duplicate_of or file.last_time
    }
    groups: dict[str, list[RawFile]] = {}
    for file in files:
        groups.setdefault(file.file_id, []).append(file)
    result: list[RawFile] = []
    for file_id, group in groups.items():
        if len(group) == 1:
            result.append(replace(group[0], duplicate_of=None))
            continue
        ranked = sorted(group, key=lambda file: (file.compression is not None, -file.size, file.path))
        kept: list[RawFile] = []
        for file in ranked:
            before = settled.get((file.path, file.size, file.modified))
            if before is not None and before.duplicate_of in {other.path for other in kept}:
                result.append(replace(file, duplicate_of=before.duplicate_of))
                continue
            twin, parted = _twin(file, kept, connection)
            if twin is not None:
                result.append(replace(file, duplicate_of=twin.path))
            else:
                own = replace(
                    file, file_id=stable_id(file_id, parted) if parted else file_id, duplicate_of=None
                )
                kept.append(own)
                result.append(own)
    return sorted(result, key=lambda file: file.path)


def _twin(file: RawFile, kept: list[RawFile], connection: str | None) -> tuple[RawFile | None, str]:
    """The kept file that this one repeats (wholly, or as its beginning), or what its bytes are where they part."""
    parted = ""
    for other in kept:
        difference = _first_difference(file, other, connection)
        if difference is None:
            return other, ""
        parted = difference
    return None, parted


def _first_difference(file: RawFile, other: RawFile, connection: str | None) -> str | None:
    """What `file` holds up to the byte where the two part, hashed; None where one begins with all of the other."""
    with (
        open_bytes(open_path(file.path, connection)) as raw_a,
        open_bytes(open_path(other.path, connection)) as raw_b,
    ):
        a = compression.open_stream(raw_a, file.compression)
        b = compression.open_stream(raw_b, other.compression)
        at = 0
        while True:
            left, right = _piece(a), _piece(b)
            shorter = min(len(left), len(right))
            if left[:shorter] != right[:shorter]:
                parts = next(place for place in range(shorter) if left[place] != right[place])
                # Not all of the piece: the last one of a file that grows would change.
                return f"{at}:{stable_id(left[: parts + 1].hex())}"
            if shorter < _COMPARE_BYTES:
                return None
            at += shorter


def _piece(stream: BinaryIO) -> bytes:
    """The next _COMPARE_BYTES, fewer only at the end: an archive gives what it has, however little was asked for. As far
    as a damaged one can be read."""
    found = b""
    with suppress(compression.DamagedArchive):
        while len(found) < _COMPARE_BYTES and (piece := stream.read(_COMPARE_BYTES - len(found))):
            found += piece
    return found
