from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from deeplog_ops import schemas
from deeplog_ops.errors import ModelError
from deeplog_ops.models import key_scoring
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.vocabulary import END
from tests.unit.models.model_cases import CASES, SEQUENCES, SMALL, WEIGHTS, fitted


@pytest.fixture(scope="module")
def model() -> KeyModel:
    return fitted(CASES[0])


def test_equal_seeds_give_bit_identical_weights_and_other_seeds_do_not(model: KeyModel) -> None:
    again = KeyModel.fit(SEQUENCES, WEIGHTS, SMALL)[0].weights()
    assert all(np.array_equal(again[name], array) for name, array in model.weights().items())
    other = KeyModel.fit(SEQUENCES, WEIGHTS, SMALL.model_copy(update={"seed": 8}))[0].weights()
    assert not np.array_equal(other["head.weight"], again["head.weight"])


def test_training_leaves_the_callers_random_state_and_threads_alone() -> None:
    torch.manual_seed(3)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    KeyModel.fit(SEQUENCES, WEIGHTS, SMALL.model_copy(update={"epochs": 1}))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads


def test_weights_stand_for_repeated_sequences() -> None:
    spelt = [keys for keys, count in zip(SEQUENCES, WEIGHTS, strict=True) for _ in range(count)]
    repeated = KeyModel.fit(spelt, None, SMALL)[0].weights()
    weighted = fitted(CASES[0]).weights()
    assert all(np.array_equal(repeated[name], weighted[name]) for name in weighted)


def test_the_loss_falls_and_is_reported_epoch_by_epoch() -> None:
    seen: list[tuple[int, int]] = []
    _, losses = KeyModel.fit(
        SEQUENCES, WEIGHTS, SMALL, progress=lambda loss, epochs: seen.append((loss.epoch, epochs))
    )
    assert seen == [(loss.epoch, SMALL.epochs) for loss in losses]
    assert losses[-1].validation < losses[0].validation / 2
    assert [loss.seconds for loss in losses] == sorted(loss.seconds for loss in losses)


def test_training_stops_early_once_nothing_is_gained() -> None:
    settings = SMALL.model_copy(update={"epochs": 500, "patience": 1, "learning_rate": 0.3})
    _, losses = KeyModel.fit(SEQUENCES, WEIGHTS, settings)
    assert len(losses) < 500


def test_scores_have_the_schema_and_one_place_more_than_events(model: KeyModel) -> None:
    table = model.score(SEQUENCES, ["a", "b", "c", "d"], WEIGHTS, expected=3)
    assert table.schema.equals(schemas.SCORES)
    assert table["sequence_id"].to_pylist() == ["a", "b", "c", "d"]
    assert table["sessions"].to_pylist() == WEIGHTS
    for row in table.to_pylist():
        places = len(row["keys"]) + 1
        assert [len(row[name]) for name in ("rank", "probability", "surprise", "known")] == [places] * 4
        assert row["score"] == max(row["surprise"]) == row["surprise"][row["worst"]]
        assert len(row["expected_keys"]) == 3
        assert np.allclose(-np.log(row["probability"]), row["surprise"])


def test_nothing_to_score_gives_an_empty_table(model: KeyModel) -> None:
    assert model.score([]).schema.equals(schemas.SCORES)
    assert model.score([]).num_rows == 0


def test_the_likeliest_key_has_rank_0_and_the_end_is_named(model: KeyModel) -> None:
    row = model.score([("open", "write", "write", "close", "close")], expected=5).to_pylist()[0]
    assert row["rank"][0] == 0
    assert row["worst"] == 4
    assert row["expected_keys"][0] == END
    assert row["expected_probabilities"] == sorted(row["expected_probabilities"], reverse=True)


def test_probabilities_of_all_keys_the_end_and_the_escape_class_sum_to_1(model: KeyModel) -> None:
    row = model.score([("open", "open")], expected=100).to_pylist()[0]
    assert sum(row["expected_probabilities"]) + model.usage.new_key == pytest.approx(1)


def test_an_unknown_key_is_surprising_wherever_it_stands_and_is_no_error(model: KeyModel) -> None:
    for place in range(5):
        keys = ["open", "write", "write", "close"]
        keys.insert(place, "burnt")
        row = model.score([keys]).to_pylist()[0]
        assert row["known"] == [key != "burnt" for key in keys] + [True]
        assert row["probability"][place] == pytest.approx(model.usage.this_new_key)
        assert row["surprise"][place] > model.session_scores(SEQUENCES).max()


def test_new_keys_surprise_less_where_training_kept_bringing_them() -> None:
    steady = KeyModel.fit([("open", "close")], [100], SMALL)[0]
    changing = KeyModel.fit([("open", f"once-{number}", "close") for number in range(50)], None, SMALL)[0]
    assert changing.usage.new_key > 10 * steady.usage.new_key


def test_chunks_and_batches_of_any_size_give_the_same_rows(
    model: KeyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequences = [*SEQUENCES, ("write",) * 200, ("burnt",), ()]
    whole = model.score(sequences)
    monkeypatch.setattr(key_scoring, "CHUNK_PLACES", 4)
    assert model.score(sequences).equals(whole)


def test_scores_agree_with_the_network_asked_event_by_event(model: KeyModel) -> None:
    keys = ("open", "write", "check", "write", "close")
    row = model.score([keys]).to_pylist()[0]
    symbols = [0] * SMALL.history + [*model.vocabulary.encode(keys).tolist(), 1]
    for place in range(len(keys) + 1):
        history = torch.tensor([symbols[place : place + SMALL.history]])
        with torch.no_grad():
            logits = model.network(history)[0].double().clone()
        logits[[0, 2]] = -torch.inf
        wanted = logits.softmax(0)[symbols[place + SMALL.history]] * (1 - model.usage.new_key)
        assert row["probability"][place] == pytest.approx(float(wanted), rel=1e-4)


def test_all_but_the_weights_is_plain_data(model: KeyModel) -> None:
    data = json.loads(json.dumps(model.to_dict()))
    restored = KeyModel.restore(model.vocabulary, data, model.weights())
    assert restored.score(SEQUENCES).equals(model.score(SEQUENCES))


def test_weights_that_do_not_fit_are_named(model: KeyModel) -> None:
    weights = model.weights()
    with pytest.raises(ModelError, match=r"head\.bias has shape missing"):
        KeyModel.restore(
            model.vocabulary,
            model.to_dict(),
            {name: weights[name] for name in weights if name != "head.bias"},
        )
    with pytest.raises(ModelError, match=r"head\.weight has shape \(2, 2\)"):
        KeyModel.restore(
            model.vocabulary, model.to_dict(), {**weights, "head.weight": np.zeros((2, 2), np.float32)}
        )
    with pytest.raises(ModelError, match="usage"):
        KeyModel.restore(model.vocabulary, {"settings": model.to_dict()["settings"]}, weights)


def test_cuda_without_a_device_is_a_clear_error() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(ModelError, match="no CUDA device"):
        KeyModel.fit(SEQUENCES, WEIGHTS, SMALL.model_copy(update={"device": "cuda"}))


def test_a_weight_below_zero_or_missing_is_a_clear_error() -> None:
    with pytest.raises(ModelError, match="weight -1"):
        KeyModel.fit([("a",)], [-1], SMALL)
    with pytest.raises(ModelError, match="1 sequences came with 2 weights"):
        KeyModel.fit([("a",)], [1, 2], SMALL)
