"""Sessions cut into pieces, as a network reads them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.models import session_pieces
from deeplog_ops.models.session_pieces import NOTHING, Pieces
from deeplog_ops.models.vocabulary import BOS, EOS

SYMBOLS = 8  # of which those from 3 on are keys
WATCHED = np.array([-1, -1, -1, 0, -1, 1, 2, -1])
SESSIONS = st.lists(st.lists(st.integers(3, SYMBOLS - 1), max_size=12), min_size=1, max_size=5)


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_pieces, "LONGEST", 4)


def pieces_of(sessions: list[list[int]]) -> Pieces:
    return Pieces.of([np.array(each, np.int32) for each in sessions], WATCHED)


@given(SESSIONS)
def test_pieces_put_together_are_the_sessions_with_their_ends(sessions: list[list[int]]) -> None:
    pieces = pieces_of(sessions)
    batch = pieces.batch(np.arange(len(pieces.session)))
    for number, session in enumerate(sessions):
        own = np.flatnonzero(pieces.session == number)
        assert pieces.places[own].max() <= 4
        for found, whole in ((batch.came, [*session, EOS]), (batch.given, [BOS, *session])):
            joined = np.concatenate(
                [found[piece, : pieces.places[piece]] for piece in own]
            )  # what stands behind is padding
            assert joined.tolist() == whole
    assert (batch.came != NOTHING).sum() == len(pieces.came) == sum(map(len, sessions)) + len(sessions)


@given(SESSIONS)
def test_what_came_before_a_place_is_known_once_each(sessions: list[list[int]]) -> None:
    pieces = pieces_of(sessions)
    batch = pieces.batch(np.arange(len(pieces.session)))
    ends = [*batch.offsets[1:], len(batch.before)]
    for piece, (first, end) in enumerate(zip(batch.offsets, ends, strict=True)):
        start = pieces.start[piece]
        whole = [BOS, *sessions[pieces.session[piece]]]
        for place in range(pieces.places[piece]):
            told = [*batch.before[first:end], *batch.given[piece, : place + 1][batch.new[piece, : place + 1]]]
            assert sorted(told) == sorted(set(whole[: start + place + 1]))


@given(SESSIONS)
def test_the_last_place_of_each_symbol_watched_is_known_in_every_piece(sessions: list[list[int]]) -> None:
    pieces = pieces_of(sessions)
    batch = pieces.batch(np.arange(len(pieces.session)))
    for piece, number in enumerate(pieces.session):
        session = sessions[number]
        for symbol, column in ((3, 0), (5, 1), (6, 2)):
            places = [place - pieces.start[piece] for place, came in enumerate(session) if came == symbol]
            last = batch.last[piece, column]
            assert last == places[-1] if places else last < 0


@given(SESSIONS, st.integers(1, 20))
def test_every_piece_is_in_one_part_and_parts_are_no_larger_than_asked(
    sessions: list[list[int]], most: int
) -> None:
    pieces = pieces_of(sessions)
    parts = list(pieces.batches(np.arange(len(pieces.session)), most))
    assert sorted(np.concatenate([part for part, _, _ in parts])) == list(range(len(pieces.session)))
    for part, width, rows in parts:
        assert len(part) <= rows == max(1, most // width)
        assert pieces.places[part].max() <= width
