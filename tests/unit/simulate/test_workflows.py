"""The workflow graphs, the check of what they allow, and what the anomalies do to it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from itertools import permutations
from pathlib import Path
from random import Random

import pytest

from deeplog_ops import simulate
from deeplog_ops.simulate.anomalies import ORDER, VALUES, change
from deeplog_ops.simulate.day import Plan, flow_of, lines_of, started_on
from deeplog_ops.simulate.language import allows
from deeplog_ops.simulate.parameters import LogNormal, Pareto
from deeplog_ops.simulate.session import Edit, Walk
from deeplog_ops.simulate.system import CHATTER, TASKS
from deeplog_ops.simulate.workflow import Loop, Node, Step, Task, choice, fork, seq, steps


def step(name: str) -> Step:
    return Step(name, "c", "{id}", LogNormal(1))


A, B, C, D = (step(name) for name in "abcd")


@pytest.mark.parametrize(
    ("flow", "allowed", "refused"),
    [
        (seq(A, B), ["ab"], ["", "a", "ba", "abb"]),
        (choice((1, A), (1, seq(B, C))), ["a", "bc"], ["b", "ac", "abc"]),
        (Loop(A, 2, 3), ["aa", "aaa"], ["a", "aaaa"]),
        (seq(Loop(A, 0, 1), B), ["b", "ab"], ["a", "aab"]),
        (fork(seq(A, B), seq(C, D)), ["abcd", "acbd", "cdab", "cabd"], ["bacd", "abc", "abdc"]),
        (seq(A, fork(B, C), D), ["abcd", "acbd"], ["bacd", "abdc", "abd"]),
        (Loop(choice((1, A), (1, seq(A, B))), 2, 2), ["aa", "aba", "aab", "abab"], ["a", "abb"]),
    ],
)
def test_a_workflow_allows_its_own_orders_and_no_others(
    flow: Node, allowed: list[str], refused: list[str]
) -> None:
    assert [text for text in allowed if not allows(flow, text)] == []
    assert [text for text in refused if allows(flow, text)] == []


def test_three_branches_interleave_in_every_way() -> None:
    flow = fork(A, seq(B, C), D)
    orders = {"".join(order) for order in permutations("abcd") if allows(flow, order)}
    assert orders == {"".join(order) for order in permutations("abcd") if order.index("b") < order.index("c")}


def walk(task: Task, seed: int, edit: Edit | None = None, release: str = "old") -> Walk:
    return Walk(task, flow_of(task, release), 40_000_000, Random(seed), edit)  # type: ignore[arg-type]


@pytest.mark.parametrize("release", ["old", "new"])
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_normal_session_is_one_that_its_workflow_allows(task: Task, release: str) -> None:
    for seed in range(200):
        lines = walk(task, seed, release=release).lines
        assert allows(flow_of(task, release), (line.step for line in lines))  # type: ignore[arg-type]


def test_the_branches_of_a_fork_do_interleave() -> None:
    upload = next(task for task in TASKS if task.name == "upload")
    orders = Counter(
        tuple(line.step for line in walk(upload, seed).lines if "first" in line.step or "copy" in line.step)
        for seed in range(100)
    )
    assert len(orders) >= 4


@pytest.mark.parametrize("kind", ORDER)
def test_an_anomaly_of_order_is_one_that_the_workflow_does_not_allow(kind: str) -> None:
    made = 0
    for task in TASKS:
        for seed in range(60):
            lines = change(
                kind, flow_of(task, "old"), lambda edit, t=task, s=seed: walk(t, s, edit), Random(seed)
            )
            if lines is not None:
                made += 1
                assert not allows(flow_of(task, "old"), (line.step for line in lines))
                assert sum(line.mark is not None for line in lines) == 1
                assert [line.ms for line in lines] == sorted(line.ms for line in lines)
    assert made > 50


@pytest.mark.parametrize("kind", VALUES)
def test_an_anomaly_of_values_leaves_the_order_allowed_and_changes_the_marked_line(kind: str) -> None:
    made = 0
    for task in TASKS:
        for seed in range(20):
            lines = change(
                kind, flow_of(task, "old"), lambda edit, t=task, s=seed: walk(t, s, edit), Random(seed)
            )
            if lines is not None:
                made += 1
                assert allows(flow_of(task, "old"), (line.step for line in lines))
                marked = next(line for line in lines if line.mark is not None)
                assert marked.text not in {line.text for line in walk(task, seed).lines}
    assert made > 50


def test_an_anomaly_in_one_session_changes_no_other() -> None:
    day = date(2026, 3, 3)
    normal, some = (started_on(day, Plan(anomalies_per_day=count)).lines for count in (0, 12))
    changed = {line.mark.session for line in some if line.mark is not None}
    assert len(changed) == 9

    def others(lines: list) -> list:
        return [line for line in lines if not any(session in line.text for session in changed)]

    assert others(some) == others(normal)


def test_most_sessions_are_normal_and_mornings_are_busier_than_nights() -> None:
    day = date(2026, 3, 3)
    plan = Plan(sessions_per_day=1200)
    today = started_on(day, plan)
    lines = lines_of(day, plan, today, started_on(date(2026, 3, 2), plan))
    assert 1100 < today.sessions < 1600
    assert sum(line.mark is not None for line in lines) < 0.02 * today.sessions
    hours = Counter(line.ms // 3_600_000 for line in lines)
    assert hours[10] > 3 * hours[3]


def test_the_weekly_job_runs_on_its_day_only() -> None:
    ran = [
        any(line.step == "audit.begun" for line in started_on(date(2026, 3, day), Plan()).lines)
        for day in range(1, 9)
    ]
    assert ran == [True, *[False] * 6, True]  # 1 and 8 March 2026 are Sundays


def test_the_tasks_are_well_formed() -> None:
    assert len(TASKS) >= 5
    assert sum(task.share for task in TASKS) == pytest.approx(1.0)
    by_name: dict[str, set[str]] = {}
    for task in TASKS:
        for each in steps(task.flow):
            assert each.text.startswith("{id} ")
            by_name.setdefault(each.name, set()).add(each.component + each.text)
    assert all(len(texts) == 1 for texts in by_name.values()), "one name, one template"
    assert len(set().union(*by_name.values())) == len(by_name), "one template, one name"
    assert len({each.text for each in CHATTER}) == len(CHATTER)


def test_the_truth_of_the_workflows_is_written_as_json(tmp_path: Path) -> None:
    simulate.write(tmp_path, days=1, start=date(2026, 3, 2), sessions_per_day=30, anomalies_per_day=0)
    truth = json.loads((tmp_path / "workflows.json").read_text(encoding="utf-8"))
    assert set(truth["tasks"]) == {task.name for task in TASKS}
    assert "order.coupon" in json.dumps(truth["tasks"]["checkout"]["new"])
    assert "order.coupon" not in json.dumps(truth["tasks"]["checkout"]["old"])
    assert truth["steps"]["order.confirmed"]["text"] == "{id} order confirmed"


def test_latencies_follow_the_size_and_sizes_have_a_heavy_tail() -> None:
    rng = Random(1)
    latency = LogNormal(20, 0.4, "mib", 10)
    small = sorted(latency(rng, {"mib": 0.1}, 12) for _ in range(2000))[1000]
    large = sorted(latency(rng, {"mib": 100}, 12) for _ in range(2000))[1000]
    assert small == pytest.approx(21, rel=0.1)
    assert large == pytest.approx(1020, rel=0.1)
    sizes = sorted(Pareto(1000, 1.0, 1e12)(rng, {}, 12) for _ in range(4000))
    assert sizes[2000] == pytest.approx(2000, rel=0.15)
    assert sizes[-1] > 100 * sizes[2000]
