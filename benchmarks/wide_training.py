"""What a training with many distinct sessions and keys takes: python -m benchmarks.wide_training [SESSIONSxKEYS ...]

Sessions of many small workflows, about 30 events each, no two with the same counts. The set score, the default verdict,
the other detectors' opinions and some of these detectors alone learn from them and judge as many again as a day judges at
once, each in a process of its own. Printed are the seconds and how far the resident memory went above what the sessions themselves take.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from deeplog_ops.models.classic.model import MakeScore

SIZES = ("2800x20", "20000x1000", "100000x300", "200000x2000")
STEPS = ("counts", "verdict", "opinions", "detectors")
DETECTORS = ("pca", "isolation_forest", "one_class_svm", "invariants")  # the others take minutes
KINDS = 20  # keys of one workflow
EVENTS = 30
JUDGED = 2**13  # as `steps.session_verdicts` takes at once

Found = TypeVar("Found")
Session = tuple[str, ...]


def wide_sessions(number: int, keys: int, seed: int = 0) -> list[Session]:
    """So many sessions, each of one workflow's keys, every one of them any number of times; all keys come."""
    rng = np.random.default_rng(seed)
    kinds = min(KINDS, keys)
    first = rng.integers(0, max(1, keys // kinds), number) * kinds
    times = rng.geometric(1 / (1 + EVENTS / kinds / 2), (number, kinds)) - rng.integers(0, 2, (number, kinds))
    names = np.array([f"{key * 2654435761 % 2**32:08x}" for key in range(keys)])
    return [
        tuple(np.repeat(names[start : start + kinds], count).tolist())
        for start, count in zip(first.tolist(), times, strict=True)
    ]


def measured(step: str, sessions: int, keys: int) -> dict[str, float]:
    """Seconds and MiB of a step, by a process of its own."""
    command = [sys.executable, "-m", "benchmarks.wide_training", "--one", step, f"{sessions}x{keys}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peak_mib() -> float:
    found = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return int(found.split()[1]) / 1024


def _one(step: str, sessions: int, keys: int) -> dict[str, float]:
    from deeplog_ops.detection.session_evidence import SessionEvidence
    from deeplog_ops.models.classic.supervised import SUPERVISED  # noqa: F401  scikit-learn is loaded by now
    from deeplog_ops.models.count_distance import CountDistance
    from deeplog_ops.models.detectors import CLASSIC
    from deeplog_ops.steps.opinions import fit_opinions, opinions

    training, new = wide_sessions(sessions, keys), wide_sessions(JUDGED, keys, seed=1)
    weights = [1] * len(training)
    said: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Found]) -> Found:
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        before, began = _peak_mib(), time.monotonic()
        found = work()
        said[f"{name}_seconds"] = round(time.monotonic() - began, 1)
        said[f"{name}_mib"] = round(_peak_mib() - before)
        return found

    if step == "counts":
        model = timed("fit", lambda: CountDistance.fit(training, weights))
        timed("left_out", lambda: model.left_out_scores(training))
        timed("more", lambda: model.with_sessions(new))
        timed("judge", lambda: model.session_scores(new))
    elif step == "verdict":
        evidence = timed("fit", lambda: SessionEvidence.fit(training, weights, budget=0.001))
        timed("judge", lambda: evidence.judge(new))
    elif step == "detectors":
        for name in DETECTORS:
            timed(name, partial(_learnt_and_judged, CLASSIC[name], training, new))
    else:
        part = timed("fit", lambda: fit_opinions(training, weights, [], budget=0.001, seed=0))
        timed("judge", lambda: opinions(part, new))
    return said


def _learnt_and_judged(make: MakeScore, training: list[Session], new: list[Session]) -> None:
    from deeplog_ops.models.classic.model import ClassicModel

    ClassicModel.fit(make, training).session_scores(new)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", default=SIZES, help="SESSIONSxKEYS")
    parser.add_argument("--one", choices=STEPS, help="in this process, printed as JSON")
    arguments = parser.parse_args()
    for size in arguments.sizes:
        sessions, keys = map(int, size.split("x"))
        if arguments.one:
            print(json.dumps(_one(arguments.one, sessions, keys)))
            continue
        for step in STEPS:
            print(size, step, json.dumps(measured(step, sessions, keys)), flush=True)


if __name__ == "__main__":
    main()
