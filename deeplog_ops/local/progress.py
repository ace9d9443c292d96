"""Progress in words: a line a step, with the seconds it took and the seconds it is meant to take."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Step:
    """One running step. `say` tells what it is at; the last words stand in the line that ends it."""

    def __init__(self) -> None:
        self.words = ""

    def say(self, words: str) -> None:
        self.words = words


class Steps:
    """Numbers the steps of a command. On a terminal the line of the running step is kept up to date."""

    def __init__(self, total: int, out: TextIO | None = None) -> None:
        self.total = total
        self.done = 0
        self.out = out or sys.stdout
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @contextmanager
    def step(self, title: str, budget: float) -> Iterator[Step]:
        """A step that should take at most `budget` seconds; longer is told, not punished."""
        self.done += 1
        step, began, ended = Step(), time.monotonic(), threading.Event()
        head = f"[{self.done:2}/{self.total}] {title} …"

        def line() -> str:
            words = f" ({step.words})" if step.words else ""
            return f"{head} {time.monotonic() - began:.0f} s of {budget:.0f} s{words}"

        live = self.out.isatty()
        ticker = threading.Thread(target=self._tick, args=(line, ended, live), daemon=True)
        ticker.start()
        failed = True
        try:
            yield step
            failed = False
        finally:
            ended.set()
            ticker.join()
            self._print(line() + (" — failed" if failed else ""), live)

    def _tick(self, line: object, ended: threading.Event, live: bool) -> None:
        assert callable(line)
        while not ended.wait(0.5 if live else 15):
            self._print(line(), live, end="" if live else "\n")

    def _print(self, text: str, live: bool, end: str = "\n") -> None:
        self.out.write(("\r\x1b[K" + text[: _width()] if live else text) + end)
        self.out.flush()


def _width() -> int:
    import shutil

    return max(40, shutil.get_terminal_size().columns - 1)
