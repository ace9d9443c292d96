"""The default verdict by the protocol of HDFS: python -m benchmarks.quality_hdfs [--splits 10]

Ten random halves of the normal sessions to train on; every threshold stands before an abnormal session is read; the
false-alarm rate on the other half, the recall on all abnormal sessions one by one, projected to the full set. Then the
same with abnormal sessions among the training ones: two, and as large a share as the full set has (2.9 %).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.quality import distinct, folder, read_sessions, save
from deeplog_ops.config import Detection
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.evaluation.confusion import Confusion
from deeplog_ops.evaluation.hdfs_protocol import (
    ABNORMALS,
    TEST_NORMALS,
    KeySequence,
    ProtocolResult,
    halves,
    pooled,
    run_split,
)
from deeplog_ops.evaluation.judges import default_verdict
from deeplog_ops.evaluation.session_evaluation import Candidate, best_f1

MANY = 60  # splits, to say what ten of them show by chance
DRAWS = 5  # pairs of abnormal sessions for each split: which two it is matters more than the split
SHARE = 0.029  # of the sessions of the full set are abnormal


def splits_of(
    candidate: Candidate,
    splits: int,
    planted: int | float = 0,
    *,
    first: int = 0,
    draws: int = 1,
    model_seeds: Sequence[int] = (0,),
) -> list[ProtocolResult]:
    """One result a split from the `first`, draw and seed of the model; `planted` abnormal sessions, or such a share, drawn `draws` times,
    stand among the training ones."""
    normals = read_sessions(folder("hdfs") / "normal.csv.gz")
    return [
        run_split(
            normals,
            lambda: read_sessions(folder("hdfs") / "abnormal.csv.gz"),
            candidate,
            seed=seed,
            model_seed=model_seed,
            planted=_drawn(planted, seed, draw),
        )
        for seed in range(first, first + splits)
        for draw in range(draws)
        for model_seed in model_seeds
    ]


def _drawn(planted: int | float, seed: int, draw: int) -> list[KeySequence]:
    if not planted:
        return []
    normals = read_sessions(folder("hdfs") / "normal.csv.gz")
    abnormal = read_sessions(folder("hdfs") / "abnormal.csv.gz")
    wanted = planted if isinstance(planted, int) else round(planted * len(normals) / 2 / (1 - planted))
    rows = np.random.default_rng([1000 + draw, seed]).choice(len(abnormal), wanted, replace=False)
    return [abnormal[row] for row in rows]


def figures(results: Sequence[ProtocolResult]) -> dict[str, Any]:
    """Split by split and all together, as plain data."""
    normals = len(read_sessions(folder("hdfs") / "normal.csv.gz"))
    f1 = [result.projected.f1 for result in results]
    together = pooled(results, normals)
    return {
        "mean": float(np.mean(f1)),
        "least": min(f1),
        "pooled": {name: list(getattr(together, name)) for name in ("f1", "false_alarm_rate", "recall")},
        "auc": float(np.mean([result.auc for result in results])),
        "splits": [
            {
                "false_alarms": int(result.flagged_normals.sum()),
                "normals": len(result.flagged_normals),
                "recall": result.recall,
                "recall_known_keys": result.recall_known_keys,
                "f1": result.projected.f1,
            }
            for result in results
        ],
    }


def ceiling() -> float:
    """The best F1 that any verdict by the sequence alone can have on the full set, as far as the sample shows it."""
    normals = read_sessions(folder("hdfs") / "normal.csv.gz")
    abnormals = read_sessions(folder("hdfs") / "abnormal.csv.gz")
    cases, _ = distinct([*normals, *abnormals])
    even, odd = (dict(zip(*distinct(part), strict=True)) for part in (normals, abnormals))
    return best_f1(
        np.array([odd.get(keys, 0) for keys in cases]) * ABNORMALS / len(abnormals),
        np.array([even.get(keys, 0) for keys in cases]) * TEST_NORMALS / len(normals),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--budget", type=float, default=Detection().false_alarms)
    options = parser.parse_args()
    began = time.monotonic()
    candidate = default_verdict(options.budget)
    told: dict[str, Any] = {
        "budget": options.budget,
        "flag_all": Confusion.projected(1.0, 1.0, TEST_NORMALS, ABNORMALS).f1,
    }
    for name, planted, splits, draws in (
        ("clean", 0, options.splits, 1),
        ("many", 0, MANY, 1),
        ("two", 2, options.splits, DRAWS),
        ("share", SHARE, options.splits, 1),
    ):
        started = time.monotonic()
        told[name] = figures(splits_of(candidate, splits, planted, draws=draws))
        told[name]["seconds_a_split"] = (time.monotonic() - started) / splits / draws
        print(
            f"{name}: mean F1 {told[name]['mean']:.4f}, least {told[name]['least']:.4f}, pooled {told[name]['pooled']}"
        )
    told["ceiling"] = ceiling()
    told["training_alarms"] = _said_by_training(options.splits, options.budget)
    save("hdfs", told, time.monotonic() - began)


def _said_by_training(splits: int, budget: float) -> float:
    """The false-alarm rate that the training itself reports: on its own sessions, each as if it had not been there."""
    normals = read_sessions(folder("hdfs") / "normal.csv.gz")
    rates = [
        SessionEvidence.fit(*distinct(halves(normals, seed)[0]), budget=budget).training_alarms
        for seed in range(splits)
    ]
    return float(np.mean(rates))


if __name__ == "__main__":
    main()
