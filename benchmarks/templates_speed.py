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
from pathlib import Path

import polars as pl
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

from deeplog_ops import config
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.mining import mine
from deeplog_ops.templates.parsing import MessageParser

HEADER = r"^\d{6} \d{6} \d+ \w+ [\w.$]+: (.*)$"
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


def ours(messages: pl.Series) -> tuple[float, int]:
    settings = config.Templates()
    parser = MessageParser(Catalogue(), settings)
    started = time.perf_counter()
    parser = parser.with_templates(mine(parser.unmatched(messages).to_list(), settings))
    parsed = parser.parse(messages)
    seconds = time.perf_counter() - started
    assert parsed.num_rows == len(messages)
    return len(messages) / seconds, len(parsed["key"].unique())


def peer(messages: list[str]) -> tuple[float, int]:
    miner = TemplateMiner(config=TemplateMinerConfig())
    started = time.perf_counter()
    for message in messages:
        result = miner.add_log_message(message)
        miner.extract_parameters(result["template_mined"], message)
    return len(messages) / (time.perf_counter() - started), len(miner.drain.clusters)


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
    for attempt in ("cold", "warm"):
        rate, templates = ours(messages)
        print(f"deeplog-ops, {attempt}:      {rate:12,.0f} messages a second, {templates} templates")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slow, templates = peer(messages.head(arguments.peer).to_list())
    print(f"drain3 line by line:    {slow:12,.0f} messages a second, {templates} templates")
    print(f"ratio:                  {rate / slow:12.1f}")
    print(f"peak memory over the messages themselves: {(peak - before) / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
