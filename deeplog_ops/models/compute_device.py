"""Where a network runs, and on how many threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from deeplog_ops.errors import ModelError

MOST_THREADS = 4  # networks this small gain nothing from more, and other tasks share the machine


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """`auto` takes a GPU where there is one. ModelError when `cuda` is asked for and there is none."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ModelError(
            "model.device is cuda, but this machine shows no CUDA device: run the task on a GPU queue, "
            "or set device to auto or cpu"
        )
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


@contextmanager
def few_threads() -> Iterator[None]:
    """Use the cores this process may use, four at most; what was set before comes back afterwards."""
    before = torch.get_num_threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(min(MOST_THREADS, cores))
    try:
        yield
    finally:
        torch.set_num_threads(before)
