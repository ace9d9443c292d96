from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from deeplog_ops.config import SourceConfig
from deeplog_ops.config_files import load_source, load_sources
from deeplog_ops.errors import ConfigError

GOOD = """\
name: web
paths: /var/log/web/*.log
format: hdfs
reading:
  zone: Europe/Berlin
sessions:
  by: identifier
  pattern: 'req-(\\w+)'
  idle_timeout: 90m
"""


def written(folder: Path, text: str, name: str = "web") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def fault(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_source(written(folder, text))
    return caught.value


def test_a_good_configuration_is_read_with_its_defaults(tmp_path: Path) -> None:
    source = load_source(written(tmp_path, GOOD))
    assert source.key == "web"
    assert source.paths == ("/var/log/web/*.log",)
    assert source.sessions.idle_timeout == timedelta(minutes=90)
    assert source.sessions.lookback >= timedelta(hours=25, minutes=30)


def test_a_typo_is_named_with_its_line_and_the_setting_that_was_meant(tmp_path: Path) -> None:
    error = fault(tmp_path, GOOD.replace("idle_timeout", "idle_timout"))
    assert error.line == 9
    assert "sessions.idle_timout is not a setting; did you mean idle_timeout?" in str(error)
    assert str(tmp_path / "web.yaml") + ":9:" in str(error)


@pytest.mark.parametrize(
    ("wrong", "right", "line", "words"),
    [
        ("Europe/Berlin", "Europe/Brelin", 5, "is not a zone"),
        ("90m", "90 minuets", 9, "is not a duration: write a number and s, m, h, d or w"),
        ("name: web", "name: Web", 1, "name"),
        ("by: identifier", "by: telepathy", 7, "telepathy"),
        ("  pattern: 'req-(\\w+)'\n", "", 6, "need a pattern"),
        ("paths: /var/log/web/*.log\n", "", 1, "paths is missing"),
        ("paths: /var/log/web/*.log", "paths: [unclosed", 3, "is not YAML"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(
    tmp_path: Path, wrong: str, right: str, line: int, words: str
) -> None:
    error = fault(tmp_path, GOOD.replace(wrong, right))
    assert words in str(error)
    assert error.line == line


def test_all_faults_are_named_each_with_its_line(tmp_path: Path) -> None:
    error = fault(tmp_path, GOOD.replace("Europe/Berlin", "Europe/Brelin").replace("90m", "90 minuets"))
    assert error.line == 5
    assert "; line 9: sessions.idle_timeout: '90 minuets' is not a duration" in str(error)
    assert "found" not in str(error), "what was found is named once"


def test_a_file_with_another_name_than_its_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the two must agree"):
        load_source(written(tmp_path, GOOD, name="other"))


def test_one_broken_file_breaks_only_itself(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, "name: [", name="broken")
    sources, errors = load_sources(tmp_path)
    assert [source.name for source in sources] == ["web"]
    assert [Path(error.file or "").stem for error in errors] == ["broken"]


def test_an_empty_file_says_what_is_expected(tmp_path: Path) -> None:
    assert "expected `name:`" in str(fault(tmp_path, ""))


def test_a_configuration_survives_the_ledger(tmp_path: Path) -> None:
    source = load_source(written(tmp_path, GOOD))
    assert SourceConfig.model_validate_json(source.model_dump_json()) == source
