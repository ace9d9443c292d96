"""Airflow of our own: configured by its environment alone, its four components started apart and watched by health."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from subprocess import run

from deeplog_ops.errors import SetupError
from deeplog_ops.local import ports, postgres, processes
from deeplog_ops.local.state import Home, State

PORT_VARIABLE = "DEEPLOG_AIRFLOW_PORT"
COMPONENTS = {
    "api-server": ["api-server"],
    # The API server reads task logs from the same disk: no server for logs, which would listen on every address.
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
# The names that /api/v2/monitor/health gives them.
HEALTH = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def address(state: State) -> str:
    return f"http://localhost:{state.ports.airflow}"


def environment(home: Home, state: State) -> dict[str, str]:
    """The whole configuration of a local Airflow, and what this program's tasks read."""
    cores = os.cpu_count() or 2
    api = f"http://{ports.HOST}:{state.ports.airflow}"
    metadata = postgres.url(state, "airflow", "airflow", state.secrets.airflow_database)
    # Someone's own Airflow settings in the shell must not leak into this one.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "PG"))}
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"])),
        "AIRFLOW_HOME": str(home.airflow),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(max(4, min(16, 2 * cores))),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home.checkout / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home.checkout / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__FERNET_KEY": state.secrets.fernet,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home.airflow / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata,
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__API__HOST": ports.HOST,
        "AIRFLOW__API__PORT": str(state.ports.airflow),
        "AIRFLOW__API__BASE_URL": address(state),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": state.secrets.session,
        "AIRFLOW__API_AUTH__JWT_SECRET": state.secrets.jwt,
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home.logs / "airflow"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_CONN_DEEPLOG": postgres.url(
            state, "deeplog", "deeplog", state.secrets.deeplog, "postgresql"
        ),
        "DEEPLOG_DATABASE_URL": postgres.platform_url(state),
        "DEEPLOG_LAKE": os.environ.get("DEEPLOG_LAKE") or str(home.data),
        "DEEPLOG_SOURCES": os.environ.get("DEEPLOG_SOURCES") or str(home.sources),
    }


def choose_port(state: State) -> None:
    """Keep the port of last time where it is free; raises SetupError for one asked for and taken."""
    state.ports.airflow = ports.choose(PORT_VARIABLE, last=state.ports.airflow, preferred=range(8080, 8100))


def migrate(home: Home, state: State) -> bool:
    """Bring the metadata to this Airflow's schema; False when it is there already."""
    present = version("apache-airflow")
    if state.airflow_migrated == present:
        return False
    log = home.logs / "airflow-migrate.log"
    with log.open("ab") as out:
        done = run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=environment(home, state),
            cwd=home.airflow,
            stdout=out,
            stderr=out,
            check=False,
        )
    if done.returncode != 0:
        raise SetupError(f"Airflow's metadata could not be migrated: {_last_line(log)} (all of it: {log})")
    state.airflow_migrated = present
    home.write(state)
    return True


def start(home: Home, state: State) -> list[str]:
    """Start the components that do not run; gives their names. `wait` says when they are ready."""
    missing = [name for name in COMPONENTS if not state.alive(name)]
    if not missing:
        return []
    if len(missing) == len(COMPONENTS):
        choose_port(state)
    passwords = home.airflow / "passwords.json"
    with os.fdopen(os.open(passwords, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({"admin": state.secrets.admin}, out)
    settings = environment(home, state)
    for name in missing:
        state.processes[name] = processes.start(
            [sys.executable, "-m", "airflow", *COMPONENTS[name]],
            environment=settings,
            log=home.logs / f"{name}.log",
            mark=home.folder,
            cwd=home.airflow,
        )
        home.write(state)
    return missing


def wait(
    home: Home,
    state: State,
    since: datetime | None = None,
    seconds: float = 120,
    note: Callable[[str], None] = lambda _: None,
) -> None:
    """Until every component is healthy, with a sign of life from `since` on: those of a run before do not count.

    Raises SetupError when one ends, or time runs out.
    """
    until = time.monotonic() + seconds
    while True:
        well = healthy(state, since)
        unhealthy = [name for name in HEALTH if name not in well]
        if not unhealthy:
            return
        for name in COMPONENTS:
            if not state.alive(name):
                log = home.logs / f"{name}.log"
                raise SetupError(f"Airflow's {name} ended at once: {_last_line(log)} (all of it: {log})")
        if time.monotonic() > until:
            raise SetupError(
                f"Airflow's {', '.join(unhealthy)} did not become healthy within {seconds:.0f} s: see {home.logs}"
            )
        note("waiting for " + ", ".join(unhealthy))
        time.sleep(0.25)


def healthy(state: State, since: datetime | None = None) -> list[str]:
    """The parts that Airflow itself calls healthy; none when it does not answer."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(
            f"http://{ports.HOST}:{state.ports.airflow}/api/v2/monitor/health", timeout=5
        ) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return []
    return [name for name in HEALTH if _is_healthy(name, health.get(name) or {}, since)]


def _is_healthy(name: str, told: dict[str, str], since: datetime | None) -> bool:
    beat = told.get(f"latest_{name}_heartbeat")
    late = since is not None and beat is not None and datetime.fromisoformat(beat) < since
    return told.get("status") == "healthy" and not late


def stop(home: Home, state: State, seconds: float = 20) -> list[str]:
    """Stop the components and what they left running; gives the names of those that ran."""
    names = [name for name in COMPONENTS if state.alive(name)]
    # Tasks write their titles over their environment, where their mark was: they are known by descent alone.
    tasks = processes.descendants(state.processes[name] for name in names)
    processes.stop([state.processes[name] for name in names], seconds=seconds)
    processes.stop(tasks, seconds=seconds)
    for name in COMPONENTS:
        state.processes.pop(name, None)
    return names


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
