"""The same default verdict, untouched, on other logs and on short histories: python -m benchmarks.quality_others

Hadoop sessions; VMs of raw OpenStack logs that were destroyed at once; HDFS with 50 and 200 training sessions; and
workflows drawn at random with 50.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.generated_workflows import sessions
from benchmarks.quality import folder, read_sessions, save
from deeplog_ops.config import Detection
from deeplog_ops.evaluation.confusion import Confusion, auc
from deeplog_ops.evaluation.hdfs_protocol import KeySequence, halves, run_split
from deeplog_ops.evaluation.judges import default_verdict
from deeplog_ops.evaluation.mutations import MUTATIONS, mutated
from deeplog_ops.evaluation.session_evaluation import Judge, compare
from deeplog_ops.formats.session_key import find
from deeplog_ops.steps.parse_file import parse_file

DRAWS = 10
WORKFLOWS = 40
TRAINED = 50
TESTED = 1000


def judge_of(training: Sequence[KeySequence]) -> Judge:
    return default_verdict(Detection().false_alarms).fit(training, [1] * len(training), 0)


def _compared(
    training: Sequence[KeySequence], normals: Sequence[KeySequence], abnormal: Sequence[KeySequence]
) -> dict[str, Any]:
    result = compare(
        training, normals, lambda: abnormal, default_verdict(Detection().false_alarms), []
    ).to_dict(Detection().least_sessions)
    return {
        **{name: value for name, value in result["default"].items() if name != "seeds"},
        "normals": len(normals),
        "abnormal": len(abnormal),
        "ceiling": result["ceiling"],
        "flag_all": result["flag_all"],
    }


def hadoop() -> dict[str, Any]:
    """As the set is split: few training sessions. Then with half of all its normals, ten times."""
    place = folder("hadoop")
    training, normals = (read_sessions(place / f"{name}.csv.gz") for name in ("train", "test_normal"))
    kinds = ("disk_full", "network_disconnection")
    abnormal = [keys for kind in kinds for keys in read_sessions(place / f"abnormal_{kind}.csv.gz")]
    told = {"as_split": _compared(training, normals, abnormal)}
    runs = [_compared(*halves([*training, *normals], seed), abnormal) for seed in range(DRAWS)]
    told["half"] = {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}
    same = set(training) | set(normals)
    told["same_as_normal"] = {"share": float(np.mean([keys in same for keys in abnormal]))}
    return told


def openstack() -> dict[str, Any]:
    """Trained on the whole of one file, which holds failures too; the VMs of the other are the ones to find."""
    place = folder("openstack")
    training = _instances(place / "openstack-nova-sample.log.gz")
    destroyed = _instances(place / "openstack-vm-destroy-immediately-after-create.log.gz")
    built = {
        name: "afc77f57c24a3537" in keys for name, keys in training.items()
    }  # Took <*> to build instance.
    judge = judge_of(list(training.values()))
    flagged, strength = judge.judge(list(destroyed.values()))
    # Of the training's own VMs only those left out say something about false alarms.
    shared = np.array([name in training for name in destroyed])
    names = sorted(training)
    order = np.random.default_rng(0).permutation(len(names))
    alarms, failures, kept = [], [], []
    for fold in range(5):
        out = {names[row] for row in order[fold::5]}
        rest = judge_of([keys for name, keys in training.items() if name not in out])
        tested = sorted(out)
        said, score = rest.judge([training[name] for name in tested])
        alarms += [bool(flag) for name, flag in zip(tested, said, strict=True) if built[name]]
        failures += [bool(flag) for name, flag in zip(tested, said, strict=True) if not built[name]]
        kept += [float(value) for name, value in zip(tested, score, strict=True) if built[name]]
    scores = np.concatenate([kept, strength])
    apart = judge_of([keys for name, keys in training.items() if name not in destroyed])
    found_apart, _ = apart.judge(list(destroyed.values()))
    usual = judge_of([keys for name, keys in training.items() if built[name]])
    cleaned, strength_cleaned = usual.judge(list(destroyed.values()))
    counts = Confusion(
        tp=float(flagged.sum()),
        fp=float(sum(alarms)),
        fn=float((~flagged).sum()),
        tn=float(len(alarms) - sum(alarms)),
    )
    return {
        "training_sessions": len(training),
        "training_not_built": sum(not value for value in built.values()),
        "destroyed": len(destroyed),
        "destroyed_built": sum("afc77f57c24a3537" in keys for keys in destroyed.values()),
        "in_both_files": int(shared.sum()),
        "recall": float(flagged.mean()),
        "recall_not_in_training": float(flagged[~shared].mean()),
        "recall_trained_without_them": float(found_apart.mean()),
        "false_alarm_rate": float(np.mean(alarms)),
        "normals": len(alarms),
        "failures_found": float(np.mean(failures)),
        "f1_trained_without_them": Confusion(
            tp=float(found_apart.sum()),
            fp=float(sum(alarms)),
            fn=float((~found_apart).sum()),
            tn=float(len(alarms) - sum(alarms)),
        ).f1,
        "precision": counts.precision,
        "f1": counts.f1,
        "auc": auc(scores, np.arange(len(scores)) >= len(kept)),
        "median_strength": float(np.median(strength)),
        "recall_trained_on_built": float(cleaned.mean()),
        "median_strength_trained_on_built": float(np.median(strength_cleaned)),
        "same_as_training": float(np.mean([keys in set(training.values()) for keys in destroyed.values()])),
    }


def _instances(path: Path) -> dict[str, KeySequence]:
    """The keys of each VM, by the project's own format, templates and way to find what a session is."""
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "events.parquet"
        parse_file(str(path), out)
        events = pl.read_parquet(out)
    key = next(key for key in find(events) if key.by == "identifier")
    assert key.pattern is not None
    assert re.search("instance", key.name), f"sessions of {path.name} by {key.name}"
    found = events.select(session=pl.col("message").str.extract(key.pattern, 1), key="key").drop_nulls()
    groups = found.group_by("session", maintain_order=True).agg("key")
    return {session: tuple(keys) for session, keys in groups.sort("session").iter_rows()}


