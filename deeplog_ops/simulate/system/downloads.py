"""Objects are read, from the cache or from the nodes."""

from __future__ import annotations

from deeplog_ops.simulate.parameters import (
    Hex,
    LogNormal,
    Weighted,
    Whole,
)
from deeplog_ops.simulate.system.values import AUTH, CLIENT, MIB, NODE, OBJECT, SIZE, USER
from deeplog_ops.simulate.workflow import Loop, Step, Task, choice, seq

TRACE_RETRY = (
    "java.net.SocketTimeoutException: Read timed out",
    "\tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:283)",
    "\tat store.chunk.ChunkClient.read(ChunkClient.java:{code})",
    "\tat store.chunk.ChunkClient.fetch(ChunkClient.java:118)",
)

DOWNLOAD = Task(
    "download",
    "req",
    seq(
        Step("download.accepted", "gateway.Frontend", "{id} GET {object} from {client}", LogNormal(2)),
        AUTH,
        choice(
            (
                0.55,
                seq(
                    Step(
                        "download.hit",
                        "cache.EdgeCache",
                        "{id} cache hit for {object}, age {age} s",
                        LogNormal(2),
                        {"age": LogNormal(600, 1.2)},
                    ),
                    Step(
                        "download.cached",
                        "cache.EdgeCache",
                        "{id} {size} bytes served from memory",
                        LogNormal(4, 0.3, "mib", 1),
                    ),
                ),
            ),
            (
                0.42,
                seq(
                    Step("download.miss", "cache.EdgeCache", "{id} cache miss for {object}", LogNormal(2)),
                    Step(
                        "download.located",
                        "meta.Catalog",
                        "{id} located {chunks} chunks of {object}",
                        LogNormal(9),
                        {"chunks": Whole(1, 4)},
                    ),
                    Loop(
                        choice(
                            (
                                0.95,
                                Step(
                                    "download.chunk",
                                    "store.ChunkServer",
                                    "{id} read {chunk} from {node} in {ms} ms",
                                    LogNormal(18, 0.4, "mib", 3),
                                    {"node": NODE, "chunk": Hex(12, "chunk-")},
                                ),
                            ),
                            (
                                0.05,
                                seq(
                                    Step(
                                        "download.retry",
                                        "store.ChunkClient",
                                        "{id} read from {node} timed out, trying another copy",
                                        LogNormal(900),
                                        {"node": NODE, "code": Whole(61, 64)},
                                        level="WARN",
                                        trace=TRACE_RETRY,
                                    ),
                                    Step(
                                        "download.chunk_again",
                                        "store.ChunkServer",
                                        "{id} read {chunk} from copy on {node} in {ms} ms",
                                        LogNormal(25, 0.4, "mib", 3),
                                        {"node": NODE, "chunk": Hex(12, "chunk-")},
                                    ),
                                ),
                            ),
                        ),
                        1,
                        4,
                        times="chunks",
                    ),
                    Step(
                        "download.filled", "cache.EdgeCache", "{id} cache filled, {size} bytes", LogNormal(5)
                    ),
                ),
            ),
            (
                0.03,
                seq(
                    Step(
                        "download.absent",
                        "meta.Catalog",
                        "{id} no entry for {object}",
                        LogNormal(8),
                        level="WARN",
                    ),
                    Step(
                        "download.audit",
                        "audit.Trail",
                        "{id} missing object {object} noted for {user}",
                        LogNormal(6),
                    ),
                ),
            ),
        ),
        Step(
            "download.answered",
            "gateway.Frontend",
            "{id} answered {status} in {total} ms",
            LogNormal(2),
            {"status": Weighted({"200": 90, "206": 8, "304": 4})},
        ),
    ),
    {"user": USER, "client": CLIENT, "object": OBJECT, "size": SIZE, "mib": MIB},
    share=0.4,
)
