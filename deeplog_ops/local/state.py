"""What runs locally, and where: one JSON file, readable by its owner alone, under `.local/` of a checkout.

.local/state.json   ports, processes, secrets        .local/logs/      a file a component, and Airflow's task logs
.local/data/        the lake and the models          .local/airflow/   AIRFLOW_HOME
.local/postgres/    the cluster (elsewhere when root starts it and the other user cannot reach this folder)
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from deeplog_ops.errors import SetupError
from deeplog_ops.local.processes import Running


def _secret() -> str:
    return secrets.token_hex(32)


class Secrets(BaseModel):
    """Made on the spot; hexadecimal, so that they need no quoting in an address."""

    postgres: str = Field(default_factory=_secret)
    airflow_database: str = Field(default_factory=_secret)
    deeplog: str = Field(default_factory=_secret)
    reader: str = Field(default_factory=lambda: secrets.token_hex(8))
    admin: str = Field(default_factory=lambda: secrets.token_hex(8))
    jwt: str = Field(default_factory=_secret)
    session: str = Field(default_factory=_secret)
    fernet: str = Field(default_factory=lambda: _fernet_key())


class Ports(BaseModel):
    postgres: int | None = None
    airflow: int | None = None


class State(BaseModel):
    """What is kept between commands."""

    ports: Ports = Field(default_factory=Ports)
    secrets: Secrets = Field(default_factory=Secrets)
    processes: dict[str, Running] = Field(default_factory=dict)
    postgres_folder: str | None = None
    airflow_migrated: str | None = Field(
        default=None, description="the Airflow version whose schema the metadata has"
    )

    def alive(self, *names: str) -> bool:
        return all(name in self.processes and self.processes[name].alive for name in names)


@dataclass(frozen=True)
class Home:
    """The state folder of one checkout."""

    checkout: Path

    @property
    def folder(self) -> Path:
        return self.checkout / ".local"

    @property
    def state_file(self) -> Path:
        return self.folder / "state.json"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def airflow(self) -> Path:
        return self.folder / "airflow"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def sources(self) -> Path:
        return self.checkout / "config" / "sources"

    def make(self) -> None:
        """Make the folders. Others may pass through (the database's user must) but not list."""
        try:
            for folder in (self.folder, self.logs, self.airflow, self.data, self.sources):
                folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o711)
            for folder in (self.logs, self.airflow, self.data):
                folder.chmod(0o700)
        except OSError as error:
            raise SetupError(
                f"{error.filename or self.folder} cannot be made or changed: {error.strerror}. "
                f"deeplog-ops keeps what it starts under {self.folder}: run as the owner of that folder"
            ) from error

    def read(self) -> State | None:
        """The state, or None when nothing was ever started here. Raises SetupError when it cannot be read."""
        try:
            return State.model_validate_json(self.state_file.read_bytes())
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            return None
        except PermissionError as error:
            raise SetupError(
                f"{self.state_file} belongs to another user: run as that user, "
                "or set DEEPLOG_DATABASE_URL and DEEPLOG_LAKE"
            ) from error
        except ValidationError as error:
            raise SetupError(
                f"{self.state_file} is damaged ({error.errors()[0]['msg']}). It holds the passwords of the local "
                "database: restore it, or delete all local data with `make clean`"
            ) from error

    def write(self, state: State) -> None:
        """Replace the state whole, so that a reader never sees half of it."""
        new = self.state_file.with_suffix(".new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(state.model_dump_json(indent=2))
            new.replace(self.state_file)
        except OSError as error:
            raise SetupError(f"{self.state_file} cannot be written: {error.strerror}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One command at a time starts or stops things here. Raises SetupError when another does."""
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise SetupError(
                    "another `up` or `down` is at work in this checkout: wait until it has ended"
                ) from error
            yield


def find_home() -> Home | None:
    """The checkout this program runs from, or the one that the working directory lies in; None outside of any."""
    beside = Path(__file__).resolve().parents[2]
    for folder in (beside, *Path.cwd().resolve().parents, Path.cwd().resolve()):
        if (
            (folder / "pyproject.toml").is_file()
            and (folder / "dags").is_dir()
            and (folder / "deeplog_ops").is_dir()
        ):
            return Home(folder)
    return None


def require_home() -> Home:
    """The checkout. Raises SetupError outside of any."""
    home = find_home()
    if home is None:
        raise SetupError(
            "there is no checkout of deeplog-ops here: local PostgreSQL and Airflow are started from one. "
            "Change into it, or point DEEPLOG_DATABASE_URL and DEEPLOG_LAKE at what already runs"
        )
    return home


def _fernet_key() -> str:
    import base64

    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
