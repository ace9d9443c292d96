"""`up`, `down` and `status`: everything that runs locally, together."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from deeplog_ops.local import airflow, postgres, processes
from deeplog_ops.local.progress import Steps
from deeplog_ops.local.state import Home, State, require_home


@dataclass(frozen=True)
class Started:
    """What a person needs to use what runs."""

    home: Home
    state: State

    def lines(self) -> list[str]:
        """Addresses and passwords, a line each."""
        return [
            f"Airflow       {airflow.address(self.state)}   user admin, password {self.state.secrets.admin}",
            f"BI, psql      psql '{postgres.reader_url(self.state)}'",
            f"SQLAlchemy    {postgres.reader_url(self.state, 'postgresql+psycopg2')}   (may read, nothing else)",
            f"logs          {self.home.logs}",
        ]


def up(home: Home | None = None, steps: Steps | None = None, out: TextIO | None = None) -> Started:
    """Start what does not run yet, bring schemas up to date, and wait until all is healthy. Raises SetupError."""
    home = home or require_home()
    home.make()
    with home.locked():
        state = home.read() or State()
        if _all_run(state):
            (out or sys.stdout).write("PostgreSQL and Airflow run already\n")
        steps = steps or Steps(UP_STEPS, out)
        _start(home, state, steps)
    return Started(home, state)


UP_STEPS = 3


def _start(home: Home, state: State, steps: Steps) -> None:
    from deeplog_ops.db.engine import connect
    from deeplog_ops.db.migrate import migrate

    with steps.step("PostgreSQL", 10) as step:
        step.say("started" if postgres.start(home, state) else "runs already")
    with steps.step("schemas", 20) as step:
        if state.ports.airflow is None:
            airflow.choose_port(state)
        fresh = airflow.migrate(home, state)
        applied = migrate(connect(postgres.platform_url(state)))
        step.say(f"{len(applied)} migrations applied" if applied or fresh else "up to date")
    with steps.step("Airflow", 40) as step:
        if state.alive(*airflow.COMPONENTS) and not airflow.healthy(state):
            step.say("runs, but does not answer")
        now = datetime.now(UTC)
        started = airflow.start(home, state)
        airflow.wait(home, state, since=now if started else None, note=step.say)
        step.say(f"{', '.join(started)} started" if started else "runs already")


def _all_run(state: State) -> bool:
    return state.alive(postgres.NAME, *airflow.COMPONENTS)


def down(home: Home | None = None, delete_data: bool = False, out: TextIO | None = None) -> None:
    """Stop everything that `up` started here; data stays unless `delete_data`."""
    home = home or require_home()
    out = out or sys.stdout
    if not home.folder.is_dir():
        out.write("nothing runs here\n")
        return
    with home.locked():
        state = home.read() or State()
        names = [name for name in state.processes if state.alive(name)]
        airflow.stop(home, state)
        # Tasks lead process groups of their own. The database goes last: they may still write.
        processes.stop_marked(home.folder, seconds=10, spare=state.processes.get(postgres.NAME))
        postgres.stop(state)
        if delete_data:
            postgres.delete(home, state)
            shutil.rmtree(home.folder, ignore_errors=True)
        else:
            home.write(state)
    out.write(f"stopped {', '.join(names)}\n" if names else "nothing runs here\n")
    if delete_data:
        out.write(f"deleted {home.folder}\n")


def status(home: Home | None = None, out: TextIO | None = None) -> bool:
    """Print what runs; True when everything does."""
    home = home or require_home()
    out = out or sys.stdout
    state = home.read()
    if state is None:
        out.write("nothing was ever started here: `deeplog-ops up`\n")
        return False
    healthy = airflow.healthy(state)
    for name in (postgres.NAME, *airflow.COMPONENTS):
        running = state.processes.get(name)
        alive = running is not None and running.alive
        words = f"runs (process {running.pid})" if running is not None and alive else "does not run"
        if alive and name in airflow.COMPONENTS and name.replace("-", "_") not in (*healthy, "api_server"):
            words += ", not healthy"
        out.write(f"{name:14}{words}\n")
    if _all_run(state):
        out.writelines(f"{line}\n" for line in Started(home, state).lines())
        return True
    out.write("start it with `deeplog-ops up`\n")
    return False
