"""The frame around a stage: its row in the ledger, its time, its memory, its error."""

from __future__ import annotations

import logging
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from deeplog_ops.config import SourceConfig
from deeplog_ops.db import ledger
from deeplog_ops.errors import ModelError, OlderVersionError
from deeplog_ops.records import DayBounds, PartitionRef
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.lake import PartitionWriter
from deeplog_ops.storage.model_version import ModelVersion

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenRun:
    """A run as it was pinned when it began: its configuration, bounds and model version do not change under it."""

    place: Workplace
    run: ledger.Run
    source: SourceConfig

    @property
    def bounds(self) -> DayBounds:
        return self.run.bounds

    @classmethod
    def of(cls, place: Workplace, run_id: int) -> OpenRun:
        run = ledger.get_run(place.engine, run_id)
        return cls(place, run, SourceConfig.model_validate(run.config))

    @cached_property
    def version(self) -> ModelVersion | None:
        """The model version that the run pinned, read and checked once; None where there was none yet.

        A training starts anew where an earlier release wrote the champion: ids of templates stay, they are hashes.
        """
        if self.run.version is None:
            return None
        try:
            found = self.place.registry.read(self.source.key, self.run.version)
        except OlderVersionError as error:
            if self.run.kind != "train":
                raise
            log.warning("%s: this training starts with a catalogue of its own", error)
            return None
        if found.source_key != self.source.key:
            raise ModelError(
                f"version {self.run.version} belongs to {found.source_key}, not to {self.source.key}"
            )
        return found

    def partition(self, stage: str) -> PartitionRef:
        """What an earlier stage of this run committed. LakeError names the stage to run first."""
        return ledger.partition(self.place.engine, self.run.run_id, stage)


@dataclass
class StageLog:
    """What a stage says of itself while it runs; the frame writes it to the ledger at the end."""

    attempt: int
    rows: int = 0
    bytes: int = 0
    message: str | None = None


@contextmanager
def stage(opened: OpenRun, name: str) -> Iterator[StageLog]:
    """Record the start, the end, and a failure with its message, of one stage of a run."""
    engine, run_id = opened.place.engine, opened.run.run_id
    attempt = ledger.stage_started(engine, run_id, name)
    record = StageLog(attempt)
    began = time.monotonic()
    log.info("run %s, %s of %s %s: attempt %s", run_id, name, opened.source.name, opened.run.day, attempt)
    try:
        yield record
    except BaseException as error:
        _finish(opened, name, record, "failed", time.monotonic() - began, f"{type(error).__name__}: {error}")
        raise
    seconds = time.monotonic() - began
    _finish(opened, name, record, "done", seconds, record.message)
    log.info("run %s, %s: %s rows in %.1f s. %s", run_id, name, record.rows, seconds, record.message or "")


def _finish(
    opened: OpenRun,
    name: str,
    record: StageLog,
    state: Literal["done", "failed"],
    seconds: float,
    message: str | None,
) -> None:
    ledger.stage_finished(
        opened.place.engine,
        opened.run.run_id,
        name,
        record.attempt,
        state=state,
        rows=record.rows,
        bytes=record.bytes,
        seconds=seconds,
        peak_memory_mb=peak_memory_mb(),
        message=message,
    )


def peak_memory_mb() -> int:
    """Largest resident memory of this program so far, in MiB.

    From the kernel's own account where there is one: `getrusage` also counts the program that this one was started from.
    """
    try:
        (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return int(peak) // 1024


def writer(opened: OpenRun, name: str, attempt: int) -> PartitionWriter:
    """Where one attempt of a stage writes. Live only once `commit` has named it in the ledger."""
    run = opened.run
    return opened.place.lake.attempt(opened.source.key, run.day, name, run.run_id, attempt)


def commit(opened: OpenRun, *parts: PartitionWriter) -> None:
    """Make what was written live, all of it or nothing."""
    ledger.commit_partition(opened.place.engine, *(part.ref for part in parts))
