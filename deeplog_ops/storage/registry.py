"""The model registry: a folder a version that a person can read, checked by hashes when a program does.

    source={key}/{version}/   manifest.json  README.md  catalogue.jsonl  vocabulary.json  key_model.json
                              key_model.safetensors  part_*.json  part_*.safetensors  loss_curve.csv  metrics.json
                              settings.json

The manifest is written last: a folder without one is what a killed training left. Nothing here is a pickle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from upath import UPath

from deeplog_ops.errors import ModelError, OlderVersionError
from deeplog_ops.storage.lake import remove_folder, youngest
from deeplog_ops.storage.model_version import ModelVersion
from deeplog_ops.storage.paths import is_local

MANIFEST = "manifest.json"
FORMAT = 3


class Registry:
    """All model versions below one root folder."""

    def __init__(self, root: UPath) -> None:
        self.root = root

    def write(self, version: ModelVersion) -> str:
        """Write a version; returns its path below the root. One that is there already stays as it is."""
        path = self.path(version.source_key, version.version)
        folder = self.root / path
        if (folder / MANIFEST).exists():
            return path
        if is_local(folder):
            folder.mkdir(parents=True, exist_ok=True)
        files = {**version.files, "README.md": _readme(version).encode()}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        manifest = {
            "format": FORMAT,
            "version": version.version,
            "facts": {
                "source_key": version.source_key,
                "first_day": version.first_day.isoformat(),
                "last_day": version.last_day.isoformat(),
                "training_sessions": version.training_sessions,
                "parent": version.parent,
                "seed": version.seed,
                "library_versions": dict(version.library_versions),
            },
            "files": {
                name: {"bytes": len(data), "sha256": _hash(data)} for name, data in version.files.items()
            },
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        (folder / MANIFEST).write_bytes(text.encode())
        return path

    def read(self, source_key: str, version: str) -> ModelVersion:
        """A version, every file checked. ModelError when it is missing, unfinished or damaged."""
        folder = self.root / self.path(source_key, version)
        manifest = self._manifest(folder, source_key, version)
        files = {name: _checked(folder / name, entry["sha256"]) for name, entry in manifest["files"].items()}
        found = ModelVersion.restore(manifest["facts"], files)
        if found.version != version:
            raise ModelError(
                f"{folder} says that it is version {version}, but holds {found.version}: restore it"
            )
        return found

    def list(self, source_key: str) -> list[str]:
        """The versions of a source that are complete, sorted by name."""
        return [
            name
            for name in self._folders(source_key)
            if (self._source(source_key) / name / MANIFEST).exists()
        ]

    def delete(self, source_key: str, version: str) -> None:
        """Delete a version; one that is gone already is no error."""
        folder = self.root / self.path(source_key, version)
        # The manifest goes first: a version half deleted is garbage, not a damaged version.
        if (folder / MANIFEST).exists():
            (folder / MANIFEST).unlink()
        remove_folder(folder)

    def delete_source(self, source_key: str) -> int:
        """Delete all versions of a source; returns how many."""
        found = list(self._folders(source_key))
        remove_folder(self._source(source_key))
        return len(found)

    def collect_garbage(self, source_key: str, older_than: datetime) -> int:
        """Delete folders that never got a manifest and whose files are older; returns how many."""
        complete = set(self.list(source_key))
        doomed = [
            self._source(source_key) / name
            for name in self._folders(source_key)
            if name not in complete and youngest(self._source(source_key) / name) < older_than
        ]
        for folder in doomed:
            remove_folder(folder)
        return len(doomed)

    def path(self, source_key: str, version: str) -> str:
        """Where a version lies below the root."""
        return f"source={source_key}/{version}"

    def _source(self, source_key: str) -> UPath:
        return self.root / f"source={source_key}"

    def _folders(self, source_key: str) -> Iterator[str]:
        top = self._source(source_key)
        top.fs.invalidate_cache()
        if top.is_dir():
            yield from sorted(path.name for path in top.iterdir() if path.is_dir())

    def _manifest(self, folder: UPath, source_key: str, version: str) -> Any:
        try:
            manifest = json.loads((folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            known = ", ".join(self.list(source_key)) or "none"
            raise ModelError(
                f"there is no version {version!r} of {source_key} in {self.root} (there are {known}): train it again"
            ) from None
        except ValueError as error:
            raise ModelError(
                f"{folder / MANIFEST} is damaged: {error}. Restore the folder, or train again"
            ) from error
        if isinstance(manifest.get("format"), int) and manifest["format"] < FORMAT:
            raise OlderVersionError(
                f"version {version} of {source_key} was written by an earlier release (format {manifest['format']}, "
                f"this one reads {FORMAT}): train again, then run the day"
            )
        if manifest.get("format") != FORMAT:
            raise ModelError(
                f"{folder / MANIFEST} has format {manifest.get('format')!r}, this program reads {FORMAT}: "
                "upgrade deeplog-ops, or train again"
            )
        return manifest


def _checked(path: UPath, expected: str) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path} is missing: restore the version's folder, or train again") from None
    if _hash(data) != expected:
        raise ModelError(
            f"{path} is damaged: its hash is not the manifest's. Restore the folder, or train again"
        )
    return data


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _readme(version: ModelVersion) -> str:
    """For a person who opens the folder."""
    rows = "\n".join(f"- {name}: {value}" for name, value in sorted(version.metrics.items()))
    return f"""# Model version {version.version}

Of source `{version.source_key}`, trained on {version.first_day} to {version.last_day} ({version.training_sessions}
sessions), seed {version.seed}, parent {version.parent or "none"}. It never changes: its name is a hash of its files.

{rows}

| file | holds |
|---|---|
| manifest.json | what this is, the libraries it was trained with, and the hash of every file |
| catalogue.jsonl | the templates, a line each, the older before the younger; `alias_of` names an older one |
| vocabulary.json | the log keys (ids of templates) that the key model knows |
| key_model.json, key_model.safetensors | the key model: its settings, and its weights |
| part_verdict.json | the thresholds of the default verdict, and how training set them |
| part_order.*, part_counts.* | its two scores: how surprising is a key, how far are the counts; of all sessions as `_of_all` |
| part_values.* | what numbers, times and categories are usual, a template each |
| part_rates.* | how often each template comes, by hour and weekday |
| part_workflows.json | the workflows, by co-occurrence and by the key model's predictions |
| part_opinions.json | what the other detectors learn from, and their thresholds |
| loss_curve.csv | mean surprise (nats) after each epoch, on training and on held-out sessions |
| metrics.json | what training measured |
| settings.json | the part of the source's configuration that shapes all this |
"""
