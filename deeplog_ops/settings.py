"""Where this program finds its database, its lake and its sources.

Looked for in this order, each setting by itself:
    1. the environment      DEEPLOG_DATABASE_URL, DEEPLOG_LAKE, DEEPLOG_SOURCES
    2. Airflow connections  `deeplog` (Postgres; its extra may hold "lake") and `deeplog_lake` (an object store's
                            credentials), inside an Airflow process
    3. a checkout           what `deeplog-ops up` keeps in .local/, and config/sources
    4. AIRFLOW_HOME         deeplog/sources (sources alone)
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deeplog_ops.errors import SetupError

if TYPE_CHECKING:
    from deeplog_ops.local.state import Home

DATABASE_VARIABLE = "DEEPLOG_DATABASE_URL"
LAKE_VARIABLE = "DEEPLOG_LAKE"
SOURCES_VARIABLE = "DEEPLOG_SOURCES"
CONNECTION = "deeplog"
LAKE_CONNECTION = "deeplog_lake"


@dataclass(frozen=True)
class Settings:
    """`database_url`: an SQLAlchemy address. `lake`: a folder or an object store's URI. `sources`: a folder of YAML.

    `lake_connection` names the Airflow connection with the object store's credentials, if there is one.
    """

    database_url: str
    lake: str
    sources: Path
    lake_connection: str | None = None

    @classmethod
    def load(cls) -> Settings:
        """Raises SetupError saying what to set."""
        # Asking Airflow for a connection is a request to its API server: not when the environment says all.
        ask = not (os.environ.get(DATABASE_VARIABLE) and os.environ.get(LAKE_VARIABLE))
        connection = _airflow_connection(CONNECTION) if ask else None
        url = os.environ.get(DATABASE_VARIABLE) or (connection and connection.url) or _local_database()
        if not url:
            raise SetupError(
                f"no database is known: set {DATABASE_VARIABLE} (postgresql+psycopg2://user:password@host:5432/deeplog), "
                f"or make the Airflow connection `{CONNECTION}` of type Postgres, or run `deeplog-ops up` in a checkout"
            )
        root = _lake(connection)
        return cls(_with_driver(url), root, sources_folder(), _lake_connection(root))


@dataclass(frozen=True)
class _Connection:
    url: str
    lake: str | None


def _lake(connection: _Connection | None) -> str:
    """The lake's root: a folder or URI. Raises SetupError when none is known."""
    home = _home()
    found = os.environ.get(LAKE_VARIABLE) or (connection and connection.lake) or (home and str(home.data))
    if not found:
        raise SetupError(
            f"no lake is known: set {LAKE_VARIABLE} to a folder that every worker sees or to a URI such as "
            f's3://bucket/deeplog, or put {{"lake": "..."}} into the extra of the Airflow connection `{CONNECTION}`'
        )
    return found


def sources_folder() -> Path:
    """The folder of source configurations. Asks no connection: DAG files read it. Raises SetupError when none is known."""
    home = _home()
    if os.environ.get(SOURCES_VARIABLE):
        return Path(os.environ[SOURCES_VARIABLE])
    if home is not None:
        return home.sources
    if os.environ.get("AIRFLOW_HOME"):
        return Path(os.environ["AIRFLOW_HOME"]) / "deeplog" / "sources"
    raise SetupError(
        f"no folder of sources is known: set {SOURCES_VARIABLE} to the folder that holds NAME.yaml files"
    )


def _lake_connection(root: str) -> str | None:
    """The Airflow connection that opens an object store, where one is defined and this is an Airflow process."""
    if "://" not in root or root.startswith("file:"):
        return None
    return LAKE_CONNECTION if _airflow_connection(LAKE_CONNECTION) is not None else None


def _home() -> Home | None:
    from deeplog_ops.local.state import find_home

    return find_home()


def _local_database() -> str | None:
    from deeplog_ops.local import postgres

    home = _home()
    state = home.read() if home else None
    return postgres.platform_url(state) if state and state.ports.postgres else None


def _airflow_connection(name: str) -> _Connection | None:
    """A connection as Airflow's secrets backends give it; None outside of Airflow, or when there is none.

    Outside means that nothing imported Airflow yet: the command line does not wait seconds for it.
    """
    if "airflow.sdk" not in sys.modules and f"AIRFLOW_CONN_{name.upper()}" not in os.environ:
        return None
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowRuntimeError
    from sqlalchemy import URL

    try:
        found = Connection.get(name)
    except AirflowRuntimeError:
        return None
    extra = found.extra_dejson
    query = {"sslmode": str(extra["sslmode"])} if "sslmode" in extra else {}
    url = URL.create(
        "postgresql+psycopg2", found.login, found.password, found.host, found.port, found.schema, query
    ).render_as_string(hide_password=False)
    return _Connection(url, extra.get("lake"))


def _with_driver(url: str) -> str:
    """`postgres://` and `postgresql://` as people write them, with the driver that is installed."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg2{separator}{rest}" if scheme in ("postgres", "postgresql") else url
