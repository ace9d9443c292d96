"""The rooms keep to themselves: pure rooms know neither Airflow nor database nor storage."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "deeplog_ops"
PURE = (
    "formats",
    "templates",
    "sequences",
    "models",
    "detection",
    "workflows",
    "evaluation",
    "simulate",
    "keyed",
)
FORBIDDEN = (
    "airflow",
    "sqlalchemy",
    "psycopg2",
    "deeplog_ops.db",
    "deeplog_ops.storage",
    "deeplog_ops.steps",
)


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_imports_neither_airflow_nor_database_nor_storage(room: str) -> None:
    breaches = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for name in sorted(imports(path))
        if any(name == banned or name.startswith(banned + ".") for banned in FORBIDDEN)
    ]
    assert not breaches


@pytest.mark.parametrize(
    "module", ["deeplog_ops.config", "deeplog_ops.errors", "deeplog_ops.records", "deeplog_ops.cli.main"]
)
def test_what_dag_files_and_help_need_imports_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, {module}; "
        "heavy = {'torch', 'polars', 'pandas', 'pyarrow', 'sklearn', 'sqlalchemy', 'airflow', 'drain3'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nothing_in_the_package_loads_pickles() -> None:
    suspects = ("pickle", "joblib", "dill", "jsonpickle", "shelve")
    breaches = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for name in imports(path)
        if name.split(".")[0] in suspects
    ]
    assert not breaches
