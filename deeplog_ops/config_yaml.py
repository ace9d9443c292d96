"""YAML with its places: what a configuration's fault is, and the line it stands in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from deeplog_ops.errors import ConfigError


def text_of(path: Path) -> str:
    """The text of a file. ConfigError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", path) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 text: {error.reason} at byte {error.start}", path) from error


def parsed(text: str, path: Path) -> tuple[yaml.Node | None, Any]:
    """The text as nodes, which know their lines, and as plain data. ConfigError with the line where it is no YAML."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
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


def config_error(
    error: ValidationError, node: yaml.Node | None, path: Path, model: type[BaseModel]
) -> ConfigError:
    """All that is wrong, so that a file is mended at once; the first fault gives the line."""
    faults = [(line_at(node, _location(problem)), _in_words(problem, model)) for problem in error.errors()]
    line, message = faults[0]
    rest = [f"; line {number}: {words}" if number else f"; {words}" for number, words in faults[1:]]
    return ConfigError(message + "".join(rest), path, line)


def _location(problem: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(part for part in problem["loc"] if part not in ("str", "FormatSpec"))


def _in_words(problem: ErrorDetails, of: type[BaseModel]) -> str:
    location = _location(problem)
    name = ".".join(str(part) for part in location) or "the configuration"
    if problem["type"] == "extra_forbidden":
        return f"{name} is not a setting{_nearest(location, of)}"
    if problem["type"] == "missing":
        return f"{name} is missing"
    found, words = repr(problem["input"]), problem["msg"].removeprefix("Value error, ")
    if isinstance(problem["input"], dict | list | tuple) or found in words:
        return f"{name}: {words}"
    return f"{name}: {words} (found {found})"


def _nearest(location: tuple[str | int, ...], of: type[BaseModel]) -> str:
    import difflib

    model: Any = of
    for part in location[:-1]:
        if isinstance(part, int):
            model = next(iter(get_args(model)), None)
            continue
        field = getattr(model, "model_fields", {}).get(part)
        model = getattr(field, "annotation", None)
    accepted = sorted(getattr(model, "model_fields", {}))
    near = difflib.get_close_matches(str(location[-1]), accepted, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; accepted are {', '.join(accepted)}" if accepted else ""


def line_at(node: yaml.Node | None, location: tuple[str | int, ...]) -> int | None:
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
