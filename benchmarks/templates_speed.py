"""How fast messages become keys and parameters, beside drain3 line by line.

    python benchmarks/templates_speed.py [RAW_FOLDER] [--messages 1000000] [--peer 30000]

RAW_FOLDER holds raw HDFS lines (dt=*/*.log). Without it, lines of that shape are drawn: the real order of
events does not matter here. Both sides see the same messages in the same run: ours finds what is unmatched, mines
it and parses all with parameters; the peer feeds each line to drain3's TemplateMiner and extracts its parameters.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--peer", type=int, default=30_000)
    arguments = parser.parse_args()
    count = arguments.messages
    messages = read(arguments.folder, count) if arguments.folder else drawn(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{'messages a second':32}{'by the clock':>14}{'of CPU':>12}  templates")
    for attempt in ("cold", "warm"):
        rates, templates = ours(messages)
        print(f"{'deeplog-ops, ' + attempt:32}{rates[0]:14,.0f}{rates[1]:12,.0f}{templates:11}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = messages.head(arguments.peer).to_list()
    for name, masking in (("as it comes", []), ("five masks", FIVE_MASKS)):
        slow, templates = peer(lines, masking)
        print(f"{'drain3 line by line, ' + name:32}{slow[0]:14,.0f}{slow[1]:12,.0f}{templates:11}", end="")
        print(
            f"  deeplog-ops is {rates[0] / slow[0]:.1f} times as fast by the clock, {rates[1] / slow[1]:.1f} by CPU"
        )
    print(f"peak memory over the messages themselves: {(peak - before) / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
