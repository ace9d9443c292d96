"""What a stage says of itself."""

from __future__ import annotations

import subprocess
import sys

ASKED = """
import sys
from deeplog_ops.steps.stage import peak_memory_mb
before = peak_memory_mb()
held = b"x" * (150 * 2**20)
del held
print(before, peak_memory_mb())
"""


def test_peak_memory_is_the_programs_own_and_stays_when_what_was_held_is_gone() -> None:
    large = b"x" * (400 * 2**20)  # of the program before it, which getrusage would count
    told = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    before, after = map(int, told.stdout.split())
    assert len(large) > 0
    assert before < 350
    assert 140 <= after - before <= 160
