"""`python -m benchmarks`: the measurements that need nothing but this checkout, one after the other."""

from __future__ import annotations

import subprocess
import sys

for module in ("benchmarks.raw_to_parquet", "benchmarks.template_quality"):
    print(f"== {module}", flush=True)
    subprocess.run([sys.executable, "-m", module], check=False)
