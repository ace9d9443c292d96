"""Results to publish that depend on a seed alone, and what is published."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from deeplog_ops.db import models
from deeplog_ops.db.ledger import Run
from deeplog_ops.db.publish import DAY_TABLES, DayResult
from deeplog_ops.records import (
    Anomaly,
    AnomalyLine,
    DayHealth,
    DayState,
    DetectorOpinion,
    ExpectedKey,
    Incident,
    LineRef,
    RawFile,
    Template,
    stable_id,
    template_id,
)

DAY = date(2024, 3, 1)
MakeRun = Callable[..., Run]


def result_of(run: Run, anomalies: int = 5, seed: int = 0) -> DayResult:
    """A day's result: a function of the day, the seed and the number of anomalies."""
    draw = random.Random(f"{run.day} {seed}")
    templates = [Template(template_id(f"event {n} <*>"), f"event {n} <*>") for n in range(6)]
    found, lines = [], []
    for number in range(anomalies):
        where = LineRef("f1", draw.randrange(1, 10_000), draw.randrange(10**6))
        when = datetime(run.day.year, run.day.month, run.day.day, 12, tzinfo=UTC) + timedelta(
            seconds=draw.random()
        )
        found.append(
            Anomaly(
                source_key=run.source_key,
                day=run.day,
                detector="order",
                kind="unlikely_event",
                locator=f"session-{number}",
                session=f"session-{number}",
                score=draw.expovariate(0.1),
                threshold=9.5,
                first_time=when,
                last_time=when + timedelta(minutes=1),
                where=where,
                event_count=17,
                template_id=draw.choice(templates).template_id,
                rank=draw.randrange(50),
                probability=draw.random() / 1000,
                p_value=draw.random() / 1000,
                reason="after login came\ta \\ tab\nand a new line",
                model_version="v1",
                expected=(ExpectedKey(templates[0].template_id, 0.9),),
            )
        )
        lines += [
            AnomalyLine(
                found[-1].anomaly_id,
                place,
                where,
                when,
                f"line {place} \x00 of {number}",
                is_worst=place == 1,
            )
            for place in range(3)
        ]
    counts = [(template.template_id, draw.randrange(1, 999)) for template in templates]
    return DayResult(run, DayState.SCORED, None, 1000, 90, 2, 1, anomalies, found, lines, counts, templates)


def grouped(result: DayResult, fingerprints: Sequence[str] = ("burst",), severity: int = 40) -> DayResult:
    """The same with its anomalies in as many incidents as there are fingerprints, with health and opinions."""
    run, found = result.run, list(result.anomalies)
    incidents, members = [], []
    for number, fingerprint in enumerate(fingerprints):
        own = found[number :: len(fingerprints)]
        incidents.append(
            Incident(
                source_key=run.source_key,
                day=run.day,
                locator=f"group-{fingerprint}",
                kind="burst",
                fingerprint=stable_id(fingerprint),
                severity=severity,
                title=f"burst {fingerprint}",
                reason=f"{len(own)} sessions fail alike",
                anomalies=len(own),
                sessions=len(own),
                worst_anomaly_id=own[0].anomaly_id,
                first_time=own[0].first_time,
                last_time=own[0].last_time,
                first=own[0].where,
                worst=own[0].where,
                details={"templates": [own[0].template_id]},
            )
        )
        members += [replace(anomaly, incident_id=incidents[-1].incident_id) for anomaly in own]
    health = DayHealth(90, 0.01, 0.002, 0.03, 0.001, 0.48, 0.12, 0.05, "watch", "3 % flagged, 0.1 % meant")
    opinions = [DetectorOpinion("pca", 90, 7, 5, False), DetectorOpinion("order", 90, 5, 5, True)]
    return replace(result, anomalies=members, incidents=incidents, health=health, opinions=opinions)


def published(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All published rows but for the columns that name a run or the hour of publishing."""
    skipped = {"run_id", "last_run_id", "scored_at", "source_id"}
    tables = {}
    with engine.connect() as connection:
        for table in (*DAY_TABLES, "templates", "days"):
            rows = [
                tuple(f"{name}={value!r}" for name, value in row._mapping.items() if name not in skipped)
                for row in connection.execute(text(f"SELECT * FROM deeplog.{table}"))
            ]
            tables[table] = sorted(rows)
    return tables


def raw_file(
    file_id: str, first: datetime | None, last: datetime | None, size: int = 100, **more: Any
) -> RawFile:
    path = more.pop("path", f"/var/log/{file_id}.log")
    modified = last or datetime(2024, 3, 1, tzinfo=UTC)
    return RawFile(file_id, path, size, modified, first_time=first, last_time=last, **more)


def register_model(engine: Engine, version: str, source_key: str = "web", **more: Any) -> bool:
    settings: dict[str, Any] = {
        "path": f"source={source_key}/{version}",
        "metrics": {"sessions": 100, "loss": float("nan")},
        "training_days": [DAY - timedelta(days=1), DAY - timedelta(days=2)],
        "parent": None,
        "seed": 0,
        "library_versions": {"torch": "2"},
        "created_by": "a test",
    }
    return models.register(engine, source_key, version, **settings | more)
