"""Long sessions that are never alike, and what strange stretches add there: python -m benchmarks.quality_wandering [--machines 10]"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.quality import save
from benchmarks.wandering_programs import KeySequence, Machine
from deeplog_ops.config import Detection
from deeplog_ops.detection.session_evidence import SessionEvidence

TESTED = 300
FOUND = 150
SETTINGS: dict[str, dict[str, Any]] = {
    "8 programs, 60 to 800 steps": {},
    "the same, 300 training sessions": {"trained": 300},
    "one program": {"programs": 1},
    "20 programs": {"programs": 20},
    "20 programs, 300 training sessions": {"programs": 20, "trained": 300},
    "two ways to go on": {"branches": 2},
    "fifteen ways to go on": {"branches": 15},
    "300 to 3,000 steps": {"lengths": (300, 3000)},
    "10 to 60 steps": {"lengths": (10, 60)},
    "10 to 60 steps, 300 training sessions": {"lengths": (10, 60), "trained": 300},
}


def measured(
    machines: int,
    first: int,
    *,
    programs: int = 8,
    branches: int = 6,
    lengths: tuple[int, int] = (60, 800),
    trained: int = 50,
) -> dict[str, Any]:
    """Shares flagged, with strange stretches and without them, over so many machines from the seed `first` on."""
    found: dict[str, list[float]] = {}
    for seed in range(first, first + machines):
        machine, generator = (
            Machine.drawn(seed, programs, branches, lengths),
            np.random.default_rng([seed, 1]),
        )
        training = machine.normal(generator, trained)
        whole = SessionEvidence.fit(training, budget=Detection().false_alarms)
        asked: dict[str, list[KeySequence]] = {
            "false_alarms": machine.normal(generator, TESTED),
            "foreign": machine.strange(generator, FOUND),
            "intruded": machine.intruded(generator, FOUND),
        }
        for name, evidence in (("with", whole), ("without", replace(whole, strange=()))):
            for kind, sessions in asked.items():
                share = float((evidence.judge(sessions).strength >= 1).mean())
                found.setdefault(f"{kind}_{name}", []).append(share)
    return {
        "trained": trained,
        **{name: float(np.mean(shares)) for name, shares in found.items()},
        "least_foreign_with": min(found["foreign_with"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=10)
    parser.add_argument("--first", type=int, default=2000, help="seed of the first machine")
    options = parser.parse_args()
    began = time.monotonic()
    runs = {}
    for name, how in SETTINGS.items():
        runs[name] = measured(options.machines, options.first, **how)
        print(name, {key: round(value, 3) for key, value in runs[name].items()}, flush=True)
    figures = {"machines": options.machines, "tested": TESTED, "settings": runs}
    save("wandering", figures, time.monotonic() - began)


if __name__ == "__main__":
    main()
