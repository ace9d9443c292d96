"""Parameter series for tests, made by hand: sessions as lists of (key, seconds, parameters)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from deeplog_ops.config_detection import Values
from deeplog_ops.models.value_models import NormalScores, ValueModels
from deeplog_ops.models.value_scoring import Found
from deeplog_ops.sequences.parameter_series import SERIES
from deeplog_ops.templates.parameters import numbers_of

START = datetime(2026, 3, 2, tzinfo=UTC)
QUICK = Values(epochs=3, hidden=8)
Event = tuple[str, float, list[str]]


def rows_of(sessions: Sequence[Sequence[Event]], every: float = 60.0, lone: bool = False) -> pl.DataFrame:
    """Session i is called s{i} and begins i * `every` seconds after START; `lone`: its events have no session."""
    found, line = [], 0
    for number, events in enumerate(sessions):
        time, before, key_before = START + timedelta(seconds=every * number), None, None
        for key, seconds, parameters in events:
            time, line = time + timedelta(seconds=seconds), line + 1
            numbers = numbers_of(pl.Series(parameters, dtype=pl.String)).to_list()
            found.append(
                {
                    "unit": line if lone else number,
                    "session": None if lone else f"s{number}",
                    "piece": None if lone else 0,
                    "key": key,
                    "previous": key_before,
                    "elapsed": None if before is None else (time - before).total_seconds(),
                    "time": time,
                    "file_id": "lone" if lone else "file",
                    "line_no": line,
                    "byte_offset": 100 * line,
                    "parameters": parameters,
                    "numbers": numbers,
                }
            )
            if not lone:
                before, key_before = time, key
    return pl.DataFrame(found, schema=SERIES)


def reads(count: int, seed: int = 0) -> list[list[Event]]:
    """Sessions: opened by a user from an address, read some bytes in some time, closed."""
    generator = np.random.default_rng(seed)
    sessions: list[list[Event]] = []
    for number in range(count):
        size = int(20_000 * (1 - generator.random()) ** (-1 / 1.2))
        took = 0.05 * np.exp(0.3 * generator.normal())
        host = (
            f"10.1.{generator.integers(1, 4)}.{generator.integers(2, 40)}:{generator.integers(1024, 65000)}"
        )
        sessions.append(
            [
                ("open", 0.0, [f"req-{number:08x}", host]),
                (
                    "read",
                    0.2 * np.exp(0.3 * generator.normal()),
                    [f"{size} bytes", f"{took * 1000:.0f} ms", "v1"],
                ),
                ("close", 0.01 * np.exp(0.3 * generator.normal()), [str(generator.choice([200, 206, 304]))]),
            ]
        )
    return sessions


def findings(models: ValueModels, rows: pl.DataFrame, least: float = 9.0) -> list[Found]:
    scores = models.day(
        {(family, inside): least for family in ("number", "name") for inside in (True, False)}
    )  # type: ignore[misc]
    scores.add(rows)
    return scores.findings()


def places(found: list[Found]) -> set[tuple[str, str, int]]:
    """Session, template and place of all that was found."""
    return {
        (row["session"], row["key"], some.place) for some in found for row in some.rows.iter_rows(named=True)
    }


def fitted(sessions: Sequence[Sequence[Event]], settings: Values = QUICK) -> tuple[ValueModels, NormalScores]:
    return ValueModels.fit(rows_of(sessions), settings)
