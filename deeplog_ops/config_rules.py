"""Rules that several sources share: YAML files that `detection.rules_files` names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import Field, ValidationError

from deeplog_ops.config_detection import Rule
from deeplog_ops.config_types import Stage
from deeplog_ops.config_yaml import config_error, line_at, parsed, text_of
from deeplog_ops.errors import ConfigError

if TYPE_CHECKING:
    from deeplog_ops.config import SourceConfig

SHIPPED = "shipped"  # stands for the rules that come with the program
_SHIPPED_FILE = Path(__file__).parent / "detection" / "rules_shipped.yaml"


class RulesFile(Stage):
    """A file of rules: `rules:` and a list of them, each as in a source's configuration."""

    rules: tuple[Rule, ...] = Field(default=())


def with_rules_of_files(config: SourceConfig, node: yaml.Node | None, path: Path) -> SourceConfig:
    """The configuration with the rules of its files among its own, so that a run pins what they were.

    A rule of the source stands for those of its name in files. ConfigError with file and line for a file that cannot
    be used, and for a name that two files give.
    """
    own = {rule.name for rule in config.detection.rules}
    shared: dict[str, tuple[str, Rule]] = {}
    for number, name in enumerate(config.detection.rules_files):
        location = ("detection", "rules_files", number)
        file = _SHIPPED_FILE if name == SHIPPED else path.parent / name
        if not file.is_file():
            raise ConfigError(
                f"detection.rules_files.{number}: there is no file {file}; accepted are YAML files with `rules:`, "
                f"beside this one or by absolute path, and `{SHIPPED}`",
                path,
                line_at(node, location),
            )
        for rule in read_rules(file):
            if rule.name in shared and rule.name not in own:
                raise ConfigError(
                    f"detection.rules_files.{number}: rule {rule.name} is in {shared[rule.name][0]} already: rename "
                    "one, or write a rule of that name in this file, which stands for both",
                    path,
                    line_at(node, location),
                )
            shared[rule.name] = (name, rule)
    rules = (*config.detection.rules, *(rule for _, rule in shared.values() if rule.name not in own))
    detection = config.detection.model_copy(update={"rules": rules})
    return config.model_copy(update={"detection": detection})


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file. ConfigError names the file and the line at fault."""
    node, data = parsed(text_of(path), path)
    if not isinstance(data, dict):
        raise ConfigError("holds no rules: expected `rules:` and below it `- name: ...`", path, 1)
    try:
        return RulesFile.model_validate(data).rules
    except ValidationError as error:
        raise config_error(error, node, path, RulesFile) from error
