"""Real logs that lie beside the checkout, where they do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data(*parts: str) -> Path:
    """A file or folder of DEEPLOG_SHARED_DATA, or of ../shared/data beside the checkout; skips the test without it."""
    repository = Path(__file__).resolve().parents[3]
    root = Path(os.environ.get("DEEPLOG_SHARED_DATA") or repository.parent / "shared" / "data")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path
