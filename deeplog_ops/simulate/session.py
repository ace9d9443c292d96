"""One session: a walk through its task's workflow that writes lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from deeplog_ops.simulate.parameters import Draw, Values
from deeplog_ops.simulate.workflow import Choice, Fork, Loop, Node, Seq, Step, Task

HOUR_MS = 3_600_000


class Line(NamedTuple):
    """A record of the log: when (milliseconds since its day began), which step, and all after the time stamp."""

    ms: int
    step: str
    text: str
    mark: Any = None  # what is anomalous here, if anything


@dataclass(frozen=True)
class Edit:
    """What to change in a walk. Everything else comes out as without it, since the draws are the same."""

    line: int = -1  # the line, counted as written (branches of a fork one after the other)
    values: Mapping[str, Any] = field(default_factory=dict)
    slower: int = 1
    choice: int = (
        -1
    )  # the choice, counted as met, that takes the wrong branch after the first step of a right one


class Walk:
    """Runs a workflow once; `lines` are then in the order of time, `written` in the order they were written."""

    def __init__(self, task: Task, flow: Node, start_ms: int, rng: Random, edit: Edit | None = None) -> None:
        self.task, self.start_ms, self.edit = task, start_ms, edit
        self.rng = rng
        self.id = f"{task.prefix}-{rng.getrandbits(40):010x}"
        self.worker = 1 + int(rng.random() * 16)
        self.values: Values = {"id": self.id}
        self.written: list[Line] = []
        self.choices = 0
        self._draw(task.draws, start_ms)
        self._run(flow, start_ms)
        self.lines = sorted(self.written, key=_by_time)

    def _run(self, node: Node, ms: int) -> int:
        """Write the node's lines from `ms` on; returns when it was over."""
        if isinstance(node, Step):
            return self._write(node, ms)
        if isinstance(node, Seq):
            if node.draws:
                self._draw(node.draws, ms)
            for inner in node.nodes:
                ms = self._run(inner, ms)
            return ms
        if isinstance(node, Choice):
            return self._run(self._chosen(node), ms)
        if isinstance(node, Fork):
            return max(self._run(branch, ms) for branch in node.branches)
        for turn in range(1, self._turns(node) + 1):
            self.values[node.counter] = turn
            ms = self._run(node.body, ms)
        return ms

    def _turns(self, loop: Loop) -> int:
        if loop.times is not None:
            return min(max(self.values[loop.times], loop.least), loop.most)
        return loop.least + int(self.rng.random() * (loop.most - loop.least + 1))

    def _chosen(self, node: Choice) -> Node:
        point = self.rng.random() * sum(weight for weight, _ in node.alternatives)
        place = -1
        while point >= 0:
            place += 1
            point -= node.alternatives[place][0]
        chosen = node.alternatives[place][1]
        self.choices += 1
        if self.edit is not None and self.edit.choice == self.choices - 1:
            other = node.alternatives[(place + 1) % len(node.alternatives)][1]
            return Seq((*_nodes(chosen)[:1], *_nodes(other)[1:]))
        return chosen

    def _write(self, step: Step, ms: int) -> int:
        edit = self.edit if self.edit is not None and self.edit.line == len(self.written) else None
        values = self.values
        took = step.takes(self.rng, values, ms / HOUR_MS % 24) * (edit.slower if edit else 1)
        ms += took
        values["ms"] = took
        values["total"] = ms - self.start_ms
        if step.draws:
            self._draw(step.draws, ms)
        text = "\n".join((step.text, *step.trace)) if step.trace else step.text
        message = text.format_map({**values, **edit.values} if edit else values)
        service = step.component.partition(".")[0]
        head = f"{step.level:<5} [{service}-{self.worker}] {step.component}: "
        self.written.append(Line(ms, step.name, head + message))
        return ms

    def _draw(self, draws: Mapping[str, Draw], ms: int) -> None:
        hour = ms / HOUR_MS % 24
        for name, draw in draws.items():
            self.values[name] = draw(self.rng, self.values, hour)


def _nodes(node: Node) -> tuple[Node, ...]:
    return node.nodes if isinstance(node, Seq) else (node,)


def _by_time(line: Line) -> int:
    return line.ms
