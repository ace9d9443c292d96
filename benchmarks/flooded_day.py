"""What a day takes of which nearly every session is an anomaly, each by another sequence: seconds and memory.

    python -m benchmarks.flooded_day [--sessions 25000 100000] [--published 20000] [--buckets 16]

A small generated source is trained; then the stages that `detect` reads are written as such a day would have them, from
the keys of its ordinary sessions, mixed up. `detect` and `publish` run in a process of their own, once for each size.
Printed are the seconds and the peak of resident memory of both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from benchmarks.hdfs_days import workplace
from deeplog_ops import simulate
from deeplog_ops.records import stable_digest
from deeplog_ops.schemas import LINES, SCORES, SESSIONS
from deeplog_ops.sequences.buckets import bucket_of
from deeplog_ops.steps.stage import OpenRun, commit, writer
from deeplog_ops.steps.whole_runs import run_day, run_training
from deeplog_ops.steps.workplace import Workplace

FIRST = date(2026, 3, 2)
TRAINED = 3
SHAPES = 40  # ordinary sequences that the odd ones are made of
AT_ONCE = 5_000  # sessions written in one go
FILE = "f10d" * 8

_CHILD = """
import json, sys, time
from pathlib import Path
from deeplog_ops.db.engine import connect
from deeplog_ops.steps import context_lines, session_verdicts, stage_rows
from deeplog_ops.steps import detect as detecting
from deeplog_ops.steps.detect import detect
from deeplog_ops.steps.publish import publish
from deeplog_ops.steps.stage import peak_memory_mb
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.lake import Lake
from deeplog_ops.storage.paths import open_path
from deeplog_ops.storage.registry import Registry

url, lake, models, sources, run_id, most = sys.argv[1:]
for module in (context_lines, session_verdicts, stage_rows, detecting):
    for name in [name for name in vars(module) if name.endswith("AT_ONCE")]:
        setattr(module, name, min(getattr(module, name), int(most)))
place = Workplace(connect(url), Lake(open_path(lake)), Registry(open_path(models)), Path(sources))
said = {}
for name, step in (("detect", detect), ("publish", publish)):
    began, used = time.monotonic(), time.process_time()
    step(place, int(run_id))
    said[name] = {
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(time.process_time() - used, 1),
        "peak_mb": peak_memory_mb(),
    }
print(json.dumps(said))
"""


def flood(place: Workplace, run_id: int, sessions: int, seed: int = 0) -> None:
    """Put a day of so many sessions, each with another sequence, in place of what a run's stages hold."""
    opened = OpenRun.of(place, run_id)
    rng = np.random.default_rng(seed)
    shapes = _shapes(opened)
    made = _mixed(shapes, sessions, rng)
    ids = [stable_digest(keys)[:32] for keys in made]
    # A name in ten comes twice on the day, as one does that comes back after its timeout.
    names = [f"flood-{number - (number % 10 == 9):07d}" for number in range(sessions)]
    buckets = opened.source.sessions.buckets
    start = opened.bounds.start
    length = (opened.bounds.end - start) / timedelta(seconds=1) - 120
    begins = rng.uniform(0, length, sessions)
    first_line = np.concatenate([[1], 1 + np.cumsum([len(keys) for keys in made])])[:-1]

    def by_bucket(values: list[str]) -> list[int]:
        numbers = bucket_of(pl.Series(values), buckets).to_numpy()
        return [int(row) for row in np.lexsort((np.arange(sessions), numbers))]

    def session(row: int) -> dict[str, Any]:
        keys, lines = made[row], range(int(first_line[row]), int(first_line[row]) + len(made[row]))
        times = [start + timedelta(seconds=float(begins[row]) + place) for place in range(len(keys))]
        return {
            "session": names[row], "piece": 0, "first_time": times[0], "last_time": times[-1],
            "closed_at": times[-1], "open": False, "judged": True, "sequence_id": ids[row], "keys": keys,
            "times": times, "file_ids": [FILE] * len(keys), "line_nos": list(lines),
            "byte_offsets": [100 * line for line in lines],
        }  # fmt: skip

    def score(row: int) -> dict[str, Any]:
        size = len(made[row]) + 1
        return {
            "sequence_id": ids[row], "keys": made[row], "sessions": 1, "rank": [3] * size,
            "probability": [0.01] * size, "surprise": [4.6] * size, "known": [True] * size, "score": 4.6,
            "worst": 0, "expected_keys": made[row][:1], "expected_probabilities": [0.9],
        }  # fmt: skip

    def lines(row: int) -> list[dict[str, Any]]:
        told = session(row)
        return [
            {
                "file_id": FILE, "line_no": line, "byte_offset": 100 * line, "line_count": 1, "time": time,
                "message": f"step {key} of {names[row]}", "raw": f"{time:%H:%M:%S} worker-7 step {key} of {names[row]} " + "x" * 40,
            }
            for line, time, key in zip(told["line_nos"], told["times"], told["keys"], strict=True)
        ]  # fmt: skip

    plain = list(range(sessions))
    for name, schema, rows in (
        ("sessions", SESSIONS, (session(row) for row in by_bucket(names))),
        ("scores", SCORES, (score(row) for row in by_bucket(ids))),
        ("lines", LINES, (line for row in plain for line in lines(row))),
    ):
        with writer(opened, name, 90) as out:
            waiting: list[dict[str, Any]] = []
            for row in rows:
                waiting.append(row)
                if len(waiting) == AT_ONCE:
                    out.write_batch(pa.Table.from_pylist(waiting, schema))
                    waiting = []
            out.write_batch(pa.Table.from_pylist(waiting, schema))
            out.close()
            commit(opened, out)


