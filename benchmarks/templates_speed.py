"""How fast messages become keys and parameters, beside drain3 line by line.

    python -m benchmarks.templates_speed [RAW_FOLDER] [--messages 1000000] [--peer 30000] [--rounds 5]
    python -m benchmarks.templates_speed --systems [--messages 100000] [--peer 5000]

RAW_FOLDER holds raw HDFS lines (dt=*/*.log). Without it, lines of that shape are drawn: the real order of
events does not matter here. `--systems` takes the messages of each system of benchmarks/template_quality.py, over
and over with every digit drawn anew, so that templates and shapes are real and no value comes twice.

Both sides see the same messages, in turn: ours finds what is unmatched, mines it and parses all with parameters;
the peer feeds each line to drain3's TemplateMiner and extracts its parameters, as it comes and with five masks.
Medians of the rounds.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

from benchmarks import template_quality
from deeplog_ops import config
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.mining import mine
from deeplog_ops.templates.parsing import MessageParser

HEADER = r"^\d{6} \d{6} \d+ \w+ [\w.$]+: (.*)$"
FIVE_MASKS = [
    MaskingInstruction(r"blk_-?\d+", "BLK"),
    MaskingInstruction(r"(?<![\w.])/?\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?", "IP"),
    MaskingInstruction(r"(?<=\s)/[\w./\-]+", "PATH"),
    MaskingInstruction(r"0x[0-9a-fA-F]+", "HEX"),
    MaskingInstruction(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])", "NUM"),
]
FORMS = (
    "Receiving block {block} src: /{host}:{port} dest: /{other}:50010",
    "PacketResponder {small} for block {block} terminating",
    "Received block {block} of size {size} from /{host}",
    "BLOCK* NameSystem.addStoredBlock: blockMap updated: {host}:50010 is added to {block} size {size}",
    "Verification succeeded for {block}",
    "{host}:50010 Served block {block} to /{other}",
    "BLOCK* NameSystem.delete: {block} is added to invalidSet of {host}:50010",
    "Deleting block {block} file /mnt/hadoop/dfs/data/current/subdir{small}/{block}",
)


def drawn(count: int) -> pl.Series:
    """Messages in the shape of HDFS's, no two alike."""
    rng = random.Random(0)

    def address() -> str:
        return f"10.{rng.randint(250, 251)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}"

    return pl.Series(
        "message",
        [
            rng.choice(FORMS).format(
                block=f"blk_{rng.randint(-(2**63), 2**63)}",
                host=address(),
                other=address(),
                port=rng.randint(1024, 65535),
                small=rng.randint(0, 63),
                size=rng.randint(1, 2**26),
            )
            for _ in range(count)
        ],
    )


def read(folder: Path, count: int) -> pl.Series:
    """The messages of raw lines, over again until there are enough."""
    lines = pl.concat(
        pl.read_csv(path, has_header=False, separator="\x01", quote_char=None, new_columns=["line"])
        for path in sorted(folder.glob("dt=*/*.log"))
    )["line"]
    messages = lines.str.extract(HEADER, 1).drop_nulls()
    return pl.concat([messages] * -(-count // len(messages))).head(count).rechunk()


@dataclass
class Watch:
    """Seconds by the clock and of CPU, since it was made. Where others use the machine, CPU is what compares."""

    def __post_init__(self) -> None:
        self.clock, self.cpu = time.perf_counter(), time.process_time()

    def rates(self, count: int) -> tuple[float, float]:
        return count / (time.perf_counter() - self.clock), count / (time.process_time() - self.cpu)


def ours(messages: pl.Series) -> tuple[tuple[float, float], int]:
    settings = config.Templates()
    parser = MessageParser(Catalogue(), settings)
    watch = Watch()
    parser = parser.with_templates(mine(parser.unmatched(messages).to_list(), settings))
    parsed = parser.parse(messages)
    rates = watch.rates(len(messages))
    assert parsed.num_rows == len(messages)
    return rates, len(parsed["key"].unique())


def peer(messages: list[str], masking: list[MaskingInstruction]) -> tuple[tuple[float, float], int]:
    settings = TemplateMinerConfig()
    settings.masking_instructions = masking
    miner = TemplateMiner(config=settings)
    watch = Watch()
    for message in messages:
        result = miner.add_log_message(message)
        miner.extract_parameters(result["template_mined"], message)
    return watch.rates(len(messages)), len(miner.drain.clusters)


def redrawn(messages: pl.Series, count: int) -> pl.Series:
    """Messages over again until there are enough, each digit of them drawn anew."""
    times = -(-count // len(messages))
    text = "\n".join(message.replace("\n", " ") for message in messages.to_list() * times)
    data = np.frombuffer(text.encode(), dtype=np.uint8).copy()
    digits = (data >= ord("0")) & (data <= ord("9"))
    data[digits] = np.random.default_rng(0).integers(ord("0"), ord("9") + 1, digits.sum())
    return pl.Series("message", data.tobytes().decode().split("\n")).head(count)


def compare(name: str, messages: pl.Series, peer_messages: int, rounds: int) -> None:
    """Print a row: messages a second, and how many times as fast as the peer, by the clock and by CPU."""
    lines = messages.head(peer_messages).to_list()
    sides = (lambda: ours(messages), lambda: peer(lines, []), lambda: peer(lines, FIVE_MASKS))
    rates = np.array([[side()[0] for side in sides] for _ in range(rounds)])  # (round, side, clock and CPU)
    ratios = np.median(rates[:, :1] / rates[:, 1:], axis=0)
    print(f"{name:10}" + "".join(f"{rate:12,.0f}" for rate in np.median(rates[:, 0], axis=0)), end="")
    print("".join(f"{clock:14.1f}{cpu:8.1f}" for clock, cpu in ratios), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--systems", action="store_true")
    parser.add_argument("--messages", type=int)
    parser.add_argument("--peer", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(f"{'':10}{'messages a second':^24}{'x drain3 as it comes':^22}{'x with five masks':^22}")
    print(f"{'':10}{'clock':>12}{'CPU':>12}" + f"{'clock':>14}{'CPU':>8}" * 2)
    if given.systems:
        for name, (messages, _) in template_quality.systems().items():
            compare(name, redrawn(messages, given.messages or 100_000), given.peer or 5_000, given.rounds)
        return
    count = given.messages or 1_000_000
    messages = read(given.folder, count) if given.folder else drawn(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first = ours(messages)[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    compare("HDFS", messages, given.peer or 30_000, given.rounds)
    print(f"first call: {first[0]:,.0f} by the clock, {first[1]:,.0f} of CPU")
    print(f"peak memory over the messages themselves: {(peak - before) / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
