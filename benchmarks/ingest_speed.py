"""Lines a second through the real ingest step, the same events written in each kind of format, beside a peer.

    python -m benchmarks.ingest_speed [KIND ...] [--lines 300000] [--rounds 3]

The step reads a raw file and writes the day's Parquet, with accounts in an embedded PostgreSQL that is thrown away
(benchmarks.hdfs_days). The peer does less and is what one would write oneself: `json.loads` or `csv.reader` on every
line of the same file, nothing kept; for other kinds there is none. Each measurement is a process of its own, in turns,
so that ratios hold when the machine's speed drifts; the processor's time counts all threads. `text` are the same events
as plain text (format `iso`).
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

DAY = date(2026, 3, 2)
_LEVELS = ("INFO", "INFO", "INFO", "WARN", "ERROR")
_LOGGERS = [f"shop.{name}" for name in ("orders", "stock", "mail", "pay", "web", "auth", "search", "cart")]


@dataclass(frozen=True)
class Event:
    """What is written, in whatever form."""

    time: datetime
    level: str
    logger: str
    message: str
    trace: str
    took: int

    @property
    def stamp(self) -> str:
        return f"{self.time:%Y-%m-%dT%H:%M:%S}.{self.time.microsecond // 1000:03d}Z"


def events(count: int) -> Iterator[Event]:
    chance = random.Random(7)
    start = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    step = timedelta(hours=23) / count
    for number in range(count):
        took = chance.randrange(500)
        yield Event(
            start + number * step,
            chance.choice(_LEVELS),
            chance.choice(_LOGGERS),
            f"order {chance.randrange(10**6)} of customer {chance.randrange(1000)} took {took} ms",
            f"{chance.getrandbits(64):016x}",
            took,
        )


def _object(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _ecs(event: Event) -> str:
    return _object(
        {
            "@timestamp": event.stamp, "log.level": event.level, "message": event.message, "ecs.version": "1.2.0",
            "service": {"name": "shop", "node": {"name": "shop-7"}}, "event": {"dataset": "shop.log"},
            "process": {"pid": 4711, "thread": {"name": "http-8080-3"}}, "log": {"logger": event.logger},
            "trace": {"id": event.trace}, "tags": ["eu", "blue"],
        }
    )  # fmt: skip


def _varied(event: Event) -> str:
    """One of eighty shapes: each statement adds fields of its own."""
    chance = event.took % 80
    own = {f"field_{chance}_{number}": number for number in range(1 + chance % 5)}
    return _object(
        {"time": event.stamp, "level": event.level, **own, "msg": event.message, "trace": event.trace}
    )


def _nested(event: Event) -> str:
    """Lists of objects, which are read line by line."""
    items = [{"sku": event.trace[:4], "count": event.took}, {"sku": event.trace[4:8], "count": 1}]
    return _object({"time": event.stamp, "level": event.level, "msg": event.message, "items": items})


@dataclass(frozen=True)
class Kind:
    """A way to write events: the format that reads it, and the peer that reads it too."""

    format: str
    line: Callable[[Event], str]
    peer: str = ""
    heading: str = ""


KINDS = {
    "text": Kind("iso", lambda event: f"{event.stamp} {event.level} {event.logger}: {event.message} trace={event.trace}"),
    "json, flat": Kind("ndjson", lambda event: _object(
        {"time": event.stamp, "level": event.level, "logger": event.logger, "msg": event.message, "trace": event.trace, "took": event.took}
    ), "json"),
    "json, ECS": Kind("ndjson", _ecs, "json"),
    "json, Docker": Kind("ndjson", lambda event: _object(
        {"log": f'{event.level} {event.logger}: "{event.message}"\n', "stream": "stdout", "time": event.stamp}
    ), "json"),
    "json, pino": Kind("ndjson", lambda event: _object(
        {"level": 30, "time": int(event.time.timestamp() * 1000), "pid": 17, "hostname": "web1",
         "req": {"id": event.trace, "url": f"/orders/{event.took}"}, "took": event.took / 1000, "msg": event.message}
    ), "json"),
    "json, 80 shapes": Kind("ndjson", _varied, "json"),
    "json, lists of objects": Kind("ndjson", _nested, "json"),
    "csv": Kind("csv", lambda event: f'{event.stamp},{event.level},{event.logger},"{event.message}, done",{event.trace}',
                "csv", "time,level,component,message,trace\n"),
    "csv, cells over lines": Kind("csv", lambda event: f'{event.stamp},{event.level},{event.logger},"{event.message}\nat ""shop""",{event.trace}',
                "csv", "time,level,component,message,trace\n"),
    "logfmt": Kind("logfmt", lambda event: f'ts={event.stamp} level={event.level} component={event.logger} msg="{event.message}" trace={event.trace} took={event.took}ms'),
}  # fmt: skip


