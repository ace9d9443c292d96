"""Which symbols a network tells apart, and what it awaits of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.models.key_folds import KeyModelFolds
from deeplog_ops.models.network_symbols import OWN, WATCHED, NetworkSymbols
from deeplog_ops.models.vocabulary import BOS, EOS, ESCAPE

KEYS_FROM = 3


def of_keys(having: list[int]) -> NetworkSymbols:
    counts = np.array([0] * KEYS_FROM + having)
    return NetworkSymbols.of(counts, counts > 1)


def test_with_few_keys_every_symbol_is_its_own_and_the_common_ones_are_awaited() -> None:
    found = of_keys([9, 1, 5])
    assert found.read_as.tolist() == [BOS, EOS, ESCAPE, 3, 4, 5]
    assert found.watched.tolist() == [-1, -1, -1, 0, -1, 1]
    assert found.awaited == 2
    assert found.shares(np.array([0, 4, 0, 9, 1, 5]))[KEYS_FROM:].tolist() == [1, 1, 1]


def test_of_more_keys_those_that_most_sessions_have_are_told_apart() -> None:
    having = np.random.default_rng(3).permutation(np.arange(1, OWN + 501)).tolist()
    found = of_keys(having)
    own = found.read_as[KEYS_FROM:] != ESCAPE
    assert own.tolist() == [count > 500 for count in having]
    assert np.array_equal(np.sort(found.read_as[KEYS_FROM:][own]), np.arange(KEYS_FROM, OWN + KEYS_FROM))
    awaited = found.watched[found.read_as[KEYS_FROM:]] >= 0
    assert awaited.tolist() == [count > OWN + 500 - WATCHED for count in having]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=40))
def test_what_is_read_as_one_shares_one_chance(seldom: list[int]) -> None:
    having = [*[4] * OWN, *seldom]
    found = of_keys(having)
    events = np.array([0, 7, 0, *having])
    shares = found.shares(events)
    assert shares[found.together].sum() == pytest.approx(1)
    assert (shares[~found.together] == 1).all()


def test_a_network_does_not_grow_with_the_keys_of_its_training() -> None:
    sessions = [tuple(f"get {10 * row + place}" for place in range(10)) for row in range(400)]
    settings = KeyModelSettings(epochs=1, hidden=4, embedding=4, layers=1, device="cpu")
    found = KeyModelFolds.fit(sessions, None, settings)
    assert len(found.vocabulary) == 4_000 + KEYS_FROM
    for reader in found.readers:
        assert reader.network.next.out_features == OWN + KEYS_FROM
    assert np.isfinite(found.session_scores([*sessions[:3], ("get 1", "never seen")])).all()
