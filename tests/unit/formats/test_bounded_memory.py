"""Memory is bounded by the block that is read at once, and not by the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.formats.read_endless import FORMATS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_eight_times_as_large_takes_no_more_memory(kind: str) -> None:
    def read(mebibytes: int) -> tuple[int, int]:
        command = [sys.executable, "-m", "tests.unit.formats.read_endless", kind, str(mebibytes)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        events, peak = done.stdout.split()
        return int(events), int(peak)

    (few, little), (many, large) = read(2), read(16)
    assert many > 7 * few
    assert large - little < 10, f"{little} MiB for {few} events, {large} MiB for {many}"
