"""What the system does by itself: repair, nightly compaction, weekly audit."""

from __future__ import annotations

from deeplog_ops.simulate.parameters import (
    Daily,
    Hex,
    LogNormal,
    Pareto,
    Whole,
)
from deeplog_ops.simulate.system.values import MIB, NODE, OBJECT, SIZE
from deeplog_ops.simulate.workflow import Loop, Step, Task, choice, fork, seq

REPAIR = Task(
    "repair",
    "job",
    seq(
        Step(
            "repair.queued",
            "store.RepairQueue",
            "{id} chunk {chunk} has {copies} copies, queue length {queue}",
            LogNormal(5),
            {"copies": Whole(1, 2), "queue": Daily(30, 18), "chunk": Hex(12, "chunk-")},
        ),
        Step(
            "repair.source",
            "store.Replicator",
            "{id} source {node} chosen, load {load}",
            LogNormal(400),
            {"node": NODE, "load": Daily(40, 25)},
        ),
        Loop(
            Step(
                "repair.range",
                "store.Replicator",
                "{id} range {range} of {size} bytes copied in {ms} ms",
                LogNormal(9000, 0.4, "mib", 6),
            ),
            1,
            4,
            "range",
        ),
        choice(
            (
                0.92,
                Step(
                    "repair.agrees", "store.Scrubber", "{id} checksum of copy on {node} agrees", LogNormal(40)
                ),
            ),
            (
                0.08,
                seq(
                    Step(
                        "repair.differs",
                        "store.Scrubber",
                        "{id} checksum of copy on {node} differs",
                        LogNormal(40),
                        level="WARN",
                    ),
                    Step(
                        "repair.again", "store.Replicator", "{id} copied once more in {ms} ms", LogNormal(700)
                    ),
                    Step(
                        "repair.agrees_now",
                        "store.Scrubber",
                        "{id} checksum agrees after second copy",
                        LogNormal(40),
                    ),
                ),
            ),
        ),
        Step("repair.done", "store.RepairQueue", "{id} repaired in {total} ms", LogNormal(6)),
    ),
    {"size": SIZE, "mib": MIB},
    share=0.07,
)

COMPACTION = Task(
    "compaction",
    "job",
    seq(
        Step(
            "compact.begun",
            "store.Compactor",
            "{id} compaction of {node} begun, {garbage} bytes of garbage",
            LogNormal(50),
            {"garbage": Pareto(2e8, 1.2, 4e10)},
        ),
        Loop(
            seq(
                Step(
                    "compact.segment",
                    "store.Compactor",
                    "{id} segment {segment} rewritten in {ms} ms",
                    LogNormal(60_000, 0.3),
                ),
                Step(
                    "compact.freed",
                    "store.Compactor",
                    "{id} freed {freed} bytes of segment {segment}",
                    LogNormal(400),
                    {"freed": Pareto(5e6, 1.1, 4e9)},
                ),
            ),
            10,
            14,
            "segment",
        ),
        Step("compact.indexed", "meta.Catalog", "{id} index of {node} rebuilt in {ms} ms", LogNormal(20_000)),
        Step(
            "compact.done",
            "store.Compactor",
            "{id} compaction of {node} finished in {total} ms",
            LogNormal(30),
        ),
    ),
    {"node": NODE},
    daily_at=23.85,
    times=4,
)

AUDIT = Task(
    "weekly audit",
    "job",
    seq(
        Step("audit.begun", "audit.Auditor", "{id} weekly audit of {node} begun", LogNormal(100)),
        fork(
            Loop(
                Step(
                    "audit.volume",
                    "audit.Auditor",
                    "{id} volume {volume} holds {objects} objects",
                    LogNormal(60_000),
                    {"objects": Pareto(10_000, 1.2, 9e6)},
                ),
                3,
                5,
                "volume",
            ),
            Step(
                "audit.ledger",
                "audit.Ledger",
                "{id} ledger agrees with {count} orders",
                LogNormal(90_000),
                {"count": Whole(900, 1400)},
            ),
        ),
        Step("audit.report", "audit.Auditor", "{id} report {object} written", LogNormal(900)),
        Step("audit.done", "audit.Auditor", "{id} weekly audit finished in {total} ms", LogNormal(50)),
    ),
    {"node": NODE, "object": OBJECT},
    daily_at=22.5,
    times=4,
    weekday=6,
)
