"""What the value models are made of: scales, tails, names, laws, fields."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeplog_ops.models.value_categories import Category, chance_nats, find_categories
from deeplog_ops.models.value_fields import recognise, unit_of
from deeplog_ops.models.value_law import Law, Slot, find_law
from deeplog_ops.models.value_scaling import Scaling
from deeplog_ops.models.value_tails import Tail
from deeplog_ops.models.value_training import histories, marked
from deeplog_ops.templates.parameters import numbers_of

FINITE = st.floats(-1e12, 1e12, allow_nan=False).map(lambda value: value if abs(value) > 1e-6 else 0.0)


@settings(max_examples=200, deadline=None)
@given(st.lists(FINITE, min_size=2, max_size=60), FINITE)
def test_a_number_comes_back_from_its_scale(values: list[float], number: float) -> None:
    scaling = Scaling.from_dict(Scaling.fit(values).to_dict())
    scaled = float(scaling.scaled(scaling.level([number]))[0])
    assert np.isfinite(scaled)
    size = max(abs(number), abs(scaling.center) if not scaling.log else scaling.offset)
    assert scaling.number(scaled) == pytest.approx(number, rel=1e-6, abs=1e-6 * size)


@settings(max_examples=100, deadline=None)
@given(st.lists(FINITE, min_size=2, max_size=60))
def test_larger_numbers_have_larger_scaled_ones(values: list[float]) -> None:
    scaling = Scaling.fit(values)
    ladder = np.sort(np.array([*values, -1e15, -1.0, 0.0, 1.0, 1e15]))
    assert (np.diff(scaling.scaled(scaling.level(ladder))) >= 0).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=300), st.floats(3, 300))
def test_an_interval_ends_where_its_nats_are_reached(errors: list[float], nats: float) -> None:
    tail = Tail.from_dict(Tail.fit(errors).to_dict())
    end = tail.at(nats)
    if end < 1e8:
        assert float(tail.nats([end])[0]) >= min(nats, 689) - 1e-3
        assert float(tail.nats([end * (1 - 1e-6) - 1e-6])[0]) <= nats + 1e-2
    ladder = tail.nats(np.linspace(0, 100, 200))
    assert (np.diff(ladder) >= -1e-9).all()
    assert np.isfinite(ladder).all()


def test_logarithms_are_taken_where_they_fit_better() -> None:
    generator = np.random.default_rng(0)
    assert Scaling.fit(np.exp(generator.normal(size=500))).log
    assert not Scaling.fit(generator.normal(100, 10, 500)).log
    assert not Scaling.fit(generator.normal(0, 10, 500)).log


def test_a_gaussian_is_told_from_heavier_tails() -> None:
    kinds = {"gaussian": 0, "laplace": 0, "exponential": 0}
    for seed in range(40):
        generator = np.random.default_rng(seed)
        kinds["gaussian"] += Tail.fit(generator.normal(size=2000)).kind == "gaussian"
        kinds["laplace"] += Tail.fit(generator.laplace(size=2000)).kind == "tail"
        kinds["exponential"] += Tail.fit(generator.exponential(size=2000) - np.log(2)).kind == "tail"
    assert kinds["gaussian"] >= 34
    assert kinds["laplace"] == 40
    assert kinds["exponential"] == 40


def test_one_in_two_hundred_of_another_kind_is_no_accident_but_three_wild_values_are() -> None:
    generator = np.random.default_rng(1)
    errors = generator.normal(size=2000)
    few, many = errors.copy(), errors.copy()
    few[:3] = 40.0
    many[:10] = generator.exponential(3.0, 10) + 5.0
    assert float(Tail.fit(few).nats([6.0])[0]) > 12
    assert float(Tail.fit(many).nats([9.0])[0]) < 9


def test_a_heavy_tail_is_not_stretched_by_a_few_wild_values() -> None:
    errors = np.random.default_rng(8).exponential(size=2000) - np.log(2)
    wild = errors.copy()
    wild[:3] = 400.0
    assert Tail.fit(wild).kind == "tail"
    assert Tail.fit(wild).at(12.0) < 1.5 * Tail.fit(errors).at(12.0)


def test_where_few_errors_leave_it_open_both_are_reckoned_with() -> None:
    generator = np.random.default_rng(7)
    doubts = {
        count: [Tail.fit(generator.normal(size=count)).doubt for _ in range(21)] for count in (40, 3000)
    }
    assert np.median(doubts[40]) > 0.05
    assert np.median(doubts[3000]) < 1e-6


def test_more_history_is_more_certain() -> None:
    generator = np.random.default_rng(2)
    ends = [Tail.fit(generator.normal(size=count)).at(10.0) for count in (15, 60, 4000)]
    assert ends[0] > ends[1] > ends[2] > 3.5


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (["5 ms", "7 ms", "6.5 ms"] * 40, "duration"),
        ([f"{i * 7919 % 100_003} bytes" for i in range(200)], "number"),
        (["200", "404", "200", "500"] * 50, "name"),
        (["store-1", "store-2"] * 50, "name"),
        (["v1"] * 30, "constant"),
        ([str(1000 + 2 * i) for i in range(200)], "counter"),
        ([str(20_000 + i * 7919 % 50_021) for i in range(300)], "identifier"),
        ([str(i * 31 % 97) for i in range(300)], "number"),
        ([None, None], "empty"),
    ],
)
def test_what_stands_at_a_place_is_recognised(values: list[str | None], field: str) -> None:
    names = pl.Series("name", values, pl.String)
    numbers = numbers_of(names).fill_null(float("nan")).to_numpy()
    assert recognise(names, numbers) == field


def test_units_are_read_from_the_values() -> None:
    assert unit_of(pl.Series(["5 ms", "1.2 s", "3 min"])) == "s"
    assert unit_of(pl.Series(["5 KB", "12 bytes"])) == "bytes"
    assert unit_of(pl.Series(["5%", "12%"])) == "%"
    assert unit_of(pl.Series(["5", "12"])) == ""


def levels(values: list[str]) -> dict[str, float]:
    blocks = pl.Series("block", np.arange(len(values)) * 64 // len(values))
    return {each.level: each.nats for each in find_categories(pl.Series("name", values), blocks)}


def test_addresses_are_watched_by_their_networks_as_far_as_these_are_known() -> None:
    generator = np.random.default_rng(3)
    found = levels(
        [f"10.{generator.integers(2)}.{i % 250}.{i % 251}:{generator.integers(1e5)}" for i in range(900)]
    )
    assert set(found) == {"network of 16 bits", "network of 8 bits", "shape"}


def test_names_that_come_and_go_are_not_watched() -> None:
    days = [f"batch of day {chr(97 + day)}" for day in range(7) for _ in range(100)]
    assert not levels(days)
    assert "value" in levels(["north", "south", "west"] * 200)


def test_what_came_once_in_a_burst_says_little_about_what_comes_next() -> None:
    assert levels(["203.0.113.7"] * 200)
    names, blocks = pl.Series("name", ["203.0.113.7"] * 200), pl.Series("block", [40] * 150 + [41] * 50)
    assert find_categories(names, blocks) == []


def test_random_identifiers_of_any_notation_have_one_shape_and_no_value() -> None:
    generator = np.random.default_rng(5)
    words = ["".join(generator.choice(list("0123456789abcdef"), 32)) for _ in range(1200)]
    uuids = [f"req-{w[:8]}-{w[8:12]}-{w[12:16]}-{w[16:20]}-{w[20:]}" for w in words]
    assert set(levels(uuids)) == {"shape"}
    assert set(levels([f"mp{word[:8]}" for word in words])) == {"shape"}
    assert set(levels([uuids[0]] * 300)) == {"shape"}
    (shape,) = find_categories(pl.Series("name", uuids), pl.Series("block", np.arange(1200) * 64 // 1200))
    assert not shape.unknown(pl.Series("name", ["req-deadbeef-beef-cafe-fade-deadbeefcafe"])).any()


def test_a_clock_of_whole_seconds_makes_no_second_rare() -> None:
    seconds = np.zeros(2000)
    seconds[::100] = 1.0
    scaling = Scaling.fit(seconds, duration=True, tick=1.0)
    tail = Tail.fit(scaling.scaled(scaling.level(seconds)))
    one, many = tail.nats(scaling.scaled(scaling.level([1.0, 3600.0])))
    assert one < 6
    assert many > 10


def test_a_new_name_is_the_likelier_the_more_were_seen_once() -> None:
    closed, some, open_ = (chance_nats(np.array(p, float)) for p in ([60, 50, 40], [60, 50, 2], [1, 1, 1, 5]))
    assert closed > some > open_
    assert closed > 12
    assert open_ < 2


def test_unknown_names_are_told_whatever_else_stands_there() -> None:
    category = Category("network of 8 bits", {"10.*": 500}, 20.0)
    names = pl.Series("name", ["10.9.9.9:1", "203.0.113.5:1", "not an address", None])
    assert category.unknown(names).to_list() == [False, True, False, False]
    assert Category.from_dict(category.to_dict()) == category


def test_a_law_is_found_among_amounts_that_say_nothing() -> None:
    generator = np.random.default_rng(4)
    size = 1000 * (1 - generator.random(3000)) ** -1.2
    took = np.log(5 + size / 500) + 0.3 * generator.normal(size=3000)
    candidates = {Slot("a", 0): generator.exponential(1000, 3000), Slot("b", 1): size}
    law = find_law(took, candidates)
    assert law is not None
    assert law.slot == Slot("b", 1)
    assert law.rate == pytest.approx(1 / 2500, rel=0.6)
    assert find_law(generator.normal(size=3000), candidates) is None
    assert Law.from_dict(law.to_dict()) == law
    assert np.isfinite(law.excused(np.array([np.nan, -5.0, np.inf]))).all()


def test_histories_begin_with_nothing_and_gaps_are_marked() -> None:
    assert histories(3, 2).tolist() == [[-1, -1], [-1, 0], [0, 1]]
    rows = marked(np.array([[1.0, np.nan], [99.0, 2.0]], np.float32))
    assert rows.tolist() == [[1, 0, 1, 0], [5, 2, 1, 1], [0, 0, 0, 0]]
