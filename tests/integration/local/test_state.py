"""What is kept between commands, and where settings come from."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from deeplog_ops import settings
from deeplog_ops.errors import SetupError
from deeplog_ops.local import platform, postgres, processes
from deeplog_ops.local.state import Home, Ports, State


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    return home


def nothing_set(monkeypatch: pytest.MonkeyPatch, home: Home | None) -> None:
    for name in (
        settings.DATABASE_VARIABLE,
        settings.LAKE_VARIABLE,
        settings.SOURCES_VARIABLE,
        "AIRFLOW_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AIRFLOW_CONN_DEEPLOG", raising=False)
    monkeypatch.setattr(settings, "_airflow_connection", lambda name: None)
    monkeypatch.setattr(settings, "_home", lambda: home)


def test_what_is_written_is_read_again(home: Home) -> None:
    state = State(ports=Ports(postgres=20_001, airflow=8080))
    home.write(state)
    assert home.read() == state


def test_two_states_share_no_secret() -> None:
    one, two = State().secrets, State().secrets
    assert not set(one.model_dump().values()) & set(two.model_dump().values())


def test_a_damaged_state_is_an_error_and_not_a_new_beginning(home: Home) -> None:
    home.state_file.write_text('{"ports": ')
    with pytest.raises(SetupError, match="is damaged"):
        home.read()


def test_two_commands_do_not_start_things_at_once(home: Home) -> None:
    with (
        home.locked(),
        pytest.raises(SetupError, match="another `up` or `down`"),
        Home(home.checkout).locked(),
    ):
        pass


def test_down_where_nothing_ran_says_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    platform.down(home)
    assert "nothing runs here" in capsys.readouterr().out


def test_a_task_that_outlived_its_scheduler_is_ended_and_a_stranger_is_not(
    home: Home, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    sleep = ["/bin/sleep", "60"]
    ours = processes.start(sleep, environment={}, log=log, mark=home.folder, cwd="/")
    strangers = processes.start(sleep, environment={}, log=log, mark=tmp_path / "elsewhere", cwd="/")
    try:
        platform.down(home)
        assert not ours.alive
        assert strangers.alive
    finally:
        os.kill(strangers.pid, signal.SIGKILL)
        psutil.wait_procs(
            [psutil.Process(strangers.pid)] if psutil.pid_exists(strangers.pid) else [], timeout=5
        )


def test_the_environment_comes_before_the_local_state(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_set(monkeypatch, home)
    home.write(State(ports=Ports(postgres=20_001)))
    monkeypatch.setenv(settings.DATABASE_VARIABLE, "postgres://me:secret@db:5432/logs")
    monkeypatch.setenv(settings.LAKE_VARIABLE, "s3://bucket/deeplog")
    found = settings.Settings.load()
    assert found.database_url == "postgresql+psycopg2://me:secret@db:5432/logs"
    assert found.lake == "s3://bucket/deeplog"
    assert found.sources == home.sources


def test_a_checkout_needs_no_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_set(monkeypatch, home)
    state = State(ports=Ports(postgres=20_001))
    home.write(state)
    found = settings.Settings.load()
    assert found.database_url == postgres.platform_url(state)
    assert found.lake == str(home.data)


def test_without_any_setting_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_set(monkeypatch, None)
    with pytest.raises(SetupError, match="set DEEPLOG_DATABASE_URL"):
        settings.Settings.load()
    monkeypatch.setenv(settings.DATABASE_VARIABLE, "postgresql://db/logs")
    with pytest.raises(SetupError, match="set DEEPLOG_LAKE"):
        settings.Settings.load()
    monkeypatch.setenv(settings.LAKE_VARIABLE, "/lake")
    with pytest.raises(SetupError, match="set DEEPLOG_SOURCES"):
        settings.Settings.load()
