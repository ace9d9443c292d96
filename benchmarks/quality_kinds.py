"""Recall of what goes wrong in known ways, kind by kind: python -m benchmarks.quality_kinds [--without-pipeline]

HDFS sessions with one mutation; the generator's changes of order as key sequences; and all kinds of the generator, values
and rates too, through the pipeline from raw files to rows in PostgreSQL. Beside them stand the realised false alarms.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from benchmarks.hdfs_days import judged, workplace
from benchmarks.quality import distinct, folder, read_sessions, save
from deeplog_ops import simulate
from deeplog_ops.config import Detection
from deeplog_ops.evaluation.hdfs_protocol import KeySequence, halves
from deeplog_ops.evaluation.judges import default_verdict
from deeplog_ops.evaluation.mutations import MUTATIONS, mutated
from deeplog_ops.simulate.anomalies import ORDER
from deeplog_ops.simulate.day import Plan, started_on
from deeplog_ops.steps.whole_runs import run_day, run_training

SPLITS = 10
FIRST = date(2026, 3, 2)
SESSION = re.compile(r"\b((?:req|ord|job)-[0-9a-f]{10})\b")
PIPELINE = {"trained": 7, "scored": 7, "sessions": 1200, "anomalies": 60}
NEAR = timedelta(hours=1)


def mutated_hdfs() -> dict[str, Any]:
    """What normal sessions do as well is no anomaly, whatever it was made by: those are counted apart.

    `sequence`: some normal session has the very sequence. `counts`: not that, but its counts, and every step of it leads
    to counts that some normal session had on its way: as far as anyone can tell, its branches only wrote in another order.
    """
    normals = read_sessions(folder("hdfs") / "normal.csv.gz")
    usual, states = set(normals), _states(normals)
    judge_of = default_verdict(Detection().false_alarms).fit
    alarms: list[float] = []
    made, found = Counter[str](), Counter[tuple[str, str]]()
    of_class = Counter[tuple[str, str]]()
    for seed in range(SPLITS):
        training, test = halves(normals, seed)
        judge = judge_of(*distinct(training), 0)
        alarms.append(float(judge.judge(test)[0].mean()))
        vocabulary = {key for keys in training for key in keys}
        for kind in MUTATIONS:
            sessions = mutated(kind, test, seed, vocabulary)
            flagged = judge.judge(sessions)[0]
            made[kind] += len(sessions)
            for keys, flag in zip(sessions, flagged.tolist(), strict=True):
                normal = "sequence" if keys in usual else "counts" if _states([keys]) <= states else "none"
                of_class[kind, normal] += 1
                found[kind, normal] += flag
    return {
        "false_alarms_in_1000": 1000 * float(np.mean(alarms)),
        "kinds": {
            kind: {
                "made": made[kind],
                "same_sequence": of_class[kind, "sequence"] / made[kind],
                "same_counts": of_class[kind, "counts"] / made[kind],
                "recall_but_same_sequence": (found[kind, "counts"] + found[kind, "none"])
                / (made[kind] - of_class[kind, "sequence"]),
                "recall_of_the_rest": found[kind, "none"] / max(1, of_class[kind, "none"]),
            }
            for kind in MUTATIONS
        },
    }


def _states(sessions: Sequence[KeySequence]) -> set[frozenset[tuple[str, int]]]:
    """The counts of keys after each event of each session, and where it ended."""
    found: set[frozenset[tuple[str, int]]] = set()
    for keys in set(sessions):
        counts = Counter[str]()
        for key in keys:
            counts[key] += 1
            found.add(frozenset(counts.items()))
        found.add(frozenset([*counts.items(), ("the end", 1)]))
    return found


def _by_session(day: date, plan: Plan) -> tuple[list[KeySequence], dict[str, list[KeySequence]]]:
    """The day's normal sessions, and the anomalous ones by kind, as names of steps."""
    keys: defaultdict[str, list[str]] = defaultdict(list)
    kinds: dict[str, str] = {}
    for line in sorted(started_on(day, plan).lines, key=lambda line: line.ms):
        session = SESSION.search(line.text)
        if session is not None:
            keys[session[1]].append(line.step)
        if line.mark is not None:
            kinds[line.mark.session] = line.mark.kind
    odd: defaultdict[str, list[KeySequence]] = defaultdict(list)
    for session_id, kind in kinds.items():
        odd[kind].append(tuple(keys[session_id]))
    return [tuple(found) for name, found in keys.items() if name not in kinds], odd


