"""Learning: what a day mined becomes part of the next catalogue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from deeplog_ops import config
from deeplog_ops.records import Template, template_id
from deeplog_ops.templates import families, pieces
from deeplog_ops.templates.catalogue import Catalogue


def learn(
    known: Catalogue, mined: Iterable[Template], day: date | None, settings: config.Templates
) -> Catalogue:
    """The next catalogue: every template of `known` with its id and text, then the new ones by text.

    Templates that turn out to be one get their general text as a template too, and all but the oldest become
    aliases of the oldest. An id is never changed, dropped or given to another text; an alias once made stays.
    """
    templates = {template.template_id: template for template in known.templates}
    for text in sorted({template.text for template in mined}):
        templates.setdefault(template_id(text), Template(template_id(text), text, first_seen=day))
    texts = Catalogue(tuple(templates.values())).texts
    wider = families.generalise(pieces.split(text) for text in texts.values())
    groups: dict[str, list[Template]] = defaultdict(list)
    for root, text in texts.items():
        groups[pieces.join(wider[pieces.split(text)])].append(templates[root])
    for text, members in sorted(groups.items()):
        oldest, *younger = members
        for template in younger:
            templates[template.template_id] = replace(template, alias_of=oldest.template_id)
        general = template_id(text)
        if general not in templates:
            templates[general] = Template(general, text, day, alias_of=oldest.template_id)
    return Catalogue(tuple(templates.values()))
