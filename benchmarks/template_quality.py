"""How well messages are grouped, on systems whose true templates are known.

    python benchmarks/template_quality.py                 a row a system, beside drain3 as it comes
    python benchmarks/template_quality.py --leave-out     are the thresholds chosen on four systems good for the others?
    python benchmarks/template_quality.py --without       what each mask and each rule is worth, by leaving it out

GA is the share of messages whose predicted group is exactly a true group. FGA is the F1 over groups: precision
is correct groups / predicted groups, recall is correct groups / true groups. Data: loghub2k/*/ with
*_structured_corrected.csv.gz, below DEEPLOG_SHARED_DATA or ../shared/data beside the checkout.
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

import polars as pl
from drain3.drain import Drain

from deeplog_ops import config
from deeplog_ops.templates import families, masks, mining
from deeplog_ops.templates.for_messages import parse_all

Score = tuple[float, float]
Scores = dict[str, Score]


def data_folder() -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("DEEPLOG_SHARED_DATA", beside)) / "loghub2k"
    if not folder.is_dir():
        raise SystemExit(f"no {folder}: set DEEPLOG_SHARED_DATA to the folder that holds loghub2k/")
    return folder


def systems() -> dict[str, tuple[pl.Series, list[str]]]:
    """System -> its messages, and the true event id of each."""
    found = {}
    for path in sorted(data_folder().glob("*/*_structured_corrected.csv.gz")):
        rows = pl.read_csv(path, columns=["Content", "EventTemplate"], infer_schema=False)
        found[path.parent.name] = (rows["Content"].fill_null(""), rows["EventTemplate"].to_list())
    return found


def score(predicted: Sequence[Hashable], true: Sequence[Hashable]) -> Score:
    """GA and FGA."""
    groups: list[dict[Hashable, set[int]]] = [defaultdict(set), defaultdict(set)]
    for place, (left, right) in enumerate(zip(predicted, true, strict=True)):
        groups[0][left].add(place)
        groups[1][right].add(place)
    right = {frozenset(group) for group in groups[1].values()}
    correct = [group for group in groups[0].values() if frozenset(group) in right]
    return sum(map(len, correct)) / len(true), 2 * len(correct) / (len(groups[0]) + len(groups[1]))


def ours(messages: pl.Series) -> list[Hashable]:
    return list(parse_all(messages, config.Templates())[0]["key"].to_pylist())


def drain3_as_it_comes(messages: pl.Series) -> list[Hashable]:
    drain = Drain()
    return [drain.add_log_message(message)[0].cluster_id for message in messages]


def scores(data: dict[str, Any], parser: Callable[[pl.Series], list[Hashable]]) -> Scores:
    return {name: score(parser(messages), true) for name, (messages, true) in data.items()}


def average(values: Scores, names: Sequence[str] | None = None) -> Score:
    chosen = [values[name] for name in names or values]
    return mean(ga for ga, _ in chosen), mean(fga for _, fga in chosen)


def table(data: dict[str, Any]) -> None:
    rows = {
        name: scores(data, parser) for name, parser in (("deeplog-ops", ours), ("drain3", drain3_as_it_comes))
    }
    print(f"{'':12}{'deeplog-ops':^20}{'drain3 as it comes':^20}")
    print(f"{'system':12}" + f"{'GA':>10}{'FGA':>10}" * 2)
    for name in data:
        print(f"{name:12}" + "".join(f"{value:10.3f}" for row in rows.values() for value in row[name]))
    print(f"{'average':12}" + "".join(f"{value:10.3f}" for row in rows.values() for value in average(row)))


@contextmanager
def replaced(module: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def leave_out(data: dict[str, Any]) -> None:
    """Choose the thresholds on every four systems; what do the other four get?"""
    grid = {}
    for values, words, shared in itertools.product((2, 3, 4, 6, 8), (3, 4, 6, 8, 12), (3, 4, 6)):
        with (
            replaced(families, "MANY_VALUES", values),
            replaced(families, "MANY_WORDS", words),
            replaced(families, "MANY_SHARED", shared),
            replaced(mining, "MANY_IN_CLUSTER", words + 2),
        ):
            grid[values, words, shared] = scores(data, ours)
    shipped = grid[families.MANY_VALUES, families.MANY_WORDS, families.MANY_SHARED]
    found = []
    for chosen in itertools.combinations(data, len(data) // 2):
        others = [name for name in data if name not in chosen]
        best = max(sum(average(row, chosen)) for row in grid.values())
        ties = [row for row in grid.values() if sum(average(row, chosen)) > best - 1e-9]
        found.append(tuple(mean(average(row, others)[part] for row in ties) for part in (0, 1)))
    print(f"{len(found)} ways to choose on half the systems, from {len(grid)} settings; on the other half:")
    print(f"  average  GA {mean(ga for ga, _ in found):.3f}  FGA {mean(fga for _, fga in found):.3f}")
    print(f"  worst    GA {min(ga for ga, _ in found):.3f}  FGA {min(fga for _, fga in found):.3f}")
    print("shipped thresholds, all systems:   GA {:.3f}  FGA {:.3f}".format(*average(shipped)))
    every = [average(row) for row in grid.values()]
    print(f"all settings of the grid: GA {min(every)[0]:.3f} to {max(every)[0]:.3f}")


def without(data: dict[str, Any]) -> None:
    """What is lost without each mask and rule, and on how many systems it helps and hurts."""
    full = scores(data, ours)
    print(f"{'left out':42}{'GA':>8}{'FGA':>8}  helps hurts")

    def row(name: str) -> None:
        now = scores(data, ours)
        gain = [sum(full[system]) - sum(now[system]) for system in data]
        lost = [now_ - full_ for now_, full_ in zip(average(now), average(full), strict=True)]
        print(
            f"{name:42}{lost[0]:+8.3f}{lost[1]:+8.3f}"
            f"{sum(value > 1e-9 for value in gain):7}{sum(value < -1e-9 for value in gain):6}"
        )

    for left_out in masks.GENERAL:
        rest = tuple(mask for mask in masks.GENERAL if mask is not left_out)
        defaults = (rest,)
        with replaced(masks.general, "__defaults__", defaults):
            row(f"mask: {left_out.name}")
    with replaced(families, "MANY_VALUES", 10**9), replaced(families, "MANY_WORDS", 10**9):
        row("rule: many words at one place")
    with replaced(families, "MANY_SHARED", 10**9):
        row("rule: the same words in two sentences")
    with replaced(families, "_lists_of_any_length", lambda rows: []):
        row("rule: lists of any length")
    with replaced(mining, "MANY_IN_CLUSTER", 10**9):
        row("rule: many words within a drain3 cluster")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--without", action="store_true")
    arguments = parser.parse_args()
    data = systems()
    if arguments.leave_out:
        leave_out(data)
    elif arguments.without:
        without(data)
    else:
        table(data)


if __name__ == "__main__":
    main()
