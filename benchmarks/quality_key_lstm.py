"""The key model alone, by likelihood: python -m benchmarks.quality_key_lstm [--splits 10] [--seeds 3] [--epochs 40]

The protocol of benchmarks.quality_hdfs for the detector `key_lstm` of `sequences evaluate`: the rarest surprise of a
session, and a threshold from sessions held out in three folds. With other epochs than the default, training does not
stop early, and the figures go into a file of their own.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from benchmarks.quality import save
from benchmarks.quality_hdfs import figures, splits_of
from deeplog_ops.config import Detection, KeyModelSettings
from deeplog_ops.evaluation.judges import detector_candidate
from deeplog_ops.models.detectors import DETECTORS


def main() -> None:
    usual = KeyModelSettings()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=usual.epochs)
    options = parser.parse_args()
    longer = options.epochs != usual.epochs
    patience = options.epochs if longer else usual.patience
    settings = usual.model_copy(update={"epochs": options.epochs, "patience": patience})
    candidate = detector_candidate("key_lstm", DETECTORS["key_lstm"], settings, Detection().false_alarms)
    began = time.monotonic()
    results = []
    for split in range(options.splits):  # saved after each: a run of an hour may be cut short
        results += splits_of(candidate, 1, first=split, model_seeds=range(options.seeds))
        spent = time.monotonic() - began
        told: dict[str, Any] = {
            **figures(results),
            "seeds": options.seeds,
            "epochs": options.epochs,
            "seconds_a_fit_and_threshold": spent / len(results),
        }
        print(split, [round(result.projected.f1, 4) for result in results[-options.seeds :]], flush=True)
        save(f"key_lstm_{options.epochs}_epochs" if longer else "key_lstm", told, spent)


if __name__ == "__main__":
    main()
