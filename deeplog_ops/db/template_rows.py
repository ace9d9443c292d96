"""Templates in the database: added, never renumbered; which way round days run makes no difference."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from deeplog_ops.db.rows import copy
from deeplog_ops.db.runs import Run
from deeplog_ops.records import Template


def write_templates(
    connection: Connection, source_id: int, templates: Iterable[Template], seen: Run | None = None
) -> None:
    """Add templates. Texts never change; the first day only moves back; an alias once given is kept.

    Of a run that has `seen` them they are known from its day on at the latest. Sorted by id, so that two runs cannot
    deadlock, and whichever order days run in, the rows end the same.
    """
    connection.execute(
        text(
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_templates "
            "(template_id text, text text, first_day date, alias_of text) ON COMMIT DROP"
        )
    )
    copy(
        connection,
        "incoming_templates",
        ("template_id", "text", "first_day", "alias_of"),
        (
            (
                template.template_id,
                template.text,
                template.first_seen or (seen.day if seen else None),
                template.alias_of,
            )
            for template in sorted(templates, key=lambda template: template.template_id)
        ),
    )
    connection.execute(
        text(
            "INSERT INTO deeplog.templates AS t (source_id, template_id, text, first_day, alias_of) "
            "SELECT :source_id, template_id, text, first_day, alias_of FROM incoming_templates ORDER BY template_id "
            "ON CONFLICT (source_id, template_id) DO UPDATE SET first_day = least(t.first_day, excluded.first_day), "
            "alias_of = coalesce(t.alias_of, excluded.alias_of) "
            "WHERE t.first_day IS DISTINCT FROM least(t.first_day, excluded.first_day) "
            "OR (t.alias_of IS NULL AND excluded.alias_of IS NOT NULL)"
        ),
        {"source_id": source_id},
    )
    connection.execute(text("DROP TABLE incoming_templates"))
