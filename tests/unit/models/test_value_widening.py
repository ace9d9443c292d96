"""What people vouched for passes from then on, and hardly anything else does."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplog_ops.models.value_models import ValueModels
from deeplog_ops.models.value_tails import Tail
from deeplog_ops.models.value_widening import ROOM, stretched, widened
from tests.unit.models.test_value_models import changed, normal
from tests.unit.models.value_rows import findings, places

LEAST = {(family, inside): 9.0 for family in ("number", "name") for inside in (True, False)}
SLOW = ["30000 bytes", "500 ms", "v1"]


def vouched(rows: pl.DataFrame) -> ValueModels:
    models, _ = normal()
    return widened(models, findings(models, rows), LEAST)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rows",
    [
        changed(1, SLOW),
        changed(1, seconds=2.0),
        changed(1, ["0 bytes", "50 ms", "v1"]),
        changed(0, ["req-00000001", "203.0.113.9:4711"]),
        changed(2, ["503"]),
    ],
    ids=["latency", "elapsed", "size", "address", "code"],
)
def test_what_was_vouched_for_is_found_no_more(rows: pl.DataFrame) -> None:
    assert findings(normal()[0], rows)
    assert not findings(vouched(rows), rows)


def test_what_is_farther_out_or_elsewhere_is_still_found() -> None:
    models = vouched(changed(1, SLOW))
    assert places(findings(models, changed(1, ["30000 bytes", "5000 ms", "v1"]))) == {("s0", "read", 1)}
    assert places(findings(models, changed(1, seconds=2.0)))
    assert places(findings(models, changed(2, ["503"]))) == {("s0", "close", 0)}
    assert findings(vouched(changed(2, ["503"])), changed(2, ["504"]))


def test_all_other_models_stay_bit_for_bit() -> None:
    before, after = normal()[0].to_part().data, vouched(changed(1, SLOW)).to_part().data
    assert before["keys"].keys() == after["keys"].keys()
    for key, values in before["keys"].items():
        for one, other in zip(values["numbers"], after["keys"][key]["numbers"], strict=True):
            if (key, one["place"]) == ("read", 1):
                assert one["lower"] == other["lower"]
                assert one["upper"]["width"] < other["upper"]["width"]
            else:
                assert one == other
        assert values["names"] == after["keys"][key]["names"]


def test_nothing_vouched_for_changes_nothing() -> None:
    models, _ = normal()
    assert widened(models, [], LEAST).to_part().data == models.to_part().data  # type: ignore[arg-type]


@given(
    st.lists(st.floats(-4, 8), min_size=3, max_size=60),
    st.floats(0.1, 1e6),
    st.floats(2, 15),
)
def test_a_stretched_interval_ends_a_little_beyond_the_value(
    errors: list[float], error: float, nats: float
) -> None:
    tail = Tail.fit(errors)
    wider = stretched(tail, error, nats)
    assert wider.nats([error])[0] < nats
    if wider != tail:
        assert wider.at(nats) == pytest.approx(ROOM * error, rel=1e-3)
