"""Lines a second and peak memory from a raw file to a Parquet table of keys and parameters, beside drain3.

    python -m benchmarks.raw_to_parquet FILE [--format hdfs] [--peer-lines 60000] [--rounds 3]

The peer is drain3 0.9.11 as its documentation shows it: `add_log_message` and `extract_parameters` line by line, with
its usual five masks, on the first `--peer-lines` lines of the same file (it slows down with more). Both run in turn,
each in a process of its own, so that the ratio holds when the machine's speed drifts. FILE is a raw log; without one
the project's own generator writes a sample.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

PEER_MASKS = [
    (r"((?<=[^A-Za-z0-9])|^)(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))((?=[^A-Za-z0-9])|$)", "ID"),
    (r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)", "IP"),
    (r"((?<=[^A-Za-z0-9])|^)([0-9a-f]{6,} ?){3,}((?=[^A-Za-z0-9])|$)", "SEQ"),
    (r"((?<=[^A-Za-z0-9])|^)(0x[a-f0-9A-F]+)((?=[^A-Za-z0-9])|$)", "HEX"),
    (r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)", "NUM"),
]


def ours(file: Path, format_name: str | None) -> int:
    from deeplog_ops.steps.parse_file import parse_file

    with tempfile.TemporaryDirectory() as folder:
        return parse_file(
            str(file), Path(folder) / "events.parquet", format_name=format_name
        ).account.lines_read


def peer(file: Path, lines: int) -> int:
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in PEER_MASKS]
    miner = TemplateMiner(config=config)
    done = 0
    with file.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            # The header is cut off as cheaply as can be: four words and a colon, as in the HDFS log.
            message = line.rstrip("\n").split(": ", 1)[-1]
            found = miner.add_log_message(message)
            miner.extract_parameters(found["template_mined"], message)
            done += 1
            if done >= lines:
                break
    return done


def measured(which: str, file: Path, format_name: str | None, lines: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.raw_to_parquet", str(file), "--child", which]
    command += ["--format", format_name or "", "--peer-lines", str(lines)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def child(which: str, file: Path, format_name: str | None, lines: int) -> None:
    began = time.perf_counter()
    done = ours(file, format_name) if which == "ours" else peer(file, lines)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"lines": done, "seconds": seconds, "rate": done / seconds, "peak_mib": peak}))


def sample(folder: Path) -> Path:
    from deeplog_ops import simulate

    truth = simulate.write(folder, days=1, start=date(2026, 3, 2), sessions_per_day=20_000, per="day")
    return truth.files[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--format", default=None)
    parser.add_argument("--peer-lines", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=["ours", "peer"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.file, given.format or None, given.peer_lines)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = given.file or sample(Path(folder))
        rounds = [
            {which: measured(which, file, given.format, given.peer_lines) for which in ("ours", "peer")}
            for _ in range(given.rounds)
        ]
    for which, name in (("ours", "deeplog-ops parse"), ("peer", "drain3, line by line")):
        rates = [entry[which]["rate"] for entry in rounds]
        peaks = [entry[which]["peak_mib"] for entry in rounds]
        lines = int(rounds[0][which]["lines"])
        print(f"{name:<22} {lines:>10,} lines  {median(rates):>10,.0f} lines/s  peak {max(peaks):>6,.0f} MiB")
    ratios = [entry["ours"]["rate"] / entry["peer"]["rate"] for entry in rounds]
    print(
        f"ratio, round by round: {', '.join(f'{ratio:.1f}' for ratio in ratios)}; median {median(ratios):.1f}"
    )


if __name__ == "__main__":
    main()
