"""What each part of the default verdict adds: python -m benchmarks.quality_ablation [--splits 10] [--networks 2]

Each row leaves one part out, or puts another in its place; then the other detectors alone. Each is asked the same: HDFS
by its protocol, the same with two abnormal sessions among the training ones, mutated HDFS sessions, and workflows drawn
at random with 50 training sessions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.generated_workflows import sessions
from benchmarks.quality import distinct, folder, read, read_sessions, save
from benchmarks.quality_hdfs import splits_of
from benchmarks.verdict_variants import UNCAPPED, Variant, point_tail
from deeplog_ops.config import Detection, KeyModelSettings
from deeplog_ops.evaluation.hdfs_protocol import KeySequence, halves
from deeplog_ops.evaluation.judges import default_verdict, detector_candidate
from deeplog_ops.evaluation.mutations import mutated
from deeplog_ops.evaluation.session_evaluation import Candidate
from deeplog_ops.models.detectors import DETECTORS

VARIANTS = {
    "without the set score": Variant(counts="nothing", cap=UNCAPPED, lone_cap=UNCAPPED, clipped=False),
    "without the order score": Variant(order="nothing"),
    "order: Markov of order 2": Variant(order="markov"),
    "order: LSTM": Variant(order="lstm"),
    "set: L1 distance": Variant(counts="taxicab"),
    "set: without relations": Variant(counts="unrelated"),
    "every session teaches": Variant(unsupported=False),
    "unsupported ones are never trusted": Variant(trust=1e-9),
    "without strange stretches": Variant(stretches=False),
    "without caps": Variant(cap=UNCAPPED, lone_cap=UNCAPPED, clipped=False),
    "tail without a margin": Variant(tail=point_tail),
}
NETWORKS = ("order: LSTM", "key_lstm")
KINDS = ("drop", "double", "cut", "replace", "unknown")
MUTATED = 600
WORKFLOWS = 20
TRAINED = 50


def candidates(budget: float) -> list[Candidate]:
    def variant(name: str, variant: Variant) -> Candidate:
        return Candidate(name, lambda keys, counts, seed: variant.fit(keys, counts, budget))

    return [
        default_verdict(budget),
        *(variant(name, made) for name, made in VARIANTS.items()),
        *(
            detector_candidate(name, detector, KeyModelSettings(), budget)
            for name, detector in DETECTORS.items()
        ),
    ]


def measured(candidate: Candidate, splits: int, workflows: int) -> dict[str, Any]:
    began = time.monotonic()
    clean = splits_of(candidate, splits)
    seconds = (time.monotonic() - began) / splits
    planted = splits_of(candidate, splits, 2)
    f1 = [result.projected.f1 for result in clean]
    generated = _generated(candidate, workflows) if workflows else (None, None)
    return {
        "splits": splits,
        "f1": float(np.mean(f1)),
        "least_f1": min(f1),
        "false_alarms_in_1000": 1000 * float(np.mean([result.false_alarm_rate for result in clean])),
        "auc": float(np.mean([result.auc for result in clean])),
        "f1_with_two": float(np.mean([result.projected.f1 for result in planted])),
        "mutated": _mutated(candidate, min(splits, 3)),
        "generated_false_alarms_in_1000": generated[0],
        "generated": generated[1],
        "seconds_a_split": seconds,
    }


def _mutated(candidate: Candidate, splits: int) -> float:
    """Mean recall of the kinds but swaps, of sessions that no normal one equals."""
    normals = read_sessions(folder("hdfs") / "normal.csv.gz")
    usual = set(normals)
    found = []
    for seed in range(splits):
        training, test = halves(normals, seed)
        judge = candidate.fit(*distinct(training), 0)
        vocabulary = {key for keys in training for key in keys}
        found += [
            _recall(judge.judge, mutated(kind, test[:MUTATED], seed, vocabulary), usual) for kind in KINDS
        ]
    return float(np.mean(found))


def _generated(candidate: Candidate, workflows: int) -> tuple[float, float]:
    alarms, found = [], []
    for seed in range(workflows):
        judge = candidate.fit(*distinct(sessions(seed, TRAINED)), 0)
        test = sessions(seed, 1000, drawn=1)
        alarms.append(float(judge.judge(test)[0].mean()))
        usual = set(sessions(seed, 10_000, drawn=2)) | set(test)
        found += [_recall(judge.judge, mutated(kind, test[:200], seed), usual) for kind in KINDS]
    return 1000 * float(np.mean(alarms)), float(np.mean(found))


def _recall(judge: Any, wrong: Sequence[KeySequence], usual: set[KeySequence]) -> float:
    odd = [keys for keys in wrong if keys not in usual]
    return float(judge(odd)[0].mean()) if odd else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--networks", type=int, default=2, help="splits where a network is fitted; 0: none")
    parser.add_argument("--only", help="one row of the table; the others stay as they were measured")
    options = parser.parse_args()
    began = time.monotonic()
    before: dict[str, Any] = read("ablation") if options.only else {"rows": {}, "seconds": 0.0}
    rows: dict[str, Any] = dict(before["rows"])
    for candidate in candidates(Detection().false_alarms):
        if options.only not in (None, candidate.name):
            continue
        network = candidate.name in NETWORKS
        splits = options.networks if network else options.splits
        if not splits:
            continue
        rows[candidate.name] = measured(candidate, splits, 0 if network else WORKFLOWS)
        print(candidate.name, rows[candidate.name], flush=True)
    ordered = {
        each.name: rows[each.name] for each in candidates(Detection().false_alarms) if each.name in rows
    }
    save("ablation", {"rows": ordered}, before["seconds"] + time.monotonic() - began)


if __name__ == "__main__":
    main()
