"""Quality of the key model alone on HDFS: python benchmarks/key_model_quality.py [--splits 3] [--share 0.5]

Reads hdfs/normal.csv.gz and hdfs/abnormal.csv.gz below DEEPLOG_SHARED_DATA, or ../shared/data beside the
checkout. The protocol is that of deeplog_ops/evaluation/hdfs_protocol.py; one row a random split.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deeplog_ops.config import Detection, KeyModelSettings
from deeplog_ops.evaluation.hdfs_protocol import KeySequence, run_split
from deeplog_ops.models.key_model import KeyModel

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def read_sessions(path: Path) -> list[KeySequence]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [tuple(row["keys"].split()) for row in csv.DictReader(file)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.5, help="of the normals, to train on")
    parser.add_argument("--budget", type=float, default=Detection().false_alarms)
    options = parser.parse_args()
    folder = Path(os.environ.get("DEEPLOG_SHARED_DATA", BESIDE)) / "hdfs"
    if not folder.is_dir():
        sys.exit(f"{folder} is missing: point DEEPLOG_SHARED_DATA at a folder that has hdfs/normal.csv.gz")
    normals = read_sessions(folder / "normal.csv.gz")
    table = Table(
        "split", "threshold", "false alarms", "recall", "of known keys", "AUC", "F1 projected", "seconds"
    )
    f1 = []
    for seed in range(options.splits):
        settings = KeyModelSettings(seed=seed)

        def fit(
            sequences: Sequence[Sequence[str]], weights: Sequence[int], settings: KeyModelSettings = settings
        ) -> KeyModel:
            return KeyModel.fit(sequences, weights, settings)[0]

        began = time.monotonic()
        result = run_split(
            normals,
            lambda: read_sessions(folder / "abnormal.csv.gz"),
            fit,
            budget=options.budget,
            share=options.share,
            seed=seed,
        )
        f1.append(result.projected.f1)
        table.add_row(
            str(seed),
            f"{result.threshold:.2f}",
            f"{result.false_alarm_rate:.2%}",
            f"{result.recall:.4f}",
            f"{result.recall_known_keys:.4f}",
            f"{result.auc:.5f}",
            f"{f1[-1]:.4f}",
            f"{time.monotonic() - began:.0f}",
        )
    Console().print(table)
    print(f"mean F1 projected {sum(f1) / len(f1):.4f} at a budget of {options.budget:.2%} false alarms")


if __name__ == "__main__":
    main()
