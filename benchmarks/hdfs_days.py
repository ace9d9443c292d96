"""Whole days of raw HDFS logs through every step, against labels: a smoke figure, since the days share their sessions.

    python -m benchmarks.hdfs_days FOLDER [--train-days 1]

FOLDER holds raw files below dt=YYYY-MM-DD/ and labels.csv (session,day,label: 1 is an anomaly). The database is an
embedded PostgreSQL of its own, thrown away at the end; DEEPLOG_TEST_DATABASE_URL names another. Printed are where every
line went, sessions across midnight, the seconds of each stage, and precision, recall and F1 over the sessions that
closed on the days after the training. The first `--train-days` days are learnt from; by default the sessions of these
days that are labelled anomalies are left out of a copy of the files first (the paper trains on normal execution), with
`--contaminated` they stay in.
"""

from __future__ import annotations

import argparse
import csv
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from deeplog_ops.db.engine import connect
from deeplog_ops.db.migrate import migrate
from deeplog_ops.steps import source_files
from deeplog_ops.steps.whole_runs import run_day, run_training
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.lake import Lake
from deeplog_ops.storage.paths import open_path
from deeplog_ops.storage.registry import Registry

BLOCK = re.compile(r"blk_-?\d+")


@contextmanager
def workplace() -> Iterator[Workplace]:
    """A platform without Airflow: a database, a lake and a registry that are gone afterwards."""
    from deeplog_ops.local import postgres
    from deeplog_ops.local.state import Home, State

    with tempfile.TemporaryDirectory(prefix="deeplog-bench-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        home = Home(root)
        home.make()
        state = home.read() or State()
        postgres.start(home, state)
        try:
            engine = connect(postgres.platform_url(state))
            migrate(engine)
            lake = open_path(str(root / "lake"))
            yield Workplace(engine, Lake(lake), Registry(lake / "models"), root / "sources")
            engine.dispose()
        finally:
            postgres.stop(state)
            postgres.delete(home, state)


def labelled(folder: Path) -> dict[str, bool]:
    with (folder / "labels.csv").open() as rows:
        return {row["session"]: row["label"] == "1" for row in csv.DictReader(rows)}


def judged(place: Workplace, first: date, last: date) -> tuple[set[str], set[str]]:
    """The sessions that the days judged, and those of them that are anomalies."""
    from deeplog_ops.db import ledger

    seen: set[str] = set()
    with place.engine.connect() as connection:
        runs = connection.execute(
            text("SELECT run_id FROM deeplog.days WHERE day BETWEEN :first AND :last AND run_id IS NOT NULL"),
            {"first": first, "last": last},
        ).scalars()
        for run in list(runs):
            for table in place.lake.read(
                ledger.partition(place.engine, run, "sessions"), ["session", "judged"]
            ):
                seen |= {row["session"] for row in table.to_pylist() if row["judged"]}
        found = set(connection.execute(text("SELECT session FROM deeplog.anomalies")).scalars())
    return seen, found


def stages(engine: Engine) -> str:
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT kind, stage, sum(seconds), max(peak_memory_mb) FROM deeplog.run_stages JOIN deeplog.runs "
                "USING (run_id) GROUP BY kind, stage ORDER BY kind, min(run_stages.started_at)"
            )
        )
        return "\n".join(
            f"  {kind:<6} {stage:<12} {seconds:6.1f} s  {peak:6.0f} MiB"
            for kind, stage, seconds, peak in rows
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train-days", type=int, default=1)
    parser.add_argument("--contaminated", action="store_true")
    parser.add_argument(
        "--false-alarms", type=float, default=0.001, help="detection.false_alarms of the source"
    )
    given = parser.parse_args()
    days = sorted(date.fromisoformat(path.name.removeprefix("dt=")) for path in given.folder.glob("dt=*"))
    trained = days[given.train_days - 1]
    with workplace() as place, tempfile.TemporaryDirectory() as copy:
        raw = given.folder
        if not given.contaminated:
            raw = without_anomalies(given.folder, Path(copy), trained)
        proposal = source_files.propose("hdfs", [str(raw / "dt=*" / "*")])
        budget = f"\ndetection: {{false_alarms: {given.false_alarms}}}\n"
        source_files.add(place.sources, "hdfs", proposal.text + budget)
        print(
            run_training(place, "hdfs", trained, run_key="train", days=given.train_days, rule="yes")[1].reason
        )
        for day in days:
            done = run_day(place, "hdfs", day, run_key=str(day))
            print(
                f"{day}: {done.state}, {done.events:,} events, {done.sessions_judged:,} sessions, {done.anomalies} anomalies"
            )
        report(place, raw, given.folder, trained + timedelta(days=1), days[-1])


def without_anomalies(folder: Path, copy: Path, until: date) -> Path:
    """A copy of the files without the lines of anomalous sessions that started up to a day."""
    with (folder / "labels.csv").open() as rows:
        doomed = {
            row["session"] for row in csv.DictReader(rows) if row["label"] == "1" and row["day"] <= str(until)
        }
    for path in sorted(folder.glob("dt=*/*.log")):
        target = copy / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        with path.open() as lines, target.open("w") as out:
            out.writelines(line for line in lines if (found := BLOCK.search(line)) and found[0] not in doomed)
    return copy


def report(place: Workplace, raw: Path, folder: Path, first: date, last: date) -> None:
    truth = labelled(folder)
    seen, found = judged(place, first, last)
    lines = sum(sum(1 for _ in path.open("rb")) for path in raw.glob("dt=*/*.log"))
    with place.engine.connect() as connection:
        events, joined = connection.execute(
            text(
                "SELECT sum(a.events), sum(a.joined) FROM deeplog.file_accounts a JOIN deeplog.days USING (run_id)"
            )
        ).one()
    print(f"lines in the files: {lines:,}; events and joined lines of the days: {events + joined:,}")
    tp = sum(truth[session] for session in found & seen)
    fp = len(found & seen) - tp
    positives = sum(truth[session] for session in seen)
    precision, recall = tp / max(tp + fp, 1), tp / max(positives, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    print(
        f"sessions judged {len(seen):,} of {len(truth):,}; anomalous {positives}; found {tp}, false alarms {fp}"
    )
    print(f"precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}")
    print(stages(place.engine))


if __name__ == "__main__":
    main()
