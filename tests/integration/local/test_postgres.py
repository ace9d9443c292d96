"""The embedded PostgreSQL: started, stopped, killed, started again."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from deeplog_ops.errors import SetupError
from deeplog_ops.local import ports, postgres, processes
from deeplog_ops.local.state import Home, State


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "checkout")
    home.make()
    yield home
    state = home.read() or State()
    postgres.stop(state)
    postgres.delete(home, state)


@pytest.fixture
def running(home: Home) -> State:
    state = State()
    assert postgres.start(home, state)
    return state


def query(address: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(address)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def owner(state: State) -> str:
    return postgres.url(state, "deeplog", "deeplog", state.secrets.deeplog, "postgresql")


def kill(state: State) -> None:
    server = psutil.Process(state.processes[postgres.NAME].pid)
    backends = server.children()
    server.send_signal(signal.SIGKILL)
    psutil.wait_procs([server, *backends], timeout=20)


def test_each_database_has_its_own_role_and_the_bi_login_reads_only_the_platforms(running: State) -> None:
    assert query(owner(running), "SELECT current_user, current_database()") == [("deeplog", "deeplog")]
    assert query(postgres.reader_url(running), "SELECT current_user") == [(postgres.BI_LOGIN,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(postgres.reader_url(running), "CREATE TABLE public.mine (a int)")
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        query(
            postgres.url(running, postgres.BI_LOGIN, "airflow", running.secrets.reader, "postgresql"),
            "SELECT 1",
        )


def test_nobody_comes_in_without_the_password(running: State) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(postgres.url(running, "deeplog", "deeplog", "guessed", "postgresql"), "SELECT 1")


def test_it_listens_on_this_machines_own_address_alone(running: State) -> None:
    server = psutil.Process(running.processes[postgres.NAME].pid)
    listening = [link for link in server.net_connections("all") if link.status == psutil.CONN_LISTEN]
    assert {link.laddr.ip for link in listening} == {"127.0.0.1"}
    assert not server.net_connections("unix")


def test_a_second_start_finds_it_running(home: Home, running: State) -> None:
    before = running.processes[postgres.NAME]
    assert not postgres.start(home, running)
    assert running.processes[postgres.NAME] == before


def test_data_is_there_again_after_a_stop_and_the_port_stays(home: Home, running: State) -> None:
    query(owner(running), "CREATE TABLE kept AS SELECT 42 AS a")
    port = running.ports.postgres
    postgres.stop(running)
    assert not ports.answers(port or 0)
    postgres.start(home, running)
    assert running.ports.postgres == port
    assert query(owner(running), "SELECT a FROM kept") == [(42,)]


def test_data_is_there_again_after_the_server_was_killed(home: Home, running: State) -> None:
    query(owner(running), "CREATE TABLE kept AS SELECT 42 AS a")
    kill(running)
    assert postgres.start(home, running)
    assert query(owner(running), "SELECT a FROM kept") == [(42,)]


def test_a_pid_file_whose_number_now_belongs_to_another_process_does_not_hinder(
    home: Home, running: State
) -> None:
    kill(running)
    cluster = Path(running.postgres_folder or "")
    file = cluster / "postmaster.pid"
    lines = file.read_text().splitlines()
    lines[0] = str(os.getppid())
    file.write_text("\n".join(lines) + "\n")
    assert postgres.start(home, running)
    assert running.processes[postgres.NAME].pid != os.getppid()


def test_a_server_whose_state_was_not_written_is_taken_over(home: Home, running: State) -> None:
    server = running.processes.pop(postgres.NAME)
    running.ports.postgres = None
    assert not postgres.start(home, running)
    assert running.processes[postgres.NAME] == server


def test_another_port_is_chosen_when_that_of_last_time_is_taken(home: Home, running: State) -> None:
    port = running.ports.postgres or 0
    postgres.stop(running)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((ports.HOST, port))
        other.listen()
        postgres.start(home, running)
    assert running.ports.postgres != port
    assert query(owner(running), "SELECT 1") == [(1,)]


def test_a_port_that_is_asked_for_and_taken_is_an_error_that_names_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind((ports.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv(postgres.PORT_VARIABLE, str(port))
        with pytest.raises(
            SetupError, match=f"port {port}, asked for by {postgres.PORT_VARIABLE}, is in use"
        ):
            postgres.start(home, State())


def test_a_full_disk_is_told_before_anything_is_written(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_NEEDED_BYTES", 2**62)
    with pytest.raises(SetupError, match="MiB free"):
        postgres.start(home, State())


def test_lost_passwords_are_told_and_the_data_is_left_alone(home: Home, running: State) -> None:
    postgres.stop(running)
    forgotten = State(postgres_folder=running.postgres_folder)
    with pytest.raises(SetupError, match="other passwords"):
        postgres.start(home, forgotten)
    postgres.stop(forgotten)
    postgres.start(home, running)
    assert query(owner(running), "SELECT 1") == [(1,)]


def test_two_checkouts_have_two_servers(home: Home, running: State, tmp_path: Path) -> None:
    other, state = Home(tmp_path / "other"), State()
    other.make()
    try:
        postgres.start(other, state)
        assert state.ports.postgres != running.ports.postgres
        assert state.postgres_folder != running.postgres_folder
    finally:
        postgres.stop(state)
        postgres.delete(other, state)


def test_a_process_that_took_over_a_recorded_number_is_not_stopped(running: State) -> None:
    server = running.processes[postgres.NAME]
    impostor = processes.Running(pid=server.pid, born="another time")
    assert not impostor.alive
    processes.stop([impostor], seconds=1)
    assert server.alive


def test_secrets_are_for_the_owner_alone(home: Home, running: State) -> None:
    assert stat.S_IMODE(home.state_file.stat().st_mode) == 0o600
    assert home.read() == running


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_root_has_another_user_run_it(running: State) -> None:
    assert psutil.Process(running.processes[postgres.NAME].pid).uids().real != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_folder_that_the_other_user_cannot_reach_is_not_opened_for_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home, state = Home(closed / "checkout"), State()
    home.make()
    try:
        postgres.start(home, state)
        assert (state.postgres_folder or "").startswith("/var/tmp/deeplog-ops-")
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        own = Path(state.postgres_folder or "").parent
    finally:
        postgres.stop(state)
        postgres.delete(home, state)
    assert not own.exists()