def _shapes(opened: OpenRun) -> list[list[str]]:
    """The keys of some ordinary sessions of the run's day, whatever order its stage has them in."""
    found = {
        tuple(row["keys"])
        for table in opened.place.lake.read(opened.partition("sessions"), ["keys", "judged"])
        for row in table.to_pylist()
        if row["judged"] and len(row["keys"]) > 3
    }
    return [list(keys) for keys in sorted(found)[:SHAPES]]


def _mixed(shapes: list[list[str]], count: int, rng: np.random.Generator) -> list[list[str]]:
    """Distinct sequences: some events of an ordinary one swapped, left out and written twice."""
    found: dict[tuple[str, ...], None] = {}
    while len(found) < count:
        keys = list(shapes[int(rng.integers(len(shapes)))])
        for _ in range(int(rng.integers(2, 6))):
            one, other = rng.integers(len(keys), size=2)
            keys[one], keys[other] = keys[other], keys[one]
            if rng.random() < 0.5:
                keys.insert(int(one), keys[int(other)])
            elif len(keys) > 3:
                del keys[int(one)]
        found[tuple(keys)] = None
    return [list(keys) for keys in found]


def measured(place: Workplace, url: str, run_id: int, most: int = 2**20) -> dict[str, dict[str, float]]:
    """Seconds and peak memory (MiB) of `detect`, and of `publish` after it, in a process of their own.

    The memory is the process's own peak until then, what the program takes for itself included. Of what the program works
    on some thousands at once, it works on `most` at once.
    """
    done = subprocess.run(
        [
            *(sys.executable, "-c", _CHILD, url, str(place.lake.root), str(place.registry.root)),
            *(str(place.sources), str(run_id), str(most)),
        ],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, nargs="+", default=[25_000, 100_000])
    parser.add_argument("--published", type=int, default=20_000, help="publish.anomalies of the source")
    parser.add_argument("--buckets", type=int, default=16, help="sessions.buckets of the source")
    given = parser.parse_args()
    with workplace() as place, tempfile.TemporaryDirectory() as folder:
        trained = Path(folder)
        truth = simulate.write(
            trained, days=TRAINED + 1, start=FIRST, sessions_per_day=120, anomalies_per_day=0, seed=7
        )
        place.sources.mkdir(exist_ok=True)
        yaml = (
            simulate.source_yaml(truth.raw)
            .replace("days: 7", f"days: {TRAINED}")
            .replace("buckets: 4", f"buckets: {given.buckets}")
        )
        publishing = f"publish: {{anomalies: {given.published}}}\n"
        (place.sources / "sample.yaml").write_text(yaml + "model: {epochs: 2}\n" + publishing)
        run_training(place, "sample", FIRST + timedelta(days=TRAINED - 1), run_key="train", rule="yes")
        day = FIRST + timedelta(days=TRAINED)
        run_day(place, "sample", day, run_key="day")
        url = place.engine.url.render_as_string(hide_password=False)
        for sessions in given.sessions:
            run = _last_run(place)
            flood(place, run, sessions)
            said = measured(place, url, run)
            with place.engine.connect() as connection:
                told = connection.exec_driver_sql(
                    "SELECT message FROM bi.stages WHERE stage = 'detect' ORDER BY started_at DESC LIMIT 1"
                ).scalar()
            print(f"{sessions:,} sessions: {told}")
            for name, figures in said.items():
                print(
                    f"  {name:<8} {figures['seconds']:7.1f} s ({figures['cpu_seconds']:.1f} s of CPU)  peak {figures['peak_mb']:6,.0f} MiB",
                    flush=True,
                )


def _last_run(place: Workplace) -> int:
    with place.engine.connect() as connection:
        return int(
            connection.exec_driver_sql(
                "SELECT max(run_id) FROM deeplog.runs WHERE kind = 'daily'"
            ).scalar_one()
        )


if __name__ == "__main__":
    main()
