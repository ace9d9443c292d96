"""A real PostgreSQL for the tests: one server a session, an empty migrated database a test."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine, make_url, text

from deeplog_ops.db import engine as database
from deeplog_ops.db.migrate import migrate
from deeplog_ops.local import postgres
from deeplog_ops.local.state import Home, State

# The same examples each time, and no deadline: a busy machine is no fault of the code.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """An address with the right to create databases: DEEPLOG_TEST_DATABASE_URL, else a server of its own."""
    given = os.environ.get("DEEPLOG_TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Not below pytest's folder, which other users cannot reach: as root the server runs as another one.
    checkout = Path(tempfile.mkdtemp(prefix="deeplog-tests-"))
    checkout.chmod(0o711)
    home, state = Home(checkout), State()
    home.make()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(postgres.PORT_VARIABLE, raising=False)
            postgres.start(home, state)
        url = postgres.url(state, "postgres", "postgres", state.secrets.postgres)
        for setting in (
            "fsync",
            "full_page_writes",
            "synchronous_commit",
        ):  # nobody needs these data tomorrow
            _administer(url, f"ALTER SYSTEM SET {setting} = off")
        _administer(url, "SELECT pg_reload_conf()")
        yield url
    finally:
        postgres.stop(state)
        postgres.delete(home, state)
        shutil.rmtree(checkout, ignore_errors=True)


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
