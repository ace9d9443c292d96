"""Into an Airflow that somebody already runs: the wheel beside Airflow's own constraints, in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deeplog_ops.simulate import source_yaml

CHECKOUT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not UV.exists(), reason="needs uv beside this Python: make setup"),
]

_READ_DAGS = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors, "torch": "torch" in sys.modules}))
"""


@pytest.fixture(scope="module")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lock stands in for the constraints that Airflow publishes; drain3 is left out, as there."""
    lines = (CHECKOUT / "requirements.txt").read_text().splitlines()
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("\n".join(line for line in lines if not line.startswith("drain3")) + "\n")
    return path


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory, constraints: Path) -> Path:
    """An environment with Airflow in it, which knows nothing of deeplog-ops."""
    folder = tmp_path_factory.mktemp("theirs")
    environment = folder / "venv"
    run(sys.executable, "-m", "venv", environment)
    install(environment, constraints, "apache-airflow==3.3.2", "apache-airflow-providers-standard")
    return environment


@pytest.fixture(scope="module")
def installed(theirs: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """deeplog-ops in that environment, as docs/install-into-airflow.md says."""
    wheels = tmp_path_factory.mktemp("wheels")
    run(UV, "build", "--quiet", "--wheel", "--out-dir", wheels, CHECKOUT)
    (wheel,) = wheels.glob("*.whl")
    # torch by pip, which may be configured for a CPU build.
    run(theirs / "bin" / "python", "-m", "pip", "install", "--quiet", "torch", "--constraint", constraints)
    install(theirs, constraints, str(wheel), "apache-airflow-providers-postgres", "cachetools", "jsonpickle")
    run(UV, "pip", "install", "--quiet", "--python", theirs / "bin" / "python", "--no-deps", "drain3==0.9.11")
    return theirs


@pytest.fixture
def airflow_home(installed: Path, tmp_path: Path) -> Path:
    """Their AIRFLOW_HOME, with the DAG files that came with the wheel and one source."""
    home = tmp_path / "airflow"
    shutil.copytree(installed / "share" / "deeplog-ops" / "dags", home / "dags" / "deeplog")
    sources = home / "deeplog" / "sources"
    sources.mkdir(parents=True)
    (sources / "shop.yaml").write_text(source_yaml(tmp_path / "raw", "shop"))
    return home


def test_the_dags_of_a_source_import_beside_their_airflow_without_torch(
    installed: Path, airflow_home: Path
) -> None:
    told = run(installed / "bin" / "python", "-c", _READ_DAGS, airflow_home / "dags", home=airflow_home)
    found = json.loads(told.splitlines()[-1])
    assert found["errors"] == {}
    assert found["dags"] == [
        f"shop__{kind}" for kind in ("daily", "decode", "feedback", "maintenance", "train")
    ]
    assert not found["torch"], "parsing the DAG files imported torch"


def test_doctor_says_there_what_is_missing(installed: Path, airflow_home: Path) -> None:
    done = subprocess.run(
        [installed / "bin" / "deeplog-ops", "doctor"],
        env=environment(airflow_home),
        cwd=airflow_home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 9, done.stdout + done.stderr
    assert "drain3 extracts parameters: 0.9.11" in done.stdout
    assert "sources: shop" in done.stdout
    assert "no database is known: set DEEPLOG_DATABASE_URL" in done.stdout


def install(environment: Path, constraints: Path, *requirements: str) -> None:
    run(
        UV, "pip", "install", "--quiet", "--python", environment / "bin" / "python", "--constraint", constraints,
        *requirements,
    )  # fmt: skip


def run(*command: str | Path, home: Path | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env=environment(home) if home else None,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment(home: Path) -> dict[str, str]:
    """Nothing of this checkout's own."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "AIRFLOW_HOME": str(home)}
