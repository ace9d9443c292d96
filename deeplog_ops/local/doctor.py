"""Checks of an installation: what was found, and what to do about it. Changes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deeplog_ops.errors import DeeplogError
from deeplog_ops.settings import Settings, sources_folder

_LEAST_FREE = 2 * 2**30
_CLOCK_SECONDS = 120
# Without these nothing works; Airflow and the embedded database are needed in some installations only.
_NEEDED = (
    "drain3",
    "torch",
    "polars",
    "pyarrow",
    "pandas",
    "sqlalchemy",
    "psycopg2-binary",
    "pydantic",
    "safetensors",
)


@dataclass(frozen=True)
class Check:
    """One check. `found` is what is there; `advice` what to do when it is not `ok`."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def checks() -> list[Check]:
    """All checks, in the order in which faults should be mended. A check that breaks is a fault of its own."""
    results: list[Check] = []
    for name, check in _CHECKS:
        try:
            results += check()
        except DeeplogError as error:
            results.append(
                Check(name, False, str(error), "mend this first, then run `deeplog-ops doctor` again")
            )
        except Exception as error:
            results.append(
                Check(name, False, f"{type(error).__name__}: {error}", "this is unexpected: see above")
            )
    return results


def _python() -> list[Check]:
    found = sys.version.split()[0]
    return [
        Check(
            "Python",
            (3, 11) <= sys.version_info[:2] <= (3, 13),
            f"{found} ({sys.executable})",
            "use Python 3.11, 3.12 or 3.13: make clean; make setup PYTHON=/path/to/python3.12",
        )
    ]


def _packages() -> list[Check]:
    results = [_package(name) for name in _NEEDED]
    missing = [check for check in results if not check.ok]
    found = f"{len(results) - len(missing)} of {len(results)} needed packages are installed"
    return [
        *missing,
        *_against_lock(),
        Check("packages", not missing, found, missing[0].advice if missing else ""),
    ]


def _package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        how = "pip install --no-deps drain3==0.9.11" if name == "drain3" else f"pip install {name}"
        return Check(name, False, "is not installed", f"`make setup` in a checkout, else `{how}`")


