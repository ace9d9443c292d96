"""What is lost or risen on recent days decides: counted apart from what looks like the false alarm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deeplog_ops.db import models
from deeplog_ops.db.feedback import KeptSession
from deeplog_ops.db.learning import Spoken
from deeplog_ops.steps.feedback_checks import _anomalies, _normals
from deeplog_ops.steps.flagging import Flagging
from deeplog_ops.steps.recent_days import Compared, compare
from tests.integration.steps.conftest import SCORED_DAYS, Sample

A, B, C = SCORED_DAYS
FALSE = KeptSession(A, "false", 0, ("a", "b"), (None, None), ((), ()), ((), ()))


@pytest.fixture
def flagging(sample: Sample) -> Flagging:
    version = models.champion(sample.place.engine, "sample") or ""
    return Flagging(sample.place.registry.read("sample", version), sample.place.source("sample"))


def days(lost: dict[Any, Any], *spoken: tuple[Any, str, str]) -> Compared:
    told = [Spoken(day, session, fingerprint, None, True) for day, session, fingerprint in spoken]
    return Compared([A, B], passed=5000, flagged=9, lost=lost, spoken=told)


def test_only_what_looks_like_the_false_alarm_may_go_silent(flagging: Flagging) -> None:
    like = days(
        {(B, "same print"): ("x",), (B, "same counts"): ("b", "a"), (A, "false"): ("a", "b")},
        (A, "false", "f1"),
        (B, "same print", "f1"),
    )
    passed = _anomalies(flagging, like, [FALSE])
    assert passed.passed
    assert "6 are found still, 3 look like a false positive" in passed.words
    other = replace(
        like,
        lost={**like.lost, (B, "other"): ("x",)},
        spoken=[*like.spoken, Spoken(B, "other", "f2", None, True)],
    )
    failed = _anomalies(flagging, other, [FALSE])
    assert not failed.passed
    assert failed.words.endswith(f"and 1 that do not are lost: other of {B}")


@pytest.mark.parametrize(("risen", "passed"), [(0, True), (5, True), (6, False)])
def test_no_more_normal_sessions_are_flagged_than_the_budget_has(
    flagging: Flagging, risen: int, passed: bool
) -> None:
    check = _normals(flagging, flagging, replace(days({}), risen=risen))
    assert check.passed == passed
    assert f"of 5,000 of {A} to {B} {risen} (5 allowed)" in check.words


def test_days_judged_twice_by_one_version_differ_in_nothing(sample: Sample, flagging: Flagging) -> None:
    for day in (A, B):
        sample.run(day)
    found = compare(sample.place, flagging, flagging)
    assert sorted(found.days) == [A, B]
    assert (found.risen, found.lost) == (0, {})
    assert found.passed > 200
    assert found.flagged > 5
