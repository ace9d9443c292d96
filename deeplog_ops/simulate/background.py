"""Lines that belong to no session, and what goes wrong with them."""

from __future__ import annotations

from random import Random

from deeplog_ops.simulate.anomalies import Mark
from deeplog_ops.simulate.session import HOUR_MS, Line
from deeplog_ops.simulate.system import CHATTER, CLOCK_STEPPED, HEARTBEAT, NODES, THROTTLED, Chatter

DAY_MS = 24 * HOUR_MS
RATE = ("rare_burst", "missing_heartbeat", "flood")


def chatter_of(rng: Random) -> list[Line]:
    """A normal day's."""
    lines = []
    for chatter in CHATTER:
        for node in chatter.nodes:
            for ms in _times(chatter, rng):
                lines.append(_line(chatter, ms, rng, node))
    return lines


def disturb(kind: str, lines: list[Line], rng: Random) -> list[Line]:
    """The same lines with one anomaly in them, its first line marked; of a vanished heartbeat, the last before the gap."""
    at = rng.randrange(HOUR_MS, DAY_MS - 2 * HOUR_MS)
    if kind == "missing_heartbeat":
        spoken_for = {node for node in NODES for line in lines if line.mark and f"node {node} " in line.text}
        node = rng.choice([node for node in NODES if node not in spoken_for] or NODES)
        of_node = [line for line in lines if line.step == HEARTBEAT.name and f"node {node} " in line.text]
        last = max((line for line in of_node if line.ms < at and line.mark is None), key=lambda line: line.ms)
        gone = {line for line in of_node if last.ms < line.ms < last.ms + HOUR_MS and not line.mark}
        mark = Mark(kind, "rate", f"no heartbeat of {node} for an hour after this line", "")
        return [line._replace(mark=mark) if line is last else line for line in lines if line not in gone]
    rare = kind == "rare_burst"
    chatter, count, span = (CLOCK_STEPPED, 25, 120_000) if rare else (THROTTLED, 400, 60_000)
    times = sorted(at + rng.randrange(span) for _ in range(count))
    burst = [_line(chatter, ms, rng) for ms in times]
    what = (
        f"{count} lines of {chatter.component} within {span // 1000} s, of which a day has {chatter.a_day:g}"
    )
    return [*lines, burst[0]._replace(mark=Mark(kind, "rate", what, "")), *burst[1:]]


def _times(chatter: Chatter, rng: Random) -> list[int]:
    if chatter.every is None:
        count = max(0, round(rng.gauss(chatter.a_day, chatter.a_day**0.5)))
        return [rng.randrange(DAY_MS) for _ in range(count)]
    period = int(chatter.every * 1000)
    phase = rng.randrange(period)
    return [min(DAY_MS - 1, ms + rng.randrange(250)) for ms in range(phase, DAY_MS, period)]


def _line(chatter: Chatter, ms: int, rng: Random, node: str = "") -> Line:
    values = {"node": node}
    for name, draw in chatter.draws.items():
        values[name] = draw(rng, values, ms / HOUR_MS)
    service = chatter.component.partition(".")[0]
    text = f"{chatter.level:<5} [{service}-0] {chatter.component}: {chatter.text.format_map(values)}"
    return Line(ms, chatter.name, text)
