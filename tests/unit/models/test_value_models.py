from __future__ import annotations

import json
from functools import cache

import numpy as np
import polars as pl
import pytest

from deeplog_ops.config_detection import Values
from deeplog_ops.errors import ModelError
from deeplog_ops.models.part import ModelPart
from deeplog_ops.models.value_models import NormalScores, ValueModels
from deeplog_ops.models.value_numbers import ELAPSED
from deeplog_ops.sequences.parameter_series import SERIES
from tests.unit.models.value_rows import QUICK, Event, findings, fitted, places, reads, rows_of


@cache
def normal() -> tuple[ValueModels, NormalScores]:
    return fitted(reads(1500))


def changed(event: int, parameters: list[str] | None = None, seconds: float | None = None) -> pl.DataFrame:
    """A normal session with one of its three events changed."""
    session = reads(3, seed=5)[1]
    key, usual, values = session[event]
    session[event] = (
        key,
        usual if seconds is None else seconds,
        values if parameters is None else parameters,
    )
    return rows_of([session])


def test_a_latency_times_ten_is_found_at_its_place_and_as_elapsed_time() -> None:
    models, _ = normal()
    assert places(findings(models, changed(1, ["30000 bytes", "500 ms", "v1"]))) == {("s0", "read", 1)}
    assert places(findings(models, changed(1, seconds=2.0))) == {("s0", "read", ELAPSED)}


@pytest.mark.parametrize("size", ["0 bytes", "7 bytes", "9000000000000 bytes", "-1 bytes"])
def test_a_size_out_of_range_is_found(size: str) -> None:
    assert places(findings(normal()[0], changed(1, [size, "50 ms", "v1"]))) == {("s0", "read", 0)}


def test_an_address_of_another_network_is_found_while_ever_new_hosts_and_ports_are_silent() -> None:
    models, _ = normal()
    found = findings(models, changed(0, ["req-00000001", "203.0.113.9:4711"]))
    assert places(found) == {("s0", "open", 1)}
    assert not findings(models, changed(0, ["req-ffffffff", "10.1.3.39:64999"]))


def test_a_code_and_a_constant_never_seen_are_found() -> None:
    models, _ = normal()
    assert places(findings(models, changed(2, ["503"]))) == {("s0", "close", 0)}
    assert places(findings(models, changed(1, ["30000 bytes", "50 ms", "v2"]))) == {("s0", "read", 2)}


def test_normal_sessions_that_the_models_did_not_see_hardly_reach_what_training_reached() -> None:
    models, scores = normal()
    unseen = rows_of(reads(3000, seed=77))
    day = models.day({(family, inside): 99.0 for family in ("number", "name") for inside in (True, False)})  # type: ignore[misc]
    day.add(unseen)
    day.findings()
    bound = np.quantile(scores.sessions["number"], 0.99)
    assert 0.003 < (day.worst("number", True) > bound).mean() < 0.02
    assert (day.worst("name", True) > 9).mean() == 0


def test_identifiers_counters_and_names_without_end_are_left_out() -> None:
    generator = np.random.default_rng(3)
    sessions = [
        [("take", 0.0, [str(100_000 + 3 * i + int(generator.integers(3))), f"{generator.integers(2**40):010x}",
                        str(generator.integers(10_000, 99_999))])]
        for i in range(600)
    ]  # fmt: skip
    models, _ = fitted(sessions)
    values = models.keys["take"]
    assert values.left_out[0] == "counter"
    assert values.left_out[2] == "identifier"
    assert not values.numbers
    assert [each.level for each in values.names[1]] == ["shape"]
    assert not findings(models, rows_of([[("take", 0.0, ["999999", "ffffffffff", "55555"])]]))


def test_a_heavy_tail_is_taken_for_what_it_is() -> None:
    generator = np.random.default_rng(4)
    sizes = 1000 * (1 - generator.random(6000)) ** (-1 / 0.8)
    models, _ = fitted([[("put", 0.0, [f"{size:.2f}"])] for size in sizes[:4000]])
    series = models.keys["put"].numbers[0]
    assert series.scaling.log
    assert series.upper.kind == "tail"
    nats = series.nats(series.errors(sizes[4000:]))
    # The largest of 2,000 is a one-in-2,000 event: ln(2000) is 7.6.
    assert 5 < nats.max() < 12


