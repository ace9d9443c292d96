"""What answers to the doubts of a training are worth: python -m benchmarks.quality_doubts [--splits 10]

The protocol of HDFS with as large a share of abnormal sessions among the training ones as the full set has (2.9 %), with
two, and with none. The training asks; who answers knows the label of the example and of nothing else. Is it abnormal, the
whole group is left out; is it normal, it is vouched for. Then it is trained again. "10 and 10" is ten answers, a training,
and ten answers to what that one asks. The same on generated workflows.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.doubtful_workflows import doubtful_workflow
from benchmarks.quality import distinct, folder, read_sessions, save
from benchmarks.quality_hdfs import SHARE, _drawn, figures
from deeplog_ops.config import Detection
from deeplog_ops.detection.doubts import Doubt, doubts
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.evaluation.hdfs_protocol import KeySequence, ProtocolResult, halves, run_split
from deeplog_ops.evaluation.judges import VerdictJudge
from deeplog_ops.evaluation.session_evaluation import Candidate

WORKFLOWS = 20
ROUNDS: dict[str, tuple[int, ...]] = {"0": (), "5": (5,), "10": (10,), "20": (20,), "10 and 10": (10, 10)}


Trained = tuple[list[KeySequence], list[int], SessionEvidence]


class Person:
    """Answers doubts by labels, and remembers what was said."""

    def __init__(self, normal: Sequence[KeySequence], planted: Sequence[KeySequence]) -> None:
        self.normal, self.planted = Counter(normal), Counter(planted)
        self.real: set[KeySequence] = set()
        self.vouched: set[KeySequence] = set()
        self.asked: list[Doubt] = []

    def answer(self, doubt: Doubt) -> None:
        real = self.planted[doubt.example] > self.normal[doubt.example]
        if real:
            self.real.update(doubt.sequences)
        else:
            self.vouched.add(doubt.example)
        self.asked.append(doubt)

    def train(self, sequences: Sequence[KeySequence], weights: Sequence[int], budget: float) -> Trained:
        """From the distinct sequences of a training, less what was called real."""
        kept = [row for row, keys in enumerate(sequences) if keys not in self.real]
        keys, counts = [sequences[row] for row in kept], [weights[row] for row in kept]
        return keys, counts, SessionEvidence.fit(keys, counts, budget=budget, vouched=self.vouched)

    @property
    def found(self) -> float:
        """Of the planted sessions, those that were called real."""
        return sum(self.planted[keys] for keys in self.real) / max(1, self.planted.total())

    @property
    def mixed(self) -> int:
        """Groups with sessions of both labels."""
        return sum(
            any(self.planted[keys] for keys in doubt.sequences)
            and any(self.normal[keys] for keys in doubt.sequences)
            for doubt in self.asked
        )


def answered(person: Person, rounds: Sequence[int], budget: float) -> Candidate:
    def fit(sequences: Sequence[KeySequence], weights: Sequence[int], seed: int) -> VerdictJudge:
        trained = person.train(sequences, weights, budget)
        for answers in rounds:
            for doubt in doubts(*trained, vouched=person.vouched)[:answers]:
                person.answer(doubt)
            trained = person.train(sequences, weights, budget)
        return VerdictJudge(trained[-1])

    return Candidate("answered", fit)


def measured(planted: int | float, rounds: Sequence[int], splits: int, budget: float) -> dict[str, Any]:
    normals = read_sessions(folder("hdfs") / "normal.csv.gz")
    results: list[ProtocolResult] = []
    people = []
    started = time.monotonic()
    for seed in range(splits):
        among = _drawn(planted, seed, 0)
        people.append(Person(halves(normals, seed)[0], among))
        results.append(
            run_split(
                normals,
                lambda: read_sessions(folder("hdfs") / "abnormal.csv.gz"),
                answered(people[-1], rounds, budget),
                seed=seed,
                planted=among,
            )
        )
    return {
        **{name: value for name, value in figures(results).items() if name != "splits"},
        "seconds_a_split": (time.monotonic() - started) / splits,
        "answers": float(np.mean([len(person.asked) for person in people])),
        "planted_found": float(np.mean([person.found for person in people])),
        "mixed": float(np.mean([person.mixed for person in people])),
    }


def on_workflows(rounds: Sequence[int], workflows: int, budget: float) -> dict[str, float]:
    """The mean over workflows: recall on new anomalies of the planted kinds, and false alarms."""
    found, alarms, least, answers = [], [], 1.0, []
    for seed in range(workflows):
        case = doubtful_workflow(seed)
        person = Person(case.normals, case.planted)
        judge = answered(person, rounds, budget).fit(*distinct([*case.normals, *case.planted]), 0)
        recall = float(judge.judge(case.new_anomalies)[0].mean())
        found.append(recall)
        alarms.append(float(judge.judge(case.new_normals)[0].mean()))
        answers.append(len(person.asked))
        least = min(least, recall)
    return {
        "recall": float(np.mean(found)),
        "least_recall": least,
        "false_alarm_rate": float(np.mean(alarms)),
        "answers": float(np.mean(answers)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--budget", type=float, default=Detection().false_alarms)
    options = parser.parse_args()
    began = time.monotonic()
    told: dict[str, Any] = {"budget": options.budget}
    for name, planted in (("share", SHARE), ("two", 2), ("clean", 0)):
        told[name] = {}
        for answers, rounds in ROUNDS.items():
            run = measured(planted, rounds, options.splits, options.budget)
            told[name][answers] = run
            print(
                f"{name}, {answers} answers: F1 {run['mean']:.4f}, least {run['least']:.4f}, {run['pooled']}"
            )
    told["workflows"] = WORKFLOWS
    told["generated"] = {
        answers: on_workflows(rounds, WORKFLOWS, options.budget) for answers, rounds in ROUNDS.items()
    }
    print(told["generated"])
    save("doubts", told, time.monotonic() - began)


if __name__ == "__main__":
    main()
