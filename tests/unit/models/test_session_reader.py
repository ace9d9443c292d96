"""A network that reads whole sessions: what comes next, and what is still to come."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.models import network_symbols, session_pieces
from deeplog_ops.models.key_usage import KeyUsage, sessions_having
from deeplog_ops.models.network_symbols import NetworkSymbols
from deeplog_ops.models.session_reader import SessionReader, SessionReading
from deeplog_ops.models.vocabulary import Vocabulary

SETTINGS = KeyModelSettings(epochs=30, hidden=16, embedding=8, layers=1, device="cpu", seed=7)
# Three replicas are stored in any order with what else goes on, then the file is closed.
SESSIONS = [
    ("open", "1 stored", "2 stored", "3 stored", "close"),
    ("open", "1 stored", "check", "2 stored", "3 stored", "close"),
    ("open", "1 stored", "2 stored", "check", "3 stored", "close"),
    ("open", "1 stored", "2 stored", "3 stored", "check", "close"),
]
WEIGHTS = np.array([40, 30, 20, 10])
VOCABULARY = Vocabulary.of(SESSIONS)
HAVING = sessions_having(VOCABULARY, SESSIONS, WEIGHTS)


def fitted() -> SessionReader:
    return SessionReader.fit(
        [VOCABULARY.encode(each) for each in SESSIONS],
        WEIGHTS,
        WEIGHTS // 10,
        KeyUsage.of(VOCABULARY, SESSIONS, WEIGHTS),
        NetworkSymbols.of(HAVING, HAVING > 0),
        SETTINGS,
    )


@pytest.fixture(scope="module")
def reader() -> SessionReader:
    return fitted()


def read(reader: SessionReader, *sessions: tuple[str, ...]) -> SessionReading:
    return reader.read([VOCABULARY.encode(each) for each in sessions])


def awaited(reader: SessionReader, session: tuple[str, ...]) -> dict[str, float]:
    return dict(zip(VOCABULARY.keys, read(reader, session).awaited[0].tolist(), strict=True))


def test_a_step_that_was_left_out_was_awaited(reader: SessionReader) -> None:
    found = awaited(reader, ("open", "1 stored", "2 stored", "close"))
    assert found["3 stored"] > 0.95
    assert max(chance for key, chance in found.items() if key != "3 stored") < 0.9


def test_what_came_is_awaited_no_more_and_what_comes_at_times_is_not_missed(reader: SessionReader) -> None:
    found = awaited(reader, SESSIONS[0])
    assert {key: chance for key, chance in found.items() if key != "check"} == {
        key: 0.0 for key in VOCABULARY.keys if key != "check"
    }
    assert found["check"] < 0.9


def test_a_key_that_training_did_not_have_is_as_likely_as_any_new_one(reader: SessionReader) -> None:
    told = read(reader, ("open", "burnt", "1 stored", "2 stored", "3 stored", "close"))
    assert told.probability[1] == reader.usage.this_new_key
    assert told.probability[0] > 0.5


def test_a_session_reads_the_same_alone_and_beside_others(reader: SessionReader) -> None:
    others = [("open",), SESSIONS[1], (), ("open",) * 40]
    together = read(reader, *others, SESSIONS[2])
    alone = read(reader, SESSIONS[2])
    assert np.array_equal(together.probability[-len(alone.probability) :], alone.probability)
    assert np.array_equal(together.awaited[-1], alone.awaited[0])


def test_what_came_in_an_earlier_piece_of_a_long_session_is_not_awaited(
    reader: SessionReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_pieces, "LONGEST", 3)
    found = awaited(reader, SESSIONS[0])
    assert found["open"] == found["1 stored"] == found["close"] == 0.0
    assert awaited(reader, ("open", "1 stored", "2 stored", "close"))["3 stored"] > 0.9


def test_the_same_training_gives_the_same_weights_bit_by_bit(reader: SessionReader) -> None:
    again = fitted()
    for name, value in reader.network.state_dict().items():
        assert np.array_equal(value.numpy(), again.network.state_dict()[name].numpy()), name


def test_of_keys_that_the_network_does_not_tell_apart_each_is_as_likely_as_it_is_frequent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network_symbols, "OWN", 2)  # open and check; what is between them is one of eight
    sessions = [("open", f"read {which}", "check") for which in range(8)]
    counts = np.array([60, 50, 10, 10, 10, 10, 10, 10])
    vocabulary = Vocabulary.of(sessions)
    having = sessions_having(vocabulary, sessions, counts)
    usage = KeyUsage.of(vocabulary, sessions, counts)
    found = SessionReader.fit(
        [vocabulary.encode(each) for each in sessions],
        counts,
        counts // 10,
        usage,
        NetworkSymbols.of(having, having > 0),
        SETTINGS,
    )
    assert found.network.next.out_features == 5
    told = found.read(
        [vocabulary.encode(keys) for keys in (sessions[0], sessions[7], ("open", "new", "check"))]
    )
    often, rare, new = told.probability.reshape(3, 4)[:, 1]
    assert often == pytest.approx(6 * rare)
    assert often == pytest.approx(60 / 170, rel=0.05)
    assert rare > 50 * new
    misplaced = found.read([vocabulary.encode(("open", "check", "read 7"))]).probability[2]
    assert usage.this_new_key <= misplaced < rare / 3  # at least as odd as where it belongs, but no new key


def test_sessions_without_a_single_event_can_be_learnt_and_read_and_nobody_is_warned() -> None:
    vocabulary = Vocabulary(())
    usage = KeyUsage.of(vocabulary, [()], np.array([3]))
    nothing = np.zeros(3, np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = SessionReader.fit(
            [vocabulary.encode(())],
            np.array([3]),
            np.array([0]),
            usage,
            NetworkSymbols.of(nothing, nothing > 0),
            SETTINGS,
        )
        told = found.read([vocabulary.encode(()), vocabulary.encode(("a",))])
    assert told.awaited.shape == (2, 0)
    assert told.probability[0] > 0.8  # an end, and no event
    assert told.probability[1] == usage.this_new_key