def generated_order() -> dict[str, Any]:
    """Three days to train on, and two with 30 anomalies of each kind a day; the workflow says that each is one."""
    told: dict[str, Any] = {}
    alarms, normals = 0, 0
    hidden, found = Counter[str](), Counter[str]()
    for seed in range(3):
        plan = Plan(
            seed,
            sessions_per_day=1200,
            anomalies_per_day=30 * len(simulate.KINDS),
            anomalies_from=FIRST + timedelta(3),
        )
        training = [keys for number in range(3) for keys in _by_session(FIRST + timedelta(number), plan)[0]]
        judge = default_verdict(Detection().false_alarms).fit(*distinct(training), 0)
        for number in (3, 4):
            usual, odd = _by_session(FIRST + timedelta(number), plan)
            alarms += int(judge.judge(usual)[0].sum())
            normals += len(usual)
            for kind in ORDER:
                hidden[kind] += len(odd[kind])
                found[kind] += int(judge.judge(odd[kind])[0].sum())
        told["training_sessions"] = len(training)
    told |= {"normals": normals, "false_alarms_in_1000": 1000 * alarms / normals}
    return told | {
        "kinds": {kind: {"made": hidden[kind], "recall": found[kind] / hidden[kind]} for kind in ORDER}
    }


def pipeline() -> dict[str, Any]:
    """Raw files to rows. A session is found by any of its evidence; a change of rate by a finding at that time."""
    scored = [FIRST + timedelta(PIPELINE["trained"] + number) for number in range(PIPELINE["scored"])]
    with workplace() as place, tempfile.TemporaryDirectory() as folder_name:
        truth = simulate.write(
            Path(folder_name),
            days=PIPELINE["trained"] + PIPELINE["scored"],
            start=FIRST,
            sessions_per_day=PIPELINE["sessions"],
            anomalies_per_day=PIPELINE["anomalies"],
            anomalies_from=scored[0],
            seed=11,
        )
        place.sources.mkdir(exist_ok=True)
        (place.sources / "sample.yaml").write_text(simulate.source_yaml(truth.raw))
        seconds = {}
        began = time.monotonic()
        run_training(
            place,
            "sample",
            scored[0] - timedelta(1),
            run_key="train",
            days=PIPELINE["trained"],
            rule="yes",
            who="benchmark",
        )
        seconds["train"] = time.monotonic() - began
        began = time.monotonic()
        for day in scored:
            run_day(place, "sample", day, run_key=f"score-{day}")
        seconds["score_a_day"] = (time.monotonic() - began) / len(scored)
        sessions, _ = judged(place, scored[0], scored[-1])
        with place.engine.connect() as connection:
            rows = (
                connection.execute(
                    text(
                        "SELECT day, detector, kind, session, first_time, last_time, template_id FROM deeplog.anomalies"
                    )
                )
                .mappings()
                .all()
            )
    return _held_against([dict(row) for row in rows], truth.anomalies, sessions) | {"seconds": seconds}


def _held_against(
    rows: list[dict[str, Any]], labels: tuple[simulate.Label, ...], sessions: set[str]
) -> dict[str, Any]:
    by_session: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["session"]:
            by_session[row["session"]].add(row["detector"])
    others = [row for row in rows if not row["session"]]
    at = [(_time(label.time), label.kind) for label in labels if not label.session]
    hidden, found = Counter[str](), Counter[str]()
    detectors: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for label in labels:
        if label.session and label.session not in sessions:
            continue  # closes on the day after the last
        hidden[label.kind] += 1
        said = by_session.get(label.session, set()) if label.session else _near(others, _time(label.time))
        found[label.kind] += bool(said)
        detectors[label.kind].update(said)
    wrong = {label.session for label in labels}
    normal = sessions - wrong
    false = {session for session in by_session if session in normal}
    causes = Counter(detector for session in false for detector in by_session[session])
    stray = [row for row in others if not any(_covers(row, time) for time, _ in at)]
    return {
        "normal_sessions": len(normal),
        "false_alarms": len(false),
        "false_alarms_in_1000": 1000 * len(false) / len(normal),
        "false_alarms_by_detector": dict(causes),
        "false_findings_outside_sessions": len(stray),
        "days": PIPELINE["scored"],
        "trained_days": PIPELINE["trained"],
        "kinds": {
            kind: {
                "made": hidden[kind],
                "recall": found[kind] / hidden[kind],
                "by": dict(detectors[kind].most_common()),
            }
            for kind in sorted(hidden)
        },
    }


def _time(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _covers(row: dict[str, Any], time: datetime) -> bool:
    return bool(row["first_time"] and row["first_time"] - NEAR <= time <= row["last_time"] + NEAR)


def _near(rows: list[dict[str, Any]], time: datetime) -> set[str]:
    return {row["detector"] for row in rows if _covers(row, time)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--without-pipeline", action="store_true", help="the key sequences alone")
    options = parser.parse_args()
    began = time.monotonic()
    told: dict[str, Any] = {}
    for part in (mutated_hdfs, generated_order, *(() if options.without_pipeline else (pipeline,))):
        told[part.__name__] = part()
        print(part.__name__, told[part.__name__], flush=True)
    save("kinds", told, time.monotonic() - began)


if __name__ == "__main__":
    main()
