"""Memory of the counts goes with the events of a training, not with its sessions times its keys."""

from __future__ import annotations

from benchmarks.wide_training import measured


def test_ten_times_the_keys_of_as_many_events_take_no_more_memory() -> None:
    """In a process of its own each. 20,000 vectors dense in 1,800 keys more would take 290 MB, and several times that to sort."""
    few, many = measured("counts", 20_000, 200), measured("counts", 20_000, 2_000)
    for step in ("fit", "left_out", "more", "judge"):
        assert many[f"{step}_mib"] < 260, (step, many)
        assert many[f"{step}_mib"] - few[f"{step}_mib"] < 150, (step, few, many)


def test_the_other_detectors_learn_from_a_table_that_is_bounded() -> None:
    found = measured("detectors", 20_000, 2_000)
    assert max(value for name, value in found.items() if name.endswith("_mib")) < 350, found