def short_hdfs() -> dict[str, Any]:
    place = folder("hdfs")
    normals = read_sessions(place / "normal.csv.gz")
    told = {}
    for sessions_kept in (TRAINED, 200):
        results = [
            run_split(
                normals,
                lambda: read_sessions(place / "abnormal.csv.gz"),
                default_verdict(Detection().false_alarms),
                share=sessions_kept / len(normals),
                seed=seed,
            )
            for seed in range(DRAWS)
        ]
        f1 = [result.projected.f1 for result in results]
        told[str(sessions_kept)] = {
            "mean": float(np.mean(f1)),
            "least": min(f1),
            "false_alarm_rate": float(np.mean([result.false_alarm_rate for result in results])),
            "recall": float(np.mean([result.recall for result in results])),
            "auc": float(np.mean([result.auc for result in results])),
        }
    return told


def workflows() -> dict[str, Any]:
    """Every workflow has its own 50 training sessions; what normal sessions do as well is no anomaly."""
    alarms: list[float] = []
    recalls: dict[str, list[float]] = {kind: [] for kind in MUTATIONS}
    f1: list[float] = []
    for seed in range(WORKFLOWS):
        judge = judge_of(sessions(seed, TRAINED))
        test = sessions(seed, TESTED, drawn=1)
        alarms.append(float(judge.judge(test)[0].mean()))
        usual = set(sessions(seed, 20 * TESTED, drawn=2)) | set(test)
        for kind in MUTATIONS:
            wrong = [keys for keys in mutated(kind, test[:200], seed) if keys not in usual]
            if wrong:
                recalls[kind].append(float(judge.judge(wrong)[0].mean()))
        found = float(
            np.mean([recalls[kind][-1] for kind in ("drop", "double", "cut", "replace", "unknown")])
        )
        f1.append(Confusion.projected(alarms[-1], found, 1.0, 1.0).f1)
    return {
        "workflows": WORKFLOWS,
        "training_sessions": TRAINED,
        "false_alarm_rate": float(np.mean(alarms)),
        "most_false_alarms": max(alarms),
        "recall": {kind: float(np.mean(values)) for kind, values in recalls.items()},
        "balanced_f1": float(np.mean(f1)),
    }


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    began = time.monotonic()
    told: dict[str, Any] = {}
    for part in (hadoop, openstack, short_hdfs, workflows):
        told[part.__name__] = part()
        print(part.__name__, told[part.__name__], flush=True)
    save("others", told, time.monotonic() - began)


if __name__ == "__main__":
    main()