def test_a_duration_is_typical_for_its_amount() -> None:
    generator = np.random.default_rng(5)
    sessions: list[list[Event]] = []
    for _ in range(2000):
        size = int(20_000 * (1 - generator.random()) ** (-1 / 0.7))
        took = (30 + size / 2**20 * 4) * np.exp(0.3 * generator.normal())
        sessions.append([("begin", 0.0, [f"{size} bytes"]), ("done", took / 1000, [f"{took:.1f} ms"])])
    models, _ = fitted(sessions)
    law = models.keys["done"].numbers[0].law
    assert law is not None
    assert law.slot == ("begin", 0)

    def of(size: int, milliseconds: float) -> pl.DataFrame:
        return rows_of(
            [[("begin", 0.0, [f"{size} bytes"]), ("done", milliseconds / 1000, [f"{milliseconds} ms"])]]
        )

    assert not findings(models, of(100 * 2**20, 430.0))
    assert places(findings(models, of(30_000, 430.0))) >= {("s0", "done", 0)}
    assert places(findings(models, of(100 * 2**20, 4300.0))) >= {("s0", "done", 0)}


def test_a_slow_step_shows_against_its_own_transition() -> None:
    generator = np.random.default_rng(6)
    sessions: list[list[Event]] = []
    for number in range(1000):
        before, usual = ("ask", 0.01) if number % 2 else ("wait", 30.0)
        sessions.append([(before, 0.0, []), ("go", usual * np.exp(0.2 * generator.normal()), [])])
    models, _ = fitted(sessions)
    assert not findings(models, rows_of([[("wait", 0.0, []), ("go", 30.0, [])]]))
    assert places(findings(models, rows_of([[("ask", 0.0, []), ("go", 0.3, [])]]))) == {("s0", "go", ELAPSED)}


def test_what_follows_the_time_of_day_is_predicted_by_the_network() -> None:
    generator = np.random.default_rng(7)
    level = 50 + 40 * np.sin(np.arange(3000) / 40)
    load = level * (1 + 0.05 * generator.normal(size=3000))
    models, _ = fitted([[("load", 0.0, [f"{value:.1f}"])] for value in load], Values(epochs=12, hidden=16))
    series = models.keys["load"].numbers[0]
    assert series.predicted
    quiet = int(np.argmin(level[100:350])) + 100
    odd = load.copy()
    odd[quiet] = 80.0  # as much as by day, where 10 are usual
    found = findings(models, rows_of([[("load", 0.0, [f"{value:.1f}"])] for value in odd[:400]]))
    assert ("s" + str(quiet), "load", 0) in places(found)


def test_what_cannot_be_predicted_keeps_its_quantiles() -> None:
    models, _ = normal()
    assert not any(series.predicted for values in models.keys.values() for series in values.numbers)
    assert models.predictor is None


def test_few_events_give_wide_bounds_and_fewer_none() -> None:
    generator = np.random.default_rng(8)

    def widest(count: int) -> float:
        ends = []
        for _ in range(9):
            values = np.exp(0.3 * generator.normal(size=count))
            models, _ = fitted([[("rare", 0.0, [f"{value:.4f}"])] for value in values])
            ends.append(models.keys["rare"].numbers[0].interval(10.0, None)[2])
        return float(np.median(ends))

    assert widest(30) > 2 * widest(100) > 2.2 * widest(390)
    models, _ = fitted([[("rare", 0.0, [str(value)])] for value in (1.5, 2.5, 3.5, 2.25, 9.75)])
    assert not models.keys["rare"].numbers
    assert models.keys["rare"].left_out == {0: "few"}


def test_a_few_wild_values_in_training_do_not_blind() -> None:
    sessions = reads(1500)
    for number in (100, 700, 1300):
        key, _, (size, _, version) = sessions[number][1]
        sessions[number][1] = (key, 9.0, [size, "9000 ms", version])
    models, scores = fitted(sessions)
    found = findings(models, changed(1, ["30000 bytes", "600 ms", "v1"]))
    assert places(found) == {("s0", "read", 1)}
    assert np.median(scores.sessions["number"]) < 6


