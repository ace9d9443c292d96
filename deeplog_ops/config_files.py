"""Configurations from files: config/sources/NAME.yaml, with errors that name file and line.

Nothing here imports Airflow, torch or a data frame library: DAG files read it.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from deeplog_ops.config import SourceConfig
from deeplog_ops.config_rules import with_rules_of_files
from deeplog_ops.config_yaml import config_error, line_at, parsed, text_of
from deeplog_ops.errors import ConfigError


def load_source(path: Path) -> SourceConfig:
    """Read one source's configuration; a ConfigError names the file and the line at fault."""
    return read_source(text_of(path), path)


def read_source(text: str, path: Path) -> SourceConfig:
    """The configuration in a text that stands, or is to stand, at `path`. Raises ConfigError as load_source does."""
    node, data = parsed(text, path)
    if not isinstance(data, dict):
        raise ConfigError("holds no settings: expected `name:`, `paths:`, `format:` and so on", path, 1)
    try:
        config = SourceConfig.model_validate(data)
    except ValidationError as error:
        raise config_error(error, node, path, SourceConfig) from error
    if config.name != path.stem:
        raise ConfigError(
            f"is named {path.name} but its name is {config.name!r}: the two must agree",
            path,
            line_at(node, ("name",)),
        )
    return with_rules_of_files(config, node, path)


def load_sources(folder: Path) -> tuple[list[SourceConfig], list[ConfigError]]:
    """All sources of a folder, by name, and the errors of those that cannot be used: one broken file breaks only itself."""
    sources: list[SourceConfig] = []
    errors: list[ConfigError] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            source = load_source(path)
            owner = next((one.name for one in sources if one.key == source.key), None)
            if owner is not None:
                raise taken(source.key, owner, path)
            sources.append(source)
        except ConfigError as error:
            errors.append(error)
    return sources, errors


def taken(key: str, owner: str, path: Path) -> ConfigError:
    """Two sources with one key would write the same tables."""
    return ConfigError(
        f"its key {key!r} is that of {owner}.yaml, and both would write the same tables: add a line `key:` with another one",
        path,
        line_of(path, ("key",)),
    )


def line_of(path: Path, location: tuple[str | int, ...]) -> int | None:
    """The line (from 1) of a setting in a file that loads."""
    return line_at(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), location)
