"""The online update (DeepLog, section 3.3): the champion learns what people called false alarms, between trainings."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from deeplog_ops.config import SourceConfig
from deeplog_ops.db import feedback, learning, ledger
from deeplog_ops.db import models as model_rows
from deeplog_ops.db.feedback import KeptSession
from deeplog_ops.db.feedback_findings import KeptRate, said_rates
from deeplog_ops.db.runs import Run
from deeplog_ops.db.training_doubts import doubts_of, hand_on_doubts
from deeplog_ops.errors import ConfigError
from deeplog_ops.records import DayBounds
from deeplog_ops.steps.feedback_checks import Check, checks, rates_check
from deeplog_ops.steps.feedback_version import updated_version
from deeplog_ops.steps.fit_rates import PART as RATES
from deeplog_ops.steps.fit_workflows import publish_workflows
from deeplog_ops.steps.learnt import learnt_by, name_of, with_their_templates
from deeplog_ops.steps.promote import RULES, Decision
from deeplog_ops.steps.say import keep_what_was_said
from deeplog_ops.steps.stage import OpenRun, stage
from deeplog_ops.steps.vouched_rates import learnt_rates, with_normal_rates
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.templates.catalogue import Catalogue

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Updated:
    """What an update did: the version it made (None: none), what that learnt, how it did in the checks, and whether it
    is the champion now, with the reason in words."""

    version: str | None
    champion: str | None
    learnt: int
    checks: tuple[Check, ...]
    promoted: bool
    reason: str


def update(
    place: Workplace,
    source_name: str,
    *,
    who: str,
    run_key: str,
    trigger: str = "cli",
    rule: str | None = None,
) -> Updated:
    """Make a version of the champion that learnt the false positives said since, check it, and promote it or not.

    `rule` is auto (if the checks pass; the source's `training.promote` by default), yes or no. Does nothing where there
    is nothing new, and while a training is under way, which learns it all. The same verdicts give the same version.
    """
    source = place.registered(source_name)
    rule = rule or source.training.promote
    if rule not in RULES:
        raise ConfigError(f"promotion {rule!r} is none of {', '.join(RULES)}")
    with learning.learning(place.engine, source.key):
        learning.close_dead_updates(place.engine, source.key)
        training = learning.training_under_way(place.engine, source.key, source.training.timeout)
        if training is not None:
            return _nothing(
                place,
                source,
                f"a training is under way (run {training.run_id}, heard of at {training.heard_at:%Y-%m-%d %H:%M} UTC): "
                "it learns what people said",
            )
        champion = model_rows.champion(place.engine, source.key)
        if champion is None:
            return _nothing(place, source, "there is no champion yet: train first")
        keep_what_was_said(place, source.name)
        version = place.registry.read(source.key, champion)
        # What answers a doubt is in the champion's training already; it counts from the next one.
        said = [
            session
            for session in feedback.normal_sessions(place.engine, source.key)
            if session.keys and session.doubt_kind is None
        ]
        known = learnt_by(version)
        new = [session for session in said if name_of(session) not in known]
        rates = _new_rates(place, source, version)
        if not new and not rates:
            reason = f"nothing new: the champion {champion} learnt all that people said"
            if any(doubt.verdict for doubt in doubts_of(place.engine, source.key, champion)):
                reason += f"; answers to its doubts count with the next training: deeplog-ops train --source {source.name}"
            return _nothing(place, source, reason)
        old = [session for session in said if name_of(session) in known]
        run = _begin(place, source, run_key, trigger)
        try:
            return _learn(place, run, version, new, old, rates, rule, who)
        except BaseException as error:
            ledger.finish_run(place.engine, run.run_id, "failed", f"{type(error).__name__}: {error}")
            raise


def _learn(
    place: Workplace,
    run: Run,
    champion: ModelVersion,
    new: list[KeptSession],
    old: list[KeptSession],
    rates: list[KeptRate],
    rule: str,
    who: str,
) -> Updated:
    opened = OpenRun.of(place, run.run_id)
    with stage(opened, "feedback") as record:
        source = opened.source
        updated = updated_version(place, source, champion, new, old) if new else champion
        found: tuple[Check, ...] = ()
        if rates:
            updated = _with_rates(place, source, champion, updated, rates)
            found = (rates_check(place, source, updated, len(rates)),)
        if new:
            found = (*checks(place, source, champion, updated, new), *found)
        _register(opened, champion, updated, found)
        decision = _decide(place, source, champion, updated, found, rule, who)
        learnt = len(new) + len(rates)
        record.rows = learnt
        record.message = f"{learnt} false positives learnt; {decision.reason}"
    ledger.finish_run(place.engine, run.run_id, "done")
    log.info("%s: %s", source.name, record.message)
    return Updated(updated.version, champion.version, learnt, found, decision.promoted, decision.reason)


def _new_rates(place: Workplace, source: SourceConfig, champion: ModelVersion) -> list[KeptRate]:
    """What was said to be normal of rates that the champion has, and has not learnt."""
    part = champion.part(RATES)
    if part is None or not source.detection.rates.enabled:
        return []
    known = learnt_rates(part)
    return [
        said for said in said_rates(place.engine, source.key, normal=True) if said.anomaly_id not in known
    ]


def _with_rates(
    place: Workplace,
    source: SourceConfig,
    champion: ModelVersion,
    updated: ModelVersion,
    rates: list[KeptRate],
) -> ModelVersion:
    catalogue = with_their_templates(
        place,
        source.key,
        Catalogue.from_rows(updated.catalogue),
        (said.template_id for said in rates),
    )
    part = with_normal_rates(champion.parts[RATES], rates, source.reading.zone, catalogue.resolve)
    before = int(champion.metrics.get("normal_rates_learnt", 0))
    return replace(
        updated,
        parent=champion.version,
        catalogue=tuple(catalogue.to_rows()),
        parts={**updated.parts, RATES: part},
        metrics={
            **updated.metrics,
            "normal_rates_learnt": before + len(rates),
            "templates": len(catalogue.templates),
        },
    )


def _register(
    opened: OpenRun, champion: ModelVersion, updated: ModelVersion, found: tuple[Check, ...]
) -> None:
    """What the checks said stands in the database alone: recent days are not part of what the version holds."""
    place, source = opened.place, opened.source
    days = model_rows.version(place.engine, source.key, champion.version).training_days
    model_rows.register(
        place.engine,
        source.key,
        updated.version,
        path=place.registry.write(updated),
        metrics={**updated.metrics, "checks": [check.to_dict() for check in found]},
        training_days=days,
        parent=updated.parent,
        seed=updated.seed,
        library_versions=updated.library_versions,
        created_by=opened.run.run_key,
        templates=Catalogue.from_rows(updated.catalogue).templates,
    )
    publish_workflows(place, updated)
    hand_on_doubts(place.engine, source.key, champion.version, updated.version)


def _decide(
    place: Workplace,
    source: SourceConfig,
    champion: ModelVersion,
    updated: ModelVersion,
    found: tuple[Check, ...],
    rule: str,
    who: str,
) -> Decision:
    failed = [check for check in found if not check.passed]
    told = "; ".join(check.words for check in (failed or found))
    if rule == "no":
        return Decision(False, f"{updated.version} was registered; promotion was not asked for: {told}")
    if rule == "auto" and failed:
        return Decision(False, f"{updated.version} was not promoted: {told}")
    now = model_rows.champion(place.engine, source.key)
    if now != champion.version:
        return Decision(
            False, f"{updated.version} was not promoted: {now} became the champion meanwhile; update again"
        )
    why = "asked for by hand, although " if failed else "learnt what people said: "
    model_rows.promote(place.engine, source.key, updated.version, who=who, why=why + told)
    return Decision(True, f"{updated.version} is the champion now, {why}{told}")


def _begin(place: Workplace, source: SourceConfig, run_key: str, trigger: str) -> Run:
    today = place.now().astimezone(source.timezone).date()
    return ledger.begin_run(
        place.engine,
        source.key,
        today,
        run_key,
        trigger=trigger,
        choice="champion",
        config=source.model_dump(mode="json"),
        bounds=DayBounds.of(today, source.reading.zone, source.sessions.lookback),
        kind="feedback",
    )


def _nothing(place: Workplace, source: SourceConfig, reason: str) -> Updated:
    log.info("%s: %s", source.name, reason)
    return Updated(None, model_rows.champion(place.engine, source.key), 0, (), False, reason)
