"""Configurations from files: config/sources/NAME.yaml, with errors that name file and line.

Nothing here imports Airflow, torch or a data frame library: DAG files read it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from deeplog_ops.config import SourceConfig
from deeplog_ops.errors import ConfigError


def load_source(path: Path) -> SourceConfig:
    """Read one source's configuration; a ConfigError names the file and the line at fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", path) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 text: {error.reason} at byte {error.start}", path) from error
    return read_source(text, path)


def read_source(text: str, path: Path) -> SourceConfig:
    """The configuration in a text that stands, or is to stand, at `path`. Raises ConfigError as load_source does."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(
            f"is not YAML: {error.problem or error}", path, mark.line + 1 if mark else None
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"is not YAML: the character #x{error.character:04x} is not allowed", path, line
        ) from error
    if not isinstance(data, dict):
        raise ConfigError("holds no settings: expected `name:`, `paths:`, `format:` and so on", path, 1)
    try:
        config = SourceConfig.model_validate(data)
    except ValidationError as error:
        raise _config_error(error, node, path) from error
    if config.name != path.stem:
        raise ConfigError(
            f"is named {path.name} but its name is {config.name!r}: the two must agree",
            path,
            _line(node, ("name",)),
        )
    return config


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
    return _line(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), location)


def _config_error(error: ValidationError, node: yaml.Node | None, path: Path) -> ConfigError:
    """All that is wrong, so that a file is mended at once; the first fault gives the line."""
    faults = [(_line(node, _location(problem)), _in_words(problem)) for problem in error.errors()]
    line, message = faults[0]
    rest = [f"; line {number}: {words}" if number else f"; {words}" for number, words in faults[1:]]
    return ConfigError(message + "".join(rest), path, line)


def _location(problem: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(part for part in problem["loc"] if part not in ("str", "FormatSpec"))


def _in_words(problem: ErrorDetails) -> str:
    location = _location(problem)
    name = ".".join(str(part) for part in location) or "the configuration"
    if problem["type"] == "extra_forbidden":
        return f"{name} is not a setting{_nearest(location)}"
    if problem["type"] == "missing":
        return f"{name} is missing"
    found, words = repr(problem["input"]), problem["msg"].removeprefix("Value error, ")
    if isinstance(problem["input"], dict | list | tuple) or found in words:
        return f"{name}: {words}"
    return f"{name}: {words} (found {found})"


def _nearest(location: tuple[str | int, ...]) -> str:
    import difflib

    model: Any = SourceConfig
    for part in location[:-1]:
        field = getattr(model, "model_fields", {}).get(part)
        model = getattr(field, "annotation", None)
    accepted = sorted(getattr(model, "model_fields", {}))
    near = difflib.get_close_matches(str(location[-1]), accepted, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; accepted are {', '.join(accepted)}" if accepted else ""


def _line(node: yaml.Node | None, location: tuple[str | int, ...]) -> int | None:
    """The line (from 1) of a setting, or of the nearest enclosing one."""
    line = node.start_mark.line + 1 if node is not None else None
    for part in location:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                return line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
