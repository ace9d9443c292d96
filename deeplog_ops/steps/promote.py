"""Make a version the champion, by rule or by hand. Days that run from now on use it; a backfill promotes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from deeplog_ops.config import SourceConfig
from deeplog_ops.db import models as model_rows
from deeplog_ops.errors import ConfigError
from deeplog_ops.steps.workplace import Workplace

RULES = ("auto", "yes", "no")
# A training that saw so much less than the champion's most likely missed its files.
_LEAST_SHARE = 0.2


@dataclass(frozen=True)
class Decision:
    promoted: bool
    reason: str


def promote(place: Workplace, source_name: str, version: str, *, rule: str = "yes", who: str) -> Decision:
    """Promote `version` if `rule` ("auto", "yes", "no") says so; the decision and its reason, kept in the audit."""
    source = place.registered(source_name)
    if rule not in RULES:
        raise ConfigError(f"promotion {rule!r} is none of {', '.join(RULES)}")
    if rule == "no":
        return Decision(False, f"{version} was registered; promotion was not asked for")
    champion = model_rows.champion(place.engine, source.key)
    if champion == version:
        return Decision(False, f"{version} is the champion already: the training gave the same version again")
    reason = "asked for by hand"
    if rule == "auto":
        fits, reason = _checks(place, source, version, champion)
        if not fits:
            return Decision(False, f"{version} was not promoted: {reason}")
    model_rows.promote(place.engine, source.key, version, who=who, why=reason)
    return Decision(True, f"{version} is the champion now: {reason}")


def revert(place: Workplace, source_name: str, *, who: str, why: str) -> str:
    """Back to the champion before this one; its version. ModelError if there is none."""
    source = place.registered(source_name)
    return model_rows.revert(place.engine, source.key, who=who, why=why)


def _checks(place: Workplace, source: SourceConfig, version: str, champion: str | None) -> tuple[bool, str]:
    new = place.registry.read(source.key, version)
    if champion is None:
        return True, "the first version"
    old = place.registry.read(source.key, champion)
    least = source.detection.least_sessions
    if new.warming_up(least) and not old.warming_up(least):
        return (
            False,
            f"it was trained on {new.training_sessions} sessions, too few for verdicts; the champion was not",
        )
    if new.last_day < old.last_day:
        return False, (
            f"its training days end on {new.last_day}, the champion's on {old.last_day}: promote it by hand if that is meant"
        )
    if new.training_sessions < _LEAST_SHARE * old.training_sessions:
        return False, (
            f"it was trained on {new.training_sessions} sessions, the champion on {old.training_sessions}: "
            "are files missing?"
        )
    return True, f"trained on {new.training_sessions} sessions, the checks passed"