def test_a_slow_template_may_be_fast() -> None:
    assert not findings(normal()[0], changed(1, ["30000 bytes", "1 ms", "v1"], seconds=0.001))


def test_models_are_the_same_for_equal_rows_in_any_order_and_after_a_round_trip() -> None:
    rows = rows_of(reads(600, seed=9))
    models, scores = ValueModels.fit(rows, QUICK, seed=1)
    again, scores_again = ValueModels.fit(rows.sample(fraction=1.0, shuffle=True, seed=2), QUICK, seed=1)
    assert models.to_part().data == again.to_part().data
    assert (scores.sessions["number"] == scores_again.sessions["number"]).all()
    part = models.to_part()
    restored = ValueModels.restore(ModelPart(json.loads(json.dumps(part.data, allow_nan=False)), part.arrays))
    day = rows_of(reads(300, seed=10))
    for one, other in zip(findings(models, day, 2.0), findings(restored, day, 2.0), strict=True):
        assert one.rows.equals(other.rows)
        assert (one.nats == other.nats).all()


def test_a_network_survives_the_round_trip_and_one_that_does_not_fit_is_refused() -> None:
    level = 50 + 40 * np.sin(np.arange(1500) / 40)
    models, _ = fitted([[("load", 0.0, [f"{value:.2f}"])] for value in level], Values(epochs=8, hidden=8))
    part = models.to_part()
    assert part.arrays
    day = rows_of([[("load", 0.0, [f"{value:.2f}"])] for value in level[::-1]])
    one, other = findings(models, day, 1.0), findings(ValueModels.restore(part), day, 1.0)
    assert [found.nats.tolist() for found in one] == [found.nats.tolist() for found in other]
    with pytest.raises(ModelError, match="do not fit"):
        ValueModels.restore(ModelPart(part.data, {name: array[:1] for name, array in part.arrays.items()}))
    with pytest.raises(ModelError, match="cannot be used"):
        ValueModels.restore(ModelPart({"keys": {"load": {}}}))


def test_what_the_models_never_saw_is_no_error() -> None:
    models, _ = normal()
    odd = rows_of(
        [
            [("never", 0.0, ["5", "x"]), ("read", 0.2, []), ("read", 0.0, ["1 bytes"] * 9), ("close", 0.01, ["nan"])],
            [("read", 0.2, ["?", "", "v1"]), ("open", 0.0, ["", ""])],
        ]
    )  # fmt: skip
    findings(models, odd, 0.5)
    gaps = odd.with_columns(
        numbers=pl.lit(None, SERIES["numbers"]), parameters=pl.lit(None, SERIES["parameters"])
    )
    findings(models, gaps, 0.5)
    assert findings(models, pl.DataFrame(schema=SERIES)) == []
    empty, scores = ValueModels.fit(pl.DataFrame(schema=SERIES), QUICK)
    assert not empty.keys
    assert not len(scores.sessions["number"])


def test_scores_do_not_depend_on_how_sessions_are_shared_out() -> None:
    models, _ = normal()
    rows = rows_of(reads(200, seed=11))
    least = {(family, inside): 3.0 for family in ("number", "name") for inside in (True, False)}
    whole, shards = models.day(least), models.day(least)  # type: ignore[arg-type]
    whole.add(rows)
    for part in (rows.filter(pl.col("unit") % 2 == 1), rows.filter(pl.col("unit") % 2 == 0)):
        shards.add(part.with_columns(pl.col("unit").rank("dense").cast(pl.Int64) - 1))
    assert places(whole.findings()) == places(shards.findings())
    assert sorted(whole.worst("number", True)) == sorted(shards.worst("number", True))


def test_events_without_a_session_are_scored_one_by_one() -> None:
    lone = [[("beat", 0.0, [f"{value:.3f}"])] for value in np.random.default_rng(12).normal(5, 0.1, 800)]
    models, scores = ValueModels.fit(rows_of(lone, lone=True), QUICK)
    assert len(scores.events["number"]) == 800
    assert not len(scores.sessions["number"])
    found = findings(models, rows_of([[("beat", 0.0, ["9.0"])]], lone=True))
    assert places(found) == {(None, "beat", 0)}
