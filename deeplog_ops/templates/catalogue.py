"""The catalogue: all templates of a model version, with their history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from deeplog_ops.errors import ModelError
from deeplog_ops.records import Template, template_id
from deeplog_ops.templates import pieces


@dataclass(frozen=True)
class Catalogue:
    """Templates, older before younger. An alias names an older template, directly or through other aliases.

    Raises ModelError for an id that is not the hash of its text, an id that comes twice, and an alias that
    leads to no template or in a circle.
    """

    templates: tuple[Template, ...] = ()

    def __post_init__(self) -> None:
        for template in self.templates:
            if template.template_id != template_id(template.text):
                raise ModelError(
                    f"template {template.template_id} is not named by its text {template.text!r}: "
                    f"expected {template_id(template.text)}"
                )
        if len(self.by_id) != len(self.templates):
            raise ModelError("a template id comes twice in the catalogue")
        for template in self.templates:
            self.resolve(template.template_id)

    @cached_property
    def by_id(self) -> dict[str, Template]:
        """Every template, aliased ones too, by id."""
        return {template.template_id: template for template in self.templates}

    def resolve(self, template_id: str) -> str:
        """The id that an id stands for now: aliases followed to their end. An unknown id stands for itself."""
        seen = {template_id}
        while (template := self.by_id.get(template_id)) is not None and template.alias_of is not None:
            template_id = template.alias_of
            if template_id in seen:
                raise ModelError(f"the aliases of template {template_id} lead in a circle")
            if template_id not in self.by_id:
                raise ModelError(
                    f"template {template.template_id} is an alias of {template_id}, which is not there"
                )
            seen.add(template_id)
        return template_id

    @cached_property
    def texts(self) -> dict[str, str]:
        """The text that stands for each resolved id, the oldest first: the widest among its own and its aliases'.

        A literal message may be known before the template that it is an example of. The id stays the older's;
        the text, and so the places of the parameters, are those that fit all.
        """
        members: dict[str, list[pieces.Pieces]] = {}
        for template in self.templates:
            members.setdefault(self.resolve(template.template_id), []).append(pieces.split(template.text))
        return {key: pieces.join(_widest(texts)) for key, texts in members.items()}

    def text(self, template_id: str) -> str | None:
        """The text that stands for an id (see `texts`), None where the id is unknown."""
        return self.texts.get(self.resolve(template_id))

    def to_rows(self) -> list[dict[str, Any]]:
        """Plain data, a row a template in order: template_id, text, first_seen (ISO date or None), alias_of."""
        return [
            {
                "template_id": template.template_id,
                "text": template.text,
                "first_seen": template.first_seen.isoformat() if template.first_seen else None,
                "alias_of": template.alias_of,
            }
            for template in self.templates
        ]

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Catalogue:
        """The catalogue that `to_rows` wrote."""
        templates = []
        for number, row in enumerate(rows, start=1):
            try:
                seen = date.fromisoformat(row["first_seen"]) if row.get("first_seen") else None
                templates.append(Template(row["template_id"], row["text"], seen, row.get("alias_of")))
            except (KeyError, TypeError, ValueError) as error:
                raise ModelError(f"row {number} of the catalogue is not a template: {error!r}") from error
        return cls(tuple(templates))


def _widest(texts: list[pieces.Pieces]) -> pieces.Pieces:
    """The youngest text that covers all others; where none does, the one that covers most, the oldest of those."""
    for general in reversed(texts):
        if all(pieces.covers(general, special) for special in texts):
            return general
    return max(texts, key=lambda text: sum(pieces.covers(text, other) for other in texts))
