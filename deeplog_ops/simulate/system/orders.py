"""The shop."""

from __future__ import annotations

from deeplog_ops.simulate.parameters import (
    Daily,
    Hex,
    LogNormal,
    Pareto,
    Weighted,
    Whole,
)
from deeplog_ops.simulate.system.values import AUTH, CLIENT, OBJECT, USER
from deeplog_ops.simulate.workflow import Loop, Step, Task, choice, fork, seq

CHECKOUT = Task(
    "checkout",
    "ord",
    seq(
        Step(
            "order.opened",
            "shop.Checkout",
            "{id} checkout of cart {cart} by {user} from {client}",
            LogNormal(3),
            {"cart": Hex(8)},
        ),
        AUTH,
        Step(
            "order.priced",
            "shop.Pricing",
            "{id} {items} items priced at {amount} cents",
            LogNormal(14),
            {"items": Whole(1, 9)},
        ),
        Step("order.address", "shop.Checkout", "{id} address chosen after {ms} ms", LogNormal(25_000, 0.3)),
        fork(
            seq(
                Step(
                    "pay.asked",
                    "pay.Gateway",
                    "{id} authorisation of {amount} cents asked of {bank}",
                    LogNormal(9),
                ),
                Step(
                    "pay.granted",
                    "pay.Gateway",
                    "{id} {bank} authorised {amount} cents in {ms} ms",
                    LogNormal(4000, 0.5),
                ),
                bank=Weighted({"bank-north": 5, "bank-south": 3, "wallet": 4}),
            ),
            Loop(
                Step(
                    "stock.reserved",
                    "stock.Inventory",
                    "{id} reserved {count} of article {article} on shelf {shelf}",
                    LogNormal(1200),
                    {"count": Whole(1, 5), "article": Whole(10_000, 10_400), "shelf": Hex(3, "s")},
                ),
                1,
                3,
            ),
            Step(
                "fraud.scored",
                "shop.FraudCheck",
                "{id} fraud score {score} for {user}",
                LogNormal(2500),
                {"score": Whole(0, 60)},
            ),
        ),
        Step(
            "order.coupon",
            "shop.Coupons",
            "{id} coupon engine applied {rules} rules",
            LogNormal(9),
            {"rules": Whole(0, 6)},
            release="new",
        ),
        choice(
            (
                0.93,
                seq(
                    Step(
                        "pay.captured",
                        "pay.Gateway",
                        "{id} payment captured, receipt {receipt}",
                        LogNormal(120),
                        {"receipt": Hex(10)},
                    ),
                    Step("order.confirmed", "shop.Checkout", "{id} order confirmed", LogNormal(5)),
                    fork(
                        Step(
                            "mail.queued",
                            "mail.Sender",
                            "{id} confirmation mail queued at position {queue}",
                            LogNormal(10),
                            {"queue": Daily(12, 9)},
                        ),
                        seq(
                            Step(
                                "invoice.rendered",
                                "shop.Invoices",
                                "{id} invoice rendered in {ms} ms",
                                LogNormal(90),
                            ),
                            Step(
                                "invoice.stored",
                                "shop.Invoices",
                                "{id} invoice stored as {object}",
                                LogNormal(25),
                            ),
                        ),
                    ),
                ),
            ),
            (
                0.07,
                seq(
                    Step(
                        "pay.declined",
                        "pay.Gateway",
                        "{id} payment declined with code {code}",
                        LogNormal(140),
                        {"code": Weighted({"51": 6, "05": 3, "54": 1})},
                        level="WARN",
                    ),
                    Step("stock.released", "stock.Inventory", "{id} reservation released", LogNormal(20)),
                    Step("order.cancelled", "shop.Checkout", "{id} order cancelled", LogNormal(5)),
                ),
            ),
        ),
        Step("order.closed", "shop.Checkout", "{id} checkout finished in {total} ms", LogNormal(3)),
    ),
    {"user": USER, "client": CLIENT, "object": OBJECT, "amount": Pareto(900, 1.3, 500_000)},
    share=0.18,
)
