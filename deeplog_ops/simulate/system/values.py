"""What the tasks of the imaginary system share: hosts, users, sizes, and the first steps of every request."""

from __future__ import annotations

from deeplog_ops.simulate.parameters import (
    Filled,
    Hex,
    LogNormal,
    Pareto,
    Scaled,
    Weighted,
    Whole,
)
from deeplog_ops.simulate.workflow import Step, seq

CLIENT = Filled(
    "10.{net}.{host}:{port}",
    {"net": Weighted({"20.3": 5, "20.4": 3, "31.8": 1}), "host": Whole(2, 60), "port": Whole(32768, 60999)},
)

NODE = Weighted({"store-1": 5, "store-2": 4, "store-3": 4, "store-4": 2})

NODES = tuple(NODE.weights)

USER = Filled("user-{number}", {"number": Pareto(1000, 1.2, 99999)})

OBJECT = Filled(
    "/{bucket}/{name}.{end}",
    {
        "bucket": Weighted({"media": 6, "invoices": 2, "backup": 1, "public": 3}),
        "name": Hex(8),
        "end": Weighted({"jpg": 5, "pdf": 3, "mp4": 1, "json": 2}),
    },
)

SIZE = Pareto(20_000, 0.9, 4e9)

MIB = Scaled("size", 2**20)

AUTH = seq(
    Step("auth.verified", "auth.TokenService", "{id} token of {user} verified in {ms} ms", LogNormal(6)),
    Step(
        "auth.quota",
        "auth.QuotaService",
        "{id} quota of {user}: {used}% in use",
        LogNormal(3),
        {"used": Whole(3, 97)},
    ),
)
