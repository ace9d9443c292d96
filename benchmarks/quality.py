"""What the benchmarks of quality share: where the data is, tables, and the files that their figures are kept in.

A result file holds figures and how they were made, and nothing of the data. docs/quality.py makes docs/quality.md of them.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from deeplog_ops.evaluation.hdfs_protocol import KeySequence

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
DIGITS = 6


def folder(name: str) -> Path:
    """A folder of the public collections; the program ends with a message where it is missing."""
    found = Path(os.environ.get("DEEPLOG_SHARED_DATA", BESIDE)) / name
    if not found.is_dir():
        sys.exit(f"{found} is missing: point DEEPLOG_SHARED_DATA at a folder that has {name}/")
    return found


@cache
def read_sessions(path: Path) -> list[KeySequence]:
    """Of a file `session,keys`: the keys of each session."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [tuple(row["keys"].split()) for row in csv.DictReader(file)]


def distinct(sessions: Sequence[KeySequence]) -> tuple[list[KeySequence], list[int]]:
    """Each sequence once, sorted, and how many sessions have it."""
    counted = sorted(Counter(sessions).items())
    return [keys for keys, _ in counted], [count for _, count in counted]


def read(name: str) -> dict[str, Any]:
    """What results/NAME.json holds."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def save(name: str, figures: Mapping[str, Any], seconds: float) -> None:
    """Write results/NAME.json, and say so."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    told = {"cores": os.cpu_count(), "seconds": round(seconds, 1), **figures}
    path.write_text(json.dumps(_rounded(told), indent=1) + "\n", encoding="utf-8")
    print(f"written {path}")


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(inner) for inner in value]
    return round(float(value), DIGITS) if isinstance(value, float) else value
