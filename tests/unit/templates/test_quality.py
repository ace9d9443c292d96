"""Templates of real systems are what people say they are. Skipped where the labelled logs are not at hand."""

from __future__ import annotations

import pytest

from benchmarks import template_quality


@pytest.fixture(scope="module")
def found() -> template_quality.Scores:
    try:
        data = template_quality.systems()
    except SystemExit as absent:
        pytest.skip(str(absent))
    return template_quality.scores(data, template_quality.ours)


def test_grouping_is_right_on_average(found: template_quality.Scores) -> None:
    accuracy, f1 = template_quality.average(found)
    assert accuracy >= 0.95
    assert f1 >= 0.95


def test_grouping_is_right_on_every_system(found: template_quality.Scores) -> None:
    assert min(min(values) for values in found.values()) >= 0.85


def test_the_score_counts_exact_groups_only() -> None:
    assert template_quality.score("aabbc", "xxyyz") == (1.0, 1.0)
    assert template_quality.score("aabbb", "xxyyz") == (0.4, 0.4)
