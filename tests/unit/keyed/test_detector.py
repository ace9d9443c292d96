"""The detector that predicts next events from arrays."""

from __future__ import annotations

import shutil
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from deeplog_ops import DeepLog
from deeplog_ops.errors import ModelError

# 0 1 2 in a circle, now and then 3 instead of 2; 4 stands where nothing was.
ROUND = [0, 1, 2] * 60 + [0, 1, 3] * 5
EVENTS = np.array(ROUND)
CONTEXTS = np.array([[ROUND[i - 2] if i > 1 else 4, ROUND[i - 1] if i else 4] for i in range(len(ROUND))])
SMALL = {"epochs": 5, "hidden_size": 16, "embedding": 8, "device": "cpu"}


@lru_cache
def fitted() -> DeepLog:
    return DeepLog(**SMALL).fit(CONTEXTS, EVENTS)


def test_the_likeliest_next_event_comes_first_with_its_confidence() -> None:
    keys, confidences = fitted().predict([[0, 1], [1, 2]], k=2)
    assert keys.tolist()[0] == [2, 3]
    assert keys[1, 0] == 0
    assert confidences[0, 0] > 0.6 > confidences[0, 1] > 0.01
    assert (confidences.sum(axis=1) <= 1).all()


def test_all_keys_together_are_certain() -> None:
    _, confidences = fitted().predict(CONTEXTS[:5], EVENTS[:5], k=4)
    assert np.allclose(confidences.sum(axis=1), 1)


def test_fit_predict_is_fit_and_then_predict() -> None:
    keys, confidences = DeepLog(**SMALL).fit_predict(CONTEXTS, EVENTS, k=3)
    wanted = fitted().predict(CONTEXTS, k=3)
    assert np.array_equal(keys, wanted[0])
    assert np.array_equal(confidences, wanted[1])


def test_the_order_of_events_does_not_matter() -> None:
    turned = DeepLog(**SMALL).fit(CONTEXTS[::-1], EVENTS[::-1])
    assert np.array_equal(turned.predict(CONTEXTS)[1], fitted().predict(CONTEXTS)[1])


def test_surprise_is_minus_the_log_of_the_confidence_and_infinite_for_an_unknown_event() -> None:
    keys, confidences = fitted().predict([[0, 1], [1, 2], [2, 0]], k=1)
    surprise = fitted().surprise([[0, 1], [1, 2], [2, 0], [0, 1]], [*keys[:, 0], 99])
    assert np.allclose(surprise[:3], -np.log(confidences[:, 0]))
    assert np.isinf(surprise[3])


def test_a_context_with_integers_never_seen_is_predicted_too() -> None:
    _, confidences = fitted().predict([[77, 1]])
    assert np.isfinite(confidences).all()


def test_it_is_a_scikit_learn_estimator() -> None:
    copy = clone(fitted()).set_params(epochs=1)
    assert copy.get_params()["hidden_size"] == 16
    assert not hasattr(copy, "network_")
    assert len(copy.fit(CONTEXTS, EVENTS).losses_) == 1
    assert len(copy.fit(CONTEXTS, EVENTS, epochs=2).losses_) == 2


def test_a_saved_detector_predicts_the_same(tmp_path: Path) -> None:
    fitted().save(tmp_path / "saved")
    loaded = DeepLog.load(tmp_path / "saved")
    assert np.array_equal(loaded.predict(CONTEXTS, k=4)[1], fitted().predict(CONTEXTS, k=4)[1])
    assert loaded.get_params() == fitted().get_params()


def test_a_damaged_or_foreign_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        DeepLog.load(tmp_path)
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ModelError, match="holds something else"):
        fitted().save(tmp_path)
    fitted().save(tmp_path / "saved")
    DeepLog(**SMALL | {"seed": 9}).fit(CONTEXTS, EVENTS).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "weights.safetensors", tmp_path / "saved")
    with pytest.raises(ModelError, match=r"damaged: weights.* is not the one that"):
        DeepLog.load(tmp_path / "saved")
    (tmp_path / "saved" / "weights.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="damaged"):
        DeepLog.load(tmp_path / "saved")


@pytest.mark.parametrize(
    ("contexts", "events", "said"),
    [
        ([[0, 1]], [1, 2], "one each"),
        (np.empty((0, 2), int), [], "one each"),
        ([[0.5, 1.0]], [1], "contexts are integers"),
        ([[-1337, 1]], [1], "negative"),
        ([0, 1], [1], "contexts are integers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(contexts: object, events: object, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        DeepLog(**SMALL).fit(contexts, events)


def test_sizes_and_k_are_checked() -> None:
    with pytest.raises(ModelError, match="input_size is 2"):
        DeepLog(2, **SMALL).fit(CONTEXTS, EVENTS)
    with pytest.raises(ModelError, match="1,000,000 are the most"):
        DeepLog(**SMALL).fit(CONTEXTS + 2**33, EVENTS)
    with pytest.raises(ModelError, match="k is 9"):
        fitted().predict(CONTEXTS, k=9)
    with pytest.raises(ModelError, match="call fit first"):
        DeepLog().predict(CONTEXTS)
    with pytest.raises(ModelError, match="2 are expected"):
        fitted().predict([[1, 2, 3]])