def write(file: Path, kind: Kind, count: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(kind.heading)
        out.writelines(kind.line(event) + "\n" for event in events(count))


def peer(which: str, file: Path) -> int:
    with file.open(encoding="utf-8", newline="") as stream:
        rows: Iterable[object] = map(json.loads, stream) if which == "json" else csv.reader(stream)
        return sum(1 for _ in rows)


def ours(file: Path, kind: Kind, url: str) -> None:
    """The step alone."""
    from deeplog_ops.db.engine import connect
    from deeplog_ops.steps.begin import begin_day
    from deeplog_ops.steps.find_files import find_files
    from deeplog_ops.steps.ingest import ingest
    from deeplog_ops.steps.workplace import Workplace
    from deeplog_ops.storage.lake import Lake
    from deeplog_ops.storage.paths import open_path
    from deeplog_ops.storage.registry import Registry

    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        root, name = Path(folder), f"speed-{time.time_ns()}"
        (root / "sources").mkdir()
        (root / "sources" / f"{name}.yaml").write_text(
            f"name: {name}\npaths: ['{file}']\nformat: {kind.format}\nsessions: {{by: stream, width: 1h}}\n"
        )
        lake = open_path(str(root / "lake"))
        place = Workplace(
            connect(url), Lake(lake), Registry(lake / "models"), root / "sources",
            now=lambda: datetime(2026, 4, 1, tzinfo=UTC),
        )  # fmt: skip
        run_id = begin_day(place, name, DAY, "speed", trigger="cli")
        find_files(place, run_id)
        began, processor = time.perf_counter(), time.process_time()
        done = ingest(place, run_id).account
        seconds, processor = time.perf_counter() - began, time.process_time() - processor
        place.engine.dispose()
    assert done.quarantined == 0, done
    say(done.lines_read, seconds, processor, file)


def say(lines: int, seconds: float, processor: float, file: Path) -> None:
    from deeplog_ops.steps.stage import peak_memory_mb

    found = {"lines": lines / seconds, "bytes": file.stat().st_size / seconds, "peak": peak_memory_mb()}
    print(json.dumps(found | {"microseconds": processor / lines * 1e6}))


def child(name: str, which: str, file: Path, url: str) -> None:
    if which == "ours":
        ours(file, KINDS[name], url)
        return
    began, processor = time.perf_counter(), time.process_time()
    lines = peer(which, file)
    say(lines, time.perf_counter() - began, time.process_time() - processor, file)


def measured(name: str, which: str, file: Path, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.ingest_speed", name, "--child", which, str(file), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", help=", ".join(KINDS))
    parser.add_argument("--lines", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        which, file, url = given.child
        child(given.kinds[0], which, Path(file), url)
        return
    from benchmarks.hdfs_days import workplace

    with workplace() as place, tempfile.TemporaryDirectory() as folder:
        url = place.engine.url.render_as_string(hide_password=False)
        files = {name: Path(folder) / f"{number}.log" for number, name in enumerate(given.kinds or KINDS)}
        for name, file in files.items():
            write(file, KINDS[name], given.lines)
        found: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in files}
        for _ in range(given.rounds):
            for name, file in files.items():
                round_of = ["ours", *([KINDS[name].peer] if KINDS[name].peer else [])]
                found[name].append({which: measured(name, which, file, url) for which in round_of})
    print(
        f"{'':<24}{'lines/s':>10}{'MB/s':>8}{'CPU us/line':>13}{'peak MiB':>10}{'of text':>9}{'of its peer':>13}"
    )
    for name, rounds in found.items():
        mine = [one["ours"]["lines"] for one in rounds]
        ratio = f"{'':>13}"
        if KINDS[name].peer:
            ratio = (
                f"{median(one['ours']['bytes'] / one[KINDS[name].peer]['bytes'] for one in rounds):>13.2f}"
            )
        texts = [one["ours"]["lines"] for one in found.get("text", [])]
        of_text = f"{median(a / b for a, b in zip(mine, texts, strict=True)):>9.2f}" if texts else f"{'':>9}"
        rate = median(one["ours"]["bytes"] for one in rounds) / 1e6
        processor = median(one["ours"]["microseconds"] for one in rounds)
        peak = max(one["ours"]["peak"] for one in rounds)
        print(f"{name:<24}{median(mine):>10,.0f}{rate:>8.1f}{processor:>13.2f}{peak:>10,.0f}{of_text}{ratio}")


if __name__ == "__main__":
    main()
