"""Rules from files: which are taken, and what is said of those that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from deeplog_ops.config import SourceConfig
from deeplog_ops.config_files import load_source
from deeplog_ops.errors import ConfigError

SOURCE = "name: web\npaths: /var/log/web/*.log\nformat: hdfs\ndetection:\n"
BAD = "rules:\n  - name: bad\n    reason: It is bad\n    pattern: bad\n"


def source(folder: Path, detection: str) -> Path:
    path = folder / "web.yaml"
    path.write_text(SOURCE + detection)
    return path


def names(config: SourceConfig) -> list[str]:
    return [rule.name for rule in config.detection.rules]


def fault(folder: Path, detection: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_source(source(folder, detection))
    return caught.value


def test_rules_of_a_file_stand_beside_the_own_ones(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "rules.yaml").write_text(BAD)
    own = "  rules: [{name: own, reason: It is bad, words: [dead]}]\n"
    config = load_source(source(tmp_path, "  rules_files: more/rules.yaml\n" + own))
    assert names(config) == ["own", "bad"]
    assert SourceConfig.model_validate_json(config.model_dump_json()) == config, "a run pins them"


def test_shipped_rules_are_taken_by_name(tmp_path: Path) -> None:
    assert "out-of-memory" in names(load_source(source(tmp_path, "  rules_files: [shipped]\n")))


def test_no_rule_is_active_by_itself(tmp_path: Path) -> None:
    assert names(load_source(source(tmp_path, "  false_alarms: 0.001\n"))) == []


def test_an_own_rule_stands_for_those_of_its_name(tmp_path: Path) -> None:
    own = "  rules_files: [shipped]\n  rules: [{name: fatal, reason: Mine, level: alert}]\n"
    config = load_source(source(tmp_path, own))
    assert [rule.reason for rule in config.detection.rules if rule.name == "fatal"] == ["Mine"]


def test_a_file_that_is_missing_is_named_with_the_place_that_names_it(tmp_path: Path) -> None:
    error = fault(tmp_path, "  rules_files:\n    - nowhere.yaml\n")
    assert error.line == 6
    assert "there is no file" in str(error)
    assert "shipped" in str(error)


@pytest.mark.parametrize(
    ("wrong", "line", "words"),
    [
        (
            BAD.replace("pattern: bad", "patern: bad"),
            4,
            "rules.0.patern is not a setting; did you mean pattern?",
        ),
        (BAD.replace("pattern: bad", "pattern: '['"), 4, "is not a regular expression"),
        (
            BAD.replace("    pattern: bad\n", ""),
            2,
            "needs at least one of pattern, words, level and component",
        ),
        ("- name: bad\n", 1, "expected `rules:`"),
        ("rules: [", 1, "is not YAML"),
    ],
)
def test_a_fault_in_a_file_is_named_with_its_line(tmp_path: Path, wrong: str, line: int, words: str) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "rules.yaml").write_text(wrong)
    error = fault(tmp_path, "  rules_files: [r/rules.yaml]\n")
    assert words in str(error)
    assert error.line == line
    assert str(error.file).endswith("rules.yaml")


def test_two_files_do_not_give_one_name(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    for name in ("one", "two"):
        (tmp_path / "r" / f"{name}.yaml").write_text(BAD)
    error = fault(tmp_path, "  rules_files:\n    - r/one.yaml\n    - r/two.yaml\n")
    assert error.line == 7
    assert "rule bad is in r/one.yaml already" in str(error)


def test_a_source_gives_a_name_once(tmp_path: Path) -> None:
    twice = "  rules:\n    - {name: a, reason: x, words: [x]}\n    - {name: a, reason: y, words: [y]}\n"
    assert "a comes twice" in str(fault(tmp_path, twice))
