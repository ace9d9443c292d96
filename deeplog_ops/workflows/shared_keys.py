"""Which of the tasks that share a key wrote each of its events: the one that needs it first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

NEEDED = 0.9  # share of a task's gaps of one kind that have the key: then every such gap needs one


def share_out(
    streams: Sequence[tuple[str, ...]], owners: Mapping[str, tuple[int, ...]], tasks: int
) -> list[list[int]]:
    """The task of every event, -1 for keys without owner.

    A gap is what lies between two events in a row of one task; its kind is the two keys. Where gaps of a kind always
    have the shared key in them, each needs one event of it, and the gap that closes first is served first. What is
    left goes to the open gap that has the key most often.
    """
    rows = [[owners[key][0] if len(owners.get(key, ())) == 1 else -1 for key in stream] for stream in streams]
    for key in sorted(key for key, own in owners.items() if len(own) > 1):
        share = {
            number: _shares(streams, rows, key, number) for number in owners[key]
        }  # task: kind of gap: how often the key is in it
        for stream, row in zip(streams, rows, strict=True):
            _serve(stream, row, key, share)
    return rows


Gap = tuple[int, int, tuple[str, str]]  # from, to (places in the stream), kind


def _gaps(stream: Sequence[str], row: Sequence[int], number: int) -> list[Gap]:
    gaps: list[Gap] = []
    before, since = "", -1
    for place, (key, task) in enumerate(zip(stream, row, strict=True)):
        if task == number:
            gaps.append((since, place, (before, key)))
            before, since = key, place
    gaps.append((since, len(stream), (before, "")))
    return gaps


def _shares(
    streams: Sequence[Sequence[str]], rows: Sequence[Sequence[int]], key: str, number: int
) -> dict[tuple[str, str], float]:
    seen: Counter[tuple[str, str]] = Counter()
    having: Counter[tuple[str, str]] = Counter()
    for stream, row in zip(streams, rows, strict=True):
        for start, stop, kind in _gaps(stream, row, number):
            seen[kind] += 1
            having[kind] += key in stream[start + 1 : stop]
    return {kind: having[kind] / count for kind, count in seen.items()}


def _serve(
    stream: Sequence[str],
    row: list[int],
    key: str,
    shares: Mapping[int, Mapping[tuple[str, str], float]],
) -> None:
    free = [place for place, found in enumerate(stream) if found == key and row[place] == -1]
    needing = sorted(
        (stop, start, number)
        for number, share in shares.items()
        for start, stop, kind in _gaps(stream, row, number)
        if share[kind] >= NEEDED
    )
    for stop, start, number in needing:
        place = next((place for place in free if start < place < stop), None)
        if place is not None:
            free.remove(place)
            row[place] = number
    gaps = {
        number: _gaps(
            stream, [task if stream[place] != key else -1 for place, task in enumerate(row)], number
        )
        for number in shares
    }
    for place in free:
        open_now = [
            (-shares[number].get(kind, 0.0), number)
            for number, found in gaps.items()
            for start, stop, kind in found
            if start < place < stop
        ]
        row[place] = min(open_now)[1] if open_now else -1
