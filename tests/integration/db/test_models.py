"""Champions change by a pointer, and every change is on record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import Engine, text

from deeplog_ops.db import models
from deeplog_ops.db.publish import publish_day
from deeplog_ops.errors import ModelError
from deeplog_ops.records import Template, template_id
from tests.integration.db.day_results import MakeRun, register_model, result_of


def promote(engine: Engine, *versions: str) -> None:
    for version in versions:
        register_model(engine, version)
        models.promote(engine, "web", version, who="ann", why="better")


@pytest.mark.usefixtures("source")
class TestChampions:
    def test_registering_again_changes_nothing(self, engine: Engine) -> None:
        assert register_model(engine, "v1")
        assert not register_model(engine, "v1", metrics={"sessions": 5})
        (found,) = models.list_versions(engine, "web")
        assert found.metrics == {"sessions": 100, "loss": "nan"}
        assert (found.first_day, found.last_day) == (date(2024, 2, 28), date(2024, 2, 29))
        assert not found.champion

    def test_promoting_the_champion_again_leaves_no_second_entry(self, engine: Engine) -> None:
        promote(engine, "v1", "v1")
        assert models.champion(engine, "web") == "v1"
        assert [(change.version, change.previous) for change in models.audit(engine, "web")] == [("v1", None)]

    def test_reverting_goes_back_step_by_step_and_ends_with_an_error(self, engine: Engine) -> None:
        promote(engine, "v1", "v2", "v3")
        assert models.revert(engine, "web", who="bob", why="noisy") == "v2"
        assert models.revert(engine, "web", who="bob", why="noisy") == "v1"
        with pytest.raises(ModelError, match="no earlier champion"):
            models.revert(engine, "web", who="bob", why="noisy")
        promote(engine, "v4")
        assert models.revert(engine, "web", who="bob", why="noisy") == "v1"
        last = models.audit(engine, "web")[-1]
        assert (last.version, last.previous, last.action, last.who, last.why) == (
            "v1",
            "v4",
            "revert",
            "bob",
            "noisy",
        )

    def test_a_version_that_is_not_there_is_not_promoted(self, engine: Engine) -> None:
        with pytest.raises(ModelError, match="'v9' of web does not exist"):
            models.promote(engine, "web", "v9", who="ann", why="")
        assert models.champion(engine, "web") is None

    def test_promotions_at_once_make_one_chain(self, engine: Engine) -> None:
        versions = [f"v{number}" for number in range(8)]
        for version in versions:
            register_model(engine, version)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda version: models.promote(engine, "web", version, who="x", why="y"), versions))
        audit = models.audit(engine, "web")
        assert [change.previous for change in audit[1:]] == [change.version for change in audit[:-1]]
        assert models.champion(engine, "web") == audit[-1].version

    def test_only_versions_that_nothing_needs_are_given_up(self, engine: Engine, begin: MakeRun) -> None:
        promote(engine, "v1")
        publish_day(engine, result_of(begin()))
        promote(engine, "v2", "v3", "v4")
        for number in range(5, 9):
            register_model(engine, f"v{number}")
        assert models.delete_expendable(engine, "web", keep=2) == ["v6", "v5", "v2"]
        left = [found.version for found in models.list_versions(engine, "web") if found.state == "available"]
        assert left == ["v8", "v7", "v4", "v3", "v1"]
        assert models.delete_expendable(engine, "web", keep=2) == []
        with pytest.raises(ModelError, match="'v5' of web was deleted"):
            models.promote(engine, "web", "v5", who="x", why="y")
        assert models.revert(engine, "web", who="x", why="y") == "v3"

    def test_aliases_made_by_training_join_the_counts_of_days_past(
        self, engine: Engine, begin: MakeRun
    ) -> None:
        old, young, youngest = (
            Template(template_id(name), name) for name in ("event 0 <*>", "event 1 <*>", "event 2 <*>")
        )
        publish_day(engine, result_of(begin(), anomalies=0))
        query = text("SELECT sum(events)::int AS events, count(*) AS n FROM bi.template_counts")
        with engine.connect() as connection:
            before = connection.execute(query).one()
        merged = [
            Template(young.template_id, young.text, alias_of=old.template_id),
            Template(youngest.template_id, youngest.text, alias_of=young.template_id),
        ]
        register_model(engine, "v1", templates=merged)
        with engine.connect() as connection:
            after = connection.execute(query).one()
            roots = connection.execute(
                text("SELECT DISTINCT root_template FROM bi.templates WHERE template ~ '[012]'")
            )
            assert roots.scalars().all() == ["event 0 <*>"]
        assert (after.events, after.n) == (before.events, before.n - 2)
        publish_day(engine, result_of(begin(run_key="again"), anomalies=0))
        with engine.connect() as connection:
            assert connection.execute(query).one() == after
