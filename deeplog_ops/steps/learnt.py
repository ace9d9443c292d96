"""What of all that people said a model version has learnt: named in the version, so that nothing is learnt twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from deeplog_ops.db import learning
from deeplog_ops.db.feedback import KeptSession
from deeplog_ops.errors import ModelError
from deeplog_ops.models.part import ModelPart
from deeplog_ops.records import Template
from deeplog_ops.steps.workplace import Workplace
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.templates.catalogue import Catalogue
from deeplog_ops.templates.parsing import CATCH_ALL

PART = "learnt"

Name = tuple[date, str, int]  # day, session, piece


def name_of(session: KeptSession) -> Name:
    return session.day, session.session, session.piece


def learnt_part(names: Iterable[Name]) -> ModelPart:
    """The part "learnt" of a version: the sessions of false positives that it learnt, by name."""
    return ModelPart(
        {"sessions": [[day.isoformat(), name, piece] for day, name, piece in sorted(set(names))]}
    )


def learnt_by(version: ModelVersion) -> set[Name]:
    """The sessions of false positives that a version learnt."""
    part = version.part(PART)
    if part is None:
        return set()
    try:
        return {
            (date.fromisoformat(day), str(name), int(piece)) for day, name, piece in part.data["sessions"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"what version {version.version} learnt cannot be read: {error!r}") from error


def with_their_templates(
    place: Workplace, source_key: str, catalogue: Catalogue, keys: Iterable[str]
) -> Catalogue:
    """The catalogue with the templates that some keys name and that it lacks, behind its own, by id.

    A day mines what matches nothing from its own messages, so on another day the like may get another id: a key that
    is to be known needs its template. What matched before goes on to match: these came from what matched nothing.
    """
    missing = sorted({key for key in keys if key not in catalogue.by_id and key != CATCH_ALL.template_id})
    if not missing:
        return catalogue
    found: Mapping[str, tuple[str, date | None]] = learning.template_texts(place.engine, source_key, missing)
    more = [Template(key, *found[key]) for key in missing if key in found]
    return Catalogue((*catalogue.templates, *more))
