"""Lines that belong to no session."""

from __future__ import annotations

from dataclasses import dataclass, field

from deeplog_ops.simulate.parameters import (
    Daily,
    Draw,
    Hex,
    LogNormal,
    Weighted,
    Whole,
)
from deeplog_ops.simulate.system.values import CLIENT, NODE, NODES


@dataclass(frozen=True)
class Chatter:
    """Lines that belong to no session: every `every` seconds (on each of `nodes`), or `a_day` at any time."""

    name: str
    component: str
    text: str
    every: float | None = None
    a_day: float = 0.0
    nodes: tuple[str, ...] = ("",)
    draws: dict[str, Draw] = field(default_factory=dict)
    level: str = "INFO"


HEARTBEAT = Chatter(
    "heartbeat",
    "cluster.Heartbeat",
    "node {node} alive, load {load}, {connections} connections",
    every=300,
    nodes=NODES,
    draws={"load": Daily(35, 20), "connections": Daily(120, 80)},
)
CLOCK_STEPPED = Chatter(
    "clock",
    "cluster.ClockWatch",
    "clock of {node} stepped by {ms} ms",
    a_day=3,
    draws={"node": NODE, "ms": LogNormal(25, 0.6)},
    level="WARN",
)
THROTTLED = Chatter(
    "throttled",
    "gateway.RateLimiter",
    "connection from {client} refused: {limit} requests a minute exceeded",
    a_day=12,
    draws={"client": CLIENT, "limit": Weighted({"600": 5, "1200": 1})},
    level="WARN",
)
CHATTER = (
    HEARTBEAT,
    CLOCK_STEPPED,
    THROTTLED,
    Chatter(
        "queues",
        "cluster.Gauges",
        "queue {queue}: {length} waiting",
        every=600,
        draws={"queue": Weighted({"mail": 1, "repair": 1, "thumbnails": 1}), "length": Daily(30, 22)},
    ),
    Chatter(
        "pause",
        "jvm.PauseMonitor",
        "collection paused {node} for {ms} ms, heap {heap}% full",
        a_day=60,
        draws={"node": NODE, "ms": LogNormal(45, 0.5), "heap": Whole(20, 85)},
    ),
    Chatter("rotated", "cluster.KeyRing", "signing key {key} rotated", every=21_600, draws={"key": Hex(8)}),
)
