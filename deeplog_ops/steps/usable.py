"""Whether a configuration that loads can be used: its patterns, its format, its encoding, and whose its key is.

What config.py leaves open, because DAG files read it and need no data frame library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from deeplog_ops.config import SourceConfig
from deeplog_ops.config_files import line_of, load_source, taken
from deeplog_ops.errors import ConfigError, FormatError
from deeplog_ops.formats import catalog, encodings
from deeplog_ops.formats.engine import checked_pattern, engine_of

_Check = tuple[tuple[str | int, ...], Callable[[], object]]


def require_usable(source: SourceConfig, path: Path) -> None:
    """Raises a ConfigError with file and line for the first thing that cannot be used."""
    for location, check in _checks(source):
        try:
            check()
        except FormatError as error:
            raise ConfigError(str(error), path, line_of(path, location)) from error
    _require_own_key(source, path)


def _checks(source: SourceConfig) -> Iterator[_Check]:
    written_out = ("format",) if isinstance(source.format, str) else ("format", "pattern")
    yield written_out, lambda: engine_of(catalog.resolve(source.format))
    if source.reading.encoding.lower() != "auto":
        yield ("reading", "encoding"), lambda: encodings.normalised(source.reading.encoding)
    for number, rule in enumerate(source.reading.redact):
        yield _pattern(rule.pattern, "reading", "redact", number, "pattern")
    for number, mask in enumerate(source.templates.masks):
        yield _pattern(mask.pattern, "templates", "masks", number, "pattern")
    yield _pattern(source.reading.day_from_path, "reading", "day_from_path")
    yield _pattern(source.reading.year_from_path, "reading", "year_from_path")
    yield _pattern(source.sessions.pattern, "sessions", "pattern")


def _pattern(pattern: str | None, *location: str | int) -> _Check:
    name = ".".join(str(part) for part in location)
    return location, lambda: pattern is None or checked_pattern(pattern, name)


def _require_own_key(source: SourceConfig, path: Path) -> None:
    for other in sorted(path.parent.glob("*.yaml")):
        if other == path or source.key not in other.read_text(encoding="utf-8", errors="replace"):
            continue
        try:
            if load_source(other).key == source.key:
                raise taken(source.key, other.stem, path)
        except ConfigError as error:
            if error.file == str(path):
                raise
