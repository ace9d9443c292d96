"""Where a network runs, and on how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from deeplog_ops.errors import ModelError


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
def one_thread() -> Iterator[None]:
    """Keep torch to one thread of the processor; what was set before comes back afterwards.

    Batches of so small a network hardly gain from a second thread, and lose twentyfold when another task has
    the core that it waits for. One thread also adds in one order, so that results do not depend on the cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
