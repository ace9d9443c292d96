"""Objects come in and go."""

from __future__ import annotations

from deeplog_ops.simulate.parameters import (
    Hex,
    LogNormal,
    Pareto,
    Weighted,
    Whole,
)
from deeplog_ops.simulate.system.values import AUTH, CLIENT, MIB, NODE, OBJECT, SIZE, USER
from deeplog_ops.simulate.workflow import Loop, Step, Task, choice, fork, seq

UPLOAD = Task(
    "upload",
    "req",
    seq(
        Step(
            "upload.accepted",
            "gateway.Frontend",
            "{id} PUT {object} from {client}, {size} bytes",
            LogNormal(2),
        ),
        AUTH,
        choice(
            (
                0.7,
                seq(
                    Step(
                        "upload.body",
                        "gateway.UploadHandler",
                        "{id} body of {size} bytes received in {ms} ms",
                        LogNormal(20, 0.4, "mib", 12),
                    ),
                    Step(
                        "upload.checksum",
                        "gateway.UploadHandler",
                        "{id} checksum sha1:{digest} agrees",
                        LogNormal(4),
                        {"digest": Hex(12)},
                    ),
                ),
            ),
            (
                0.3,
                seq(
                    Step(
                        "upload.multipart",
                        "gateway.MultipartHandler",
                        "{id} multipart upload {upload} opened",
                        LogNormal(6),
                        {"upload": Hex(8, "mp")},
                    ),
                    Loop(
                        seq(
                            Step(
                                "upload.part",
                                "gateway.MultipartHandler",
                                "{id} part {part} received in {ms} ms",
                                LogNormal(6000, 0.4),
                            ),
                            Step(
                                "upload.part_kept",
                                "store.ChunkServer",
                                "{id} part {part} stored on {node} as {chunk}",
                                LogNormal(15),
                                {"node": NODE, "chunk": Hex(12, "chunk-")},
                            ),
                        ),
                        2,
                        5,
                        "part",
                    ),
                    Step(
                        "upload.assembled",
                        "gateway.MultipartHandler",
                        "{id} parts assembled, {size} bytes",
                        LogNormal(12, 0.4, "mib", 0.5),
                    ),
                ),
            ),
        ),
        fork(
            seq(
                Step(
                    "upload.write_first",
                    "store.ChunkServer",
                    "{id} writing {chunk} to primary {node}",
                    LogNormal(5),
                    {"chunk": Hex(12, "chunk-")},
                ),
                Step(
                    "upload.wrote_first",
                    "store.ChunkServer",
                    "{id} primary {node} confirmed after {ms} ms",
                    LogNormal(30, 0.4, "mib", 4),
                ),
                node=NODE,
            ),
            seq(
                Step("upload.write_copy", "store.Replicator", "{id} sending copy to {node}", LogNormal(6)),
                Step(
                    "upload.wrote_copy",
                    "store.Replicator",
                    "{id} copy on {node} acknowledged after {ms} ms",
                    LogNormal(40, 0.4, "mib", 5),
                ),
                node=NODE,
            ),
            Step(
                "upload.indexed",
                "meta.Catalog",
                "{id} index entry {object} version {version} written",
                LogNormal(12),
                {"version": Pareto(1, 1.5, 400)},
            ),
        ),
        Step(
            "upload.policy",
            "meta.PolicyEngine",
            "{id} retention policy {policy} attached to {object}",
            LogNormal(5),
            {"policy": Weighted({"standard": 8, "legal-hold": 1, "expire-30d": 3})},
            release="new",
        ),
        Step("upload.committed", "meta.Catalog", "{id} committed {object}", LogNormal(7)),
        Step("upload.answered", "gateway.Frontend", "{id} 201 Created in {total} ms", LogNormal(2)),
    ),
    {"user": USER, "client": CLIENT, "object": OBJECT, "size": SIZE, "mib": MIB},
    share=0.3,
)

DELETE = Task(
    "delete",
    "req",
    seq(
        Step("delete.accepted", "gateway.Frontend", "{id} DELETE {object} from {client}", LogNormal(2)),
        AUTH,
        Step("delete.marked", "meta.Catalog", "{id} tombstone for {object} written", LogNormal(8)),
        fork(
            Step(
                "delete.uncached",
                "cache.EdgeCache",
                "{id} dropped {object} from {count} caches",
                LogNormal(12),
                {"count": Whole(1, 6)},
            ),
            Step("delete.audit", "audit.Trail", "{id} deletion by {user} noted", LogNormal(9)),
        ),
        Step("delete.answered", "gateway.Frontend", "{id} 204 No Content in {total} ms", LogNormal(2)),
    ),
    {"user": USER, "client": CLIENT, "object": OBJECT},
    share=0.05,
)
