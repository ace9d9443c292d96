"""What every step needs: the database, the lake, the registry and the folder of sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from deeplog_ops.config import SourceConfig
from deeplog_ops.config_files import load_source
from deeplog_ops.db import sources
from deeplog_ops.db.engine import connect
from deeplog_ops.db.migrate import require_current
from deeplog_ops.errors import ConfigError
from deeplog_ops.settings import Settings
from deeplog_ops.steps.usable import require_usable
from deeplog_ops.storage.lake import Lake
from deeplog_ops.storage.paths import open_path
from deeplog_ops.storage.registry import Registry


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Workplace:
    """Opened once a process. `now` is a function so that tests can choose the time."""

    engine: Engine
    lake: Lake
    registry: Registry
    sources: Path
    now: Callable[[], datetime] = field(default=_utc_now)

    @classmethod
    def open(cls, settings: Settings | None = None) -> Workplace:
        """Connect as the settings say. Raises SetupError, DatabaseUnavailable or DatabaseTooOld."""
        settings = settings or Settings.load()
        engine = connect(settings.database_url)
        require_current(engine)
        root = open_path(settings.lake, settings.lake_connection)
        return cls(engine, Lake(root / "lake"), Registry(root / "models"), settings.sources)

    def source(self, name: str) -> SourceConfig:
        """The configuration of a source by its present name."""
        path = self.sources / f"{name}.yaml"
        if not path.exists():
            known = ", ".join(sorted(found.stem for found in self.sources.glob("*.yaml"))) or "none yet"
            raise ConfigError(
                f"there is no source {name!r} in {self.sources}: known are {known}. `deeplog-ops source add` makes one"
            )
        source = load_source(path)
        require_usable(source, path)
        return source

    def registered(self, name: str) -> SourceConfig:
        """The configuration of a source that the database knows from now on, though it may never have run."""
        source = self.source(name)
        sources.register(self.engine, source.key, source.name, source.model_dump(mode="json"))
        return source