def _against_lock() -> list[Check]:
    """In a checkout: what differs from requirements.txt. Elsewhere the surrounding Airflow's constraints hold."""
    from deeplog_ops.local.state import find_home

    home = find_home()
    if home is None or Path(sys.prefix).resolve() != (home.checkout / ".venv").resolve():
        return []
    from packaging.requirements import Requirement

    differing = []
    for line in (home.checkout / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pinned = Requirement(line)
        if pinned.marker is not None and not pinned.marker.evaluate():
            continue
        try:
            present = version(pinned.name)
        except PackageNotFoundError:
            differing.append(f"{pinned.name} is missing")
            continue
        if not pinned.specifier.contains(present.partition("+")[0], prereleases=True):
            differing.append(f"{pinned.name} is {present}, locked is {str(pinned.specifier)[2:]}")
    found = "as requirements.txt says" if not differing else "; ".join(differing[:5])
    return [
        Check("lock", not differing, found, "`touch requirements.txt; make setup` installs what is locked")
    ]


def _drain3() -> list[Check]:
    from drain3.template_miner import TemplateMiner

    able = hasattr(TemplateMiner, "extract_parameters")
    return [
        Check(
            "drain3 extracts parameters",
            able and version("drain3") == "0.9.11",
            version("drain3"),
            "pip fell back to an old one: pip install --no-deps drain3==0.9.11 'cachetools>=6' 'jsonpickle>=3'",
        )
    ]


def _torch() -> list[Check]:
    try:
        import torch
    except (ImportError, OSError) as error:
        return [
            Check(
                "torch imports",
                False,
                str(error).splitlines()[0],
                "pip install --force-reinstall torch==2.13.0",
            )
        ]
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
    return [Check("torch imports", True, f"{torch.__version__}, computes on {device}")]


def _airflow() -> list[Check]:
    try:
        found = version("apache-airflow-core")
    except PackageNotFoundError:
        return [Check("Airflow", True, "not installed here: the command line works without it")]
    major_minor = tuple(int(part) for part in found.split(".")[:2])
    return [
        Check(
            "Airflow",
            major_minor >= (3, 1),
            found,
            "the DAGs need Airflow 3.1 or later; 3.3.2 is what they are tested on",
        )
    ]


def _sources() -> list[Check]:
    from deeplog_ops.config_files import load_sources

    folder = sources_folder()
    if not folder.is_dir():
        return [
            Check(
                "sources",
                False,
                f"{folder} is not a folder",
                "make it, or set DEEPLOG_SOURCES; `deeplog-ops source add`",
            )
        ]
    sources, errors = load_sources(folder)
    names = ", ".join(source.name for source in sources) or "none yet: `deeplog-ops source add NAME PATH...`"
    return [
        *(
            Check(
                "source",
                False,
                str(error),
                f"mend the file; `deeplog-ops source check {Path(error.file or '').stem}` looks at it again",
            )
            for error in errors
        ),
        Check("sources", True, f"{names} (in {folder})"),
    ]


def _database_and_lake() -> list[Check]:
    settings = Settings.load()
    return [*_database(settings), *_lake(settings)]


def _database(settings: Settings) -> list[Check]:
    from sqlalchemy import text

    from deeplog_ops.db import migrate
    from deeplog_ops.db.engine import connect, shown

    engine = connect(settings.database_url)
    try:
        with engine.connect() as connection:
            server = connection.execute(text("SHOW server_version")).scalar_one()
        status = migrate.status(engine)
        schema = f"{len(status.applied)} migrations applied, {len(status.pending)} pending"
        return [
            Check("database", True, f"PostgreSQL {server} at {shown(engine.url)}"),
            Check("schema", status.current, schema, "deeplog-ops db migrate"),
        ]
    finally:
        engine.dispose()


def _lake(settings: Settings) -> list[Check]:
    from deeplog_ops.storage.paths import open_path

    root = open_path(settings.lake, settings.lake_connection)
    probe = root / f".doctor-{os.getpid()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except Exception as error:
        advice = "give this user the right to write there, or set DEEPLOG_LAKE to another place"
        return [Check("lake", False, f"{settings.lake} cannot be written: {error}", advice)]
    results = [Check("lake", True, f"{settings.lake} can be written")]
    if "://" not in settings.lake:
        free = shutil.disk_usage(settings.lake).free
        found = f"{free / 2**30:.1f} GiB free at {settings.lake}"
        results.append(
            Check("disk", free >= _LEAST_FREE, found, "make room, or shorten `retention` of the sources")
        )
    return results


def _running() -> list[Check]:
    """The local Airflow and PostgreSQL, where they were ever started."""
    from deeplog_ops.local import airflow, ports, postgres
    from deeplog_ops.local.state import find_home

    home = find_home()
    state = home.read() if home else None
    if home is None or state is None:
        return [Check("local Airflow", True, "never started here")]
    names = (postgres.NAME, *airflow.COMPONENTS)
    dead = [name for name in names if not state.alive(name)]
    if len(dead) == len(names):
        return [
            Check("local Airflow", True, "does not run: `deeplog-ops up` starts it"),
            *_ports_are_free(state.ports),
        ]
    silent = [part for part in airflow.HEALTH if part not in airflow.healthy(state)]
    told = ", ".join(dict.fromkeys([*dead, *(part.replace("_", "-") for part in silent)]))
    results = [
        Check(
            "local Airflow",
            not told,
            f"not well: {told}" if told else airflow.address(state),
            f"deeplog-ops up; logs are in {home.logs}",
        )
    ]
    if state.ports.airflow and ports.answers(state.ports.airflow) and not told:
        from deeplog_ops.local.airflow_api import AirflowApi

        errors = AirflowApi(state).import_errors()
        results += [
            Check("DAG file", False, f"{file}: {words}", "Airflow shows the whole traceback")
            for file, words in errors
        ]
        results.append(Check("DAG files", True, f"{len(errors)} import errors"))
    return results


def _ports_are_free(chosen: object) -> list[Check]:
    from deeplog_ops.local import ports

    return [
        Check(
            f"port of {name}",
            True,
            f"{port} is " + ("free" if ports.is_free(port) else "taken: `up` will choose another"),
        )
        for name, port in vars(chosen).items()
        if port
    ]


def _clock() -> list[Check]:
    from zoneinfo import ZoneInfo, available_timezones

    zones = len(available_timezones())
    ZoneInfo("Europe/Berlin")
    written = datetime.fromtimestamp(max(Path(__file__).stat().st_mtime, 0), UTC)
    sane = (datetime.now(UTC) - written).total_seconds() > -_CLOCK_SECONDS
    return [
        Check("zones", zones > 300, f"{zones} time zones known", "pip install tzdata"),
        Check(
            "clock",
            sane,
            f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
            "the clock stands before this program's own files: set it",
        ),
    ]


_CHECKS: tuple[tuple[str, Callable[[], list[Check]]], ...] = (
    ("Python", _python),
    ("packages", _packages),
    ("drain3", _drain3),
    ("torch", _torch),
    ("Airflow", _airflow),
    ("clock", _clock),
    ("sources", _sources),
    ("settings", _database_and_lake),
    ("local Airflow", _running),
)  # fmt: skip
