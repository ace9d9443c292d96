"""A model version: all that was learnt, as plain data, named by a hash of what it holds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from deeplog_ops.config import SourceConfig
from deeplog_ops.errors import ModelError
from deeplog_ops.models.part import ModelPart
from deeplog_ops.records import stable_id

if TYPE_CHECKING:
    from deeplog_ops.detection.session_evidence import SessionEvidence
    from deeplog_ops.models.key_model import KeyModel
    from deeplog_ops.models.training_loop import EpochLoss

# The stages of a source's configuration that shape what is learnt.
_SETTINGS = ("templates", "sessions", "model", "detection")
_PART = "part_"  # a part's files: part_NAME.json, part_NAME.safetensors
LIBRARIES = ("deeplog-ops", "torch", "numpy", "polars", "pyarrow", "drain3", "scikit-learn")


@dataclass(frozen=True)
class ModelVersion:
    """Everything a day's run needs of a training. Immutable; `version` depends on neither time nor machine.

    `catalogue` has a row a template (template_id, text, first_seen, alias_of), `weights` the arrays of the network by
    name, `key_model` what restores it, `loss_curve` a row an epoch. `parts` holds what else was
    learnt, by name. `library_versions` is told but not hashed.
    """

    source_key: str
    first_day: date
    last_day: date
    training_sessions: int
    parent: str | None
    seed: int
    metrics: Mapping[str, Any]
    settings: Mapping[str, Any] = field(repr=False)
    catalogue: tuple[Mapping[str, Any], ...] = field(repr=False)
    vocabulary: tuple[str, ...] = field(repr=False)
    weights: Mapping[str, NDArray[np.float32]] = field(repr=False)
    key_model_data: Mapping[str, Any] = field(repr=False)
    loss_curve: tuple[Mapping[str, float], ...] = field(repr=False)
    library_versions: Mapping[str, str] = field(repr=False)
    parts: Mapping[str, ModelPart] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        *,
        source_key: str,
        catalogue: Iterable[Mapping[str, Any]],
        model: KeyModel,
        curve: Iterable[EpochLoss],
        first_day: date,
        last_day: date,
        sessions: int,
        sequences: int,
        parent: str | None,
        settings: SourceConfig,
        parts: Mapping[str, ModelPart] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> ModelVersion:
        """A version from what a training made. `settings` is the source's configuration, of which the part is kept
        that shapes what is learnt; `parent` is the version whose catalogue it goes on from."""
        rows = tuple(dict(row) for row in catalogue)
        # Without the seconds: they would make each writing of the same version another one.
        losses = tuple(
            {"epoch": loss.epoch, "train": loss.train, "validation": loss.validation} for loss in curve
        )
        measured: dict[str, Any] = {
            **(metrics or {}),
            "sessions": sessions,
            "distinct_sequences": sequences,
            "templates": len(rows),
            "keys": len(model.vocabulary.keys),
            "epochs": len(losses),
        }
        if losses:
            measured["validation_loss"] = min(loss["validation"] for loss in losses)
        return cls(
            source_key=source_key,
            first_day=first_day,
            last_day=last_day,
            training_sessions=sessions,
            parent=parent,
            seed=model.settings.seed,
            metrics=measured,
            settings={name: getattr(settings, name).model_dump(mode="json") for name in _SETTINGS},
            catalogue=rows,
            vocabulary=tuple(model.vocabulary.keys),
            weights=model.weights(),
            key_model_data=model.to_dict(),
            loss_curve=losses,
            library_versions=installed_libraries(),
            parts=dict(parts or {}),
        )

    @cached_property
    def version(self) -> str:
        """The name: 12 hexadecimal digits of the hash of all files. A parent is told, not hashed, so that training
        again on the same days, after the promotion of its result, gives the same version."""
        parts = [part for name, data in sorted(self.files.items()) for part in (name, data.hex())]
        facts = (
            self.source_key,
            self.first_day.isoformat(),
            self.last_day.isoformat(),
            str(self.training_sessions),
        )
        return stable_id("model", *facts, *parts, length=12)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The files by name, the same bytes for equal contents; text is UTF-8."""
        arrays = {name: np.ascontiguousarray(array) for name, array in self.weights.items()}
        return {
            "catalogue.jsonl": b"".join(_json(row, indent=None) for row in self.catalogue),
            "key_model.json": _json(self.key_model_data),
            "key_model.safetensors": save(arrays),
            "loss_curve.csv": _csv(self.loss_curve),
            "metrics.json": _json(self.metrics),
            "settings.json": _json(self.settings),
            "vocabulary.json": _json({"keys": list(self.vocabulary)}),
            **self._part_files(),
        }

    def _part_files(self) -> dict[str, bytes]:
        found = {}
        for name, part in self.parts.items():
            found[f"{_PART}{name}.json"] = _json(part.data)
            if part.arrays:
                arrays = {key: np.ascontiguousarray(array) for key, array in part.arrays.items()}
                found[f"{_PART}{name}.safetensors"] = save(arrays)
        return found

    def part(self, name: str) -> ModelPart | None:
        """What the part `name` learnt; None where this version has none, as one of an older program."""
        return self.parts.get(name)

    @classmethod
    def restore(cls, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> ModelVersion:
        """The version that `files` were made of; `facts` are those of its manifest. ModelError where one is missing."""
        try:
            return cls(
                source_key=facts["source_key"],
                first_day=date.fromisoformat(facts["first_day"]),
                last_day=date.fromisoformat(facts["last_day"]),
                training_sessions=int(facts["training_sessions"]),
                parent=facts["parent"],
                seed=int(facts["seed"]),
                library_versions=facts["library_versions"],
                metrics=json.loads(files["metrics.json"]),
                settings=json.loads(files["settings.json"]),
                catalogue=tuple(
                    json.loads(line) for line in files["catalogue.jsonl"].decode().split("\n") if line
                ),
                vocabulary=tuple(json.loads(files["vocabulary.json"])["keys"]),
                weights=load(files["key_model.safetensors"]),
                key_model_data=json.loads(files["key_model.json"]),
                loss_curve=_rows(files["loss_curve.csv"]),
                parts=_parts(files),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"a model version of another program version, or not one: {error!r}") from error

    def key_model(self) -> KeyModel:
        """The model, ready to score. Imports torch."""
        from deeplog_ops.models.key_model import KeyModel
        from deeplog_ops.models.vocabulary import Vocabulary

        return KeyModel.restore(Vocabulary(self.vocabulary), self.key_model_data, self.weights)

    @cached_property
    def evidence(self) -> SessionEvidence:
        """The default verdict."""
        from deeplog_ops.detection.session_evidence import SessionEvidence

        return SessionEvidence.restore(self.parts)

    def warming_up(self, least_sessions: int) -> bool:
        """Too few sessions to say what is rare: such a day is `warming_up`, not scored."""
        return self.training_sessions < least_sessions


def _parts(files: Mapping[str, bytes]) -> dict[str, ModelPart]:
    names = [
        name[len(_PART) : -len(".json")]
        for name in files
        if name.startswith(_PART) and name.endswith(".json")
    ]
    found = {}
    for name in sorted(names):
        arrays = files.get(f"{_PART}{name}.safetensors")
        data = json.loads(files[f"{_PART}{name}.json"])
        found[name] = ModelPart(data, load(arrays) if arrays is not None else {})
    return found


def installed_libraries() -> dict[str, str]:
    """The versions of the libraries that a training's result may depend on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _json(value: Any, indent: int | None = 2) -> bytes:
    return (
        json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=True, allow_nan=False) + "\n"
    ).encode("utf-8", "backslashreplace")


def _csv(rows: Iterable[Mapping[str, float]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, ("epoch", "train", "validation"), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _rows(data: bytes) -> tuple[dict[str, float], ...]:
    return tuple(
        {"epoch": int(row["epoch"]), "train": float(row["train"]), "validation": float(row["validation"])}
        for row in csv.DictReader(io.StringIO(data.decode()))
    )
