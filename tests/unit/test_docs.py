"""The pages under docs/ against the code they speak of."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from deeplog_ops.cli.main import cli
from deeplog_ops.formats import quarantine, records

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return script("generate")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_generated_parts_are_what_the_code_says(generate: ModuleType) -> None:
    old = [path.name for path, text in generate.pages().items() if path.read_text(encoding="utf-8") != text]
    assert not old, f"not current: {', '.join(old)}; run python docs/generate.py"


def test_the_tables_of_quality_are_those_of_the_runs() -> None:
    quality = script("quality")
    text = quality.PAGE.read_text(encoding="utf-8")
    assert text == quality.page(), "not current: run python docs/quality.py"
    assert quality.hdfs() in text
    assert f"| {quality.read('hdfs')['clean']['mean']:.3f} |" in quality.hdfs()


def test_every_setting_says_what_it_means(generate: ModuleType) -> None:
    rows = [line.split(" | ") for line in generate.settings().splitlines() if line.startswith("| `")]
    assert len(rows) == len(generate.setting_names())
    assert [row[0] for row in rows if not row[-1].strip(" |")] == []
    assert set(generate.MEANINGS) <= set(generate.setting_names())


def test_every_view_and_column_says_what_it_holds(generate: ModuleType) -> None:
    text = generate.tables()
    for file in generate.VIEWS.glob("*.sql"):
        assert f"### `bi.{file.stem.split('_', 1)[1]}`" in text
    assert not re.search(r"\| +\|$", text, re.MULTILINE)


def test_every_command_is_on_the_page(generate: ModuleType) -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    context = click.Context(cli, info_name="deeplog-ops")
    paths = [inner.command_path for _, inner in generate.walk(cli, context)]
    assert len(paths) > 15
    assert [path for path in paths if f"### `{path}`" not in text] == []


def test_every_reason_of_the_quarantine_is_explained() -> None:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    said = re.search(r"with a reason of\s+(.+?)\. A format", records.read_records.__doc__ or "", re.DOTALL)
    assert said is not None
    reasons = re.findall(r"\b([a-z]+(?:_[a-z]+)*)\b", re.sub(r"\(.*?\)", "", said[1], flags=re.DOTALL))
    assert len(reasons) >= 12
    assert [reason for reason in reasons if f"| `{reason}` |" not in text] == []
    assert f"{quarantine.ROWS_PER_REASON:,}" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    for target in targets:
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links {target}"
        if anchor:
            assert anchor in _anchors(file), f"{page.name} links {target}"


def _anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
