"""Processes that were started here, known again by process id and birth, and stopped by id.

A process id alone may meanwhile belong to somebody else, so its birth is kept with it. What a stopped leader leaves
behind in process groups of its own (running tasks do that) is found by a mark in its environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

MARK = "DEEPLOG_LOCAL_MARK"
"""Environment variable that every process started here carries; its value is the state folder."""


class Running(BaseModel):
    """A process, and its birth: two processes never share both."""

    model_config = ConfigDict(frozen=True)

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> Running:
        return cls(pid=pid, born=_birth(pid) or "gone")

    @property
    def alive(self) -> bool:
        return _birth(self.pid) == self.born


def start(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    log: Path,
    mark: Path,
    cwd: Path | str,
    user: str | None = None,
) -> Running:
    """Start a process apart from this one, as leader of its own session, writing into `log`."""
    identity = {} if user is None else {"user": user, "group": _group(user), "extra_groups": []}
    with log.open("ab") as out:
        process = subprocess.Popen(  # type: ignore[call-overload]
            [str(part) for part in command],
            env={**environment, MARK: str(mark)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            start_new_session=True,
            **identity,
        )
    return Running.of(process.pid)


def stop(processes: Iterable[Running], *, seconds: float, how: signal.Signals = signal.SIGTERM) -> None:
    """Ask the processes to end; those that have not after `seconds` are killed, with the group that they lead.

    Only leaders are asked: a worker of Airflow's scheduler that is ended from outside may die with the lock of the
    queue that the scheduler then waits for.
    """
    alive = [process for process in processes if process.alive]
    for signal_number in (how, signal.SIGKILL):
        for process in alive:
            _send(process, signal_number)
        alive = _still_alive(alive, seconds)
        if not alive:
            return


def descendants(leaders: Iterable[Running]) -> list[Running]:
    """What these processes have started, and what that has, as of now."""
    import psutil

    found: list[Running] = []
    for leader in leaders:
        try:
            found += [Running.of(child.pid) for child in psutil.Process(leader.pid).children(recursive=True)]
        except psutil.Error:
            continue
    return found


def stop_marked(mark: Path, *, seconds: float, spare: Running | None = None) -> None:
    """End what still carries the mark of this state folder: tasks whose scheduler is gone.

    `spare` and its children (the database and its backends) are left alone.
    """
    stop([Running.of(pid) for pid in _marked(mark, spare)], seconds=seconds)


def _send(process: Running, signal_number: signal.Signals) -> None:
    if not process.alive:
        return
    try:
        if signal_number == signal.SIGKILL and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal_number)
        else:
            os.kill(process.pid, signal_number)
    except ProcessLookupError:
        pass


def _still_alive(processes: list[Running], seconds: float) -> list[Running]:
    until = time.monotonic() + seconds
    while (alive := [process for process in processes if process.alive]) and time.monotonic() < until:
        time.sleep(0.05)
    return alive


def _marked(mark: Path, spare: Running | None) -> list[int]:
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if spare is not None and spare.pid in (process.pid, process.ppid()):
                continue
            if process.pid != os.getpid() and process.environ().get(MARK) == str(mark):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def _birth(pid: int) -> str | None:
    """When the process was born, in a form that a changed clock does not change; None when there is no such process."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return f"{process.create_time():.2f}"
        return f"{boot}/{fields[19]}"
    except psutil.Error:
        return None


def _group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid
