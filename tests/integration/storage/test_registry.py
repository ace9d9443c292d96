"""A model version never changes, is named by what it holds, and is read only when it is whole."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from upath import UPath

from deeplog_ops.config import KeyModelSettings, SourceConfig
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.errors import ModelError, OlderVersionError
from deeplog_ops.models.key_model import KeyModel
from deeplog_ops.models.part import ModelPart
from deeplog_ops.storage import model_version
from deeplog_ops.storage.paths import open_path
from deeplog_ops.storage.registry import ModelVersion, Registry
from deeplog_ops.templates.catalogue import Catalogue


def a_version(**changes: Any) -> ModelVersion:
    facts: dict[str, Any] = {
        "source_key": "web",
        "first_day": date(2024, 3, 1),
        "last_day": date(2024, 3, 14),
        "training_sessions": 120,
        "parent": None,
        "seed": 0,
        "metrics": {"sessions": 120, "validation_loss": 0.125},
        "settings": {"model": {"history": 10}},
        "catalogue": (
            {
                "template_id": "a1",
                "text": "login <*> \u2028 ünï \udc80",
                "first_seen": "2024-03-01",
                "alias_of": None,
            },
            {"template_id": "b2", "text": "logout", "first_seen": None, "alias_of": "a1"},
        ),
        "vocabulary": ("a1", "b2"),
        "weights": {
            "lstm.weight": np.linspace(-1, 1, 32, dtype=np.float32).reshape(8, 4),
            "head.bias": np.arange(3, dtype=np.float32)[::-1],
        },
        "key_model_data": {"settings": {"hidden": 4}, "new_key": 0.1 + 0.2},
        "loss_curve": ({"epoch": 1, "train": 0.5, "validation": 0.125},),
        "library_versions": {"torch": "2.13.0"},
        "parts": {"rates": ModelPart({"scale": 1e-300}, {"bins": np.arange(4, dtype=np.int64)})},
    }
    return ModelVersion(**facts | changes)


def test_what_is_read_is_what_was_written(root: UPath) -> None:
    registry, version = Registry(root), a_version()
    path = registry.write(version)
    assert path == f"source=web/{version.version}"
    read = registry.read("web", version.version)
    assert read.version == version.version
    assert read.files == version.files
    for name, array in version.weights.items():
        np.testing.assert_array_equal(read.weights[name], array)
    np.testing.assert_array_equal(read.parts["rates"].arrays["bins"], version.parts["rates"].arrays["bins"])
    assert replace(read, weights={}, parts={}) == replace(version, weights={}, parts={})
    assert registry.list("web") == [version.version]
    assert registry.list("mail") == []


def test_the_name_says_what_it_holds_and_not_when_or_where() -> None:
    name = a_version().version
    assert name == "b1f17a225787"  # on every machine, for ever
    assert a_version(library_versions={"torch": "3"}, parent="v0").version == name
    flipped = {key: array.copy() for key, array in a_version().weights.items()}
    assert a_version(weights=dict(reversed(flipped.items()))).version == name
    flipped["head.bias"][0] += 1e-6
    for change in (
        {"weights": flipped},
        {"vocabulary": ("b2", "a1")},
        {"catalogue": a_version().catalogue[:1]},
        {"parts": {"rates": ModelPart({"scale": 2e-300}, {"bins": np.arange(4, dtype=np.int64)})}},
        {"parts": {"rates": ModelPart({"scale": 1e-300}, {"bins": np.arange(4, dtype=np.int64)[::-1]})}},
        {"last_day": date(2024, 3, 15)},
        {"source_key": "mail"},
    ):
        assert a_version(**change).version != name


def test_a_version_written_again_stays_as_it_was(root: UPath) -> None:
    registry = Registry(root)
    path = registry.write(a_version())
    before = {file.name: file.read_bytes() for file in (root / path).iterdir()}
    assert registry.write(a_version(library_versions={"torch": "3"})) == path
    assert {file.name: file.read_bytes() for file in (root / path).iterdir()} == before


def test_a_person_can_read_it_and_there_is_no_pickle(root: UPath) -> None:
    path = Registry(root).write(a_version())
    names = {file.name for file in (root / path).iterdir()}
    assert names == {
        "manifest.json",
        "README.md",
        "catalogue.jsonl",
        "vocabulary.json",
        "key_model.json",
        "key_model.safetensors",
        "part_rates.json",
        "part_rates.safetensors",
        "loss_curve.csv",
        "metrics.json",
        "settings.json",
    }
    assert "ünï" in (root / path / "catalogue.jsonl").read_bytes().decode()
    assert (root / path / "loss_curve.csv").read_text() == "epoch,train,validation\n1,0.5,0.125\n"
    manifest = json.loads((root / path / "manifest.json").read_bytes())
    assert manifest["facts"]["library_versions"] == {"torch": "2.13.0"}
    assert set(manifest["files"]) == names - {"manifest.json", "README.md"}


@pytest.mark.parametrize("name", sorted(a_version().files))
def test_damage_to_any_file_is_noticed(root: UPath, name: str) -> None:
    registry, version = Registry(root), a_version()
    path = registry.write(version)
    file = root / path / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(ModelError, match=rf"{name} is damaged"):
        registry.read("web", version.version)
    file.unlink()
    with pytest.raises(ModelError, match=rf"{name} is missing"):
        registry.read("web", version.version)


def test_a_write_that_was_killed_is_no_version_and_a_retry_makes_one(root: UPath) -> None:
    registry, version = Registry(root), a_version()
    for name in ("vocabulary.json", "catalogue.jsonl"):
        folder = root / registry.path("web", version.version)
        if folder.protocol in ("", "file"):
            folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(version.files[name][:5])
    assert registry.list("web") == []
    with pytest.raises(ModelError, match=rf"no version '{version.version}' of web.*there are none"):
        registry.read("web", version.version)
    now = datetime.now(UTC)
    assert registry.collect_garbage("web", now - timedelta(hours=1)) == 0
    registry.write(version)
    assert registry.read("web", version.version).version == version.version
    assert registry.collect_garbage("web", now + timedelta(hours=1)) == 0


def test_garbage_and_sources_are_deleted_and_deleting_twice_is_no_error(root: UPath) -> None:
    registry, one, two = Registry(root), a_version(), a_version(seed=1, training_sessions=5)
    for version in (one, two):
        registry.write(version)
    (root / registry.path("web", one.version) / "manifest.json").unlink()
    assert registry.collect_garbage("web", datetime.now(UTC) + timedelta(hours=1)) == 1
    assert registry.list("web") == [two.version]
    registry.delete("web", two.version)
    registry.delete("web", two.version)
    assert registry.list("web") == []
    registry.write(one)
    assert registry.delete_source("web") == 1
    assert registry.delete_source("web") == 0


def test_a_folder_moved_under_another_name_is_refused(root: UPath) -> None:
    registry, version = Registry(root), a_version()
    path = registry.write(version)
    for file in (root / path).iterdir():
        other = root / "source=web" / "0123456789ab" / file.name
        if other.protocol in ("", "file"):
            other.parent.mkdir(parents=True, exist_ok=True)
        other.write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match=f"but holds {version.version}"):
        registry.read("web", "0123456789ab")


def test_a_format_of_another_program_is_refused(root: UPath) -> None:
    registry, version = Registry(root), a_version()
    manifest = root / registry.write(version) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 3', '"format": 7'))
    with pytest.raises(ModelError, match="has format 7, this program reads 3: upgrade"):
        registry.read("web", version.version)


def test_a_version_of_an_earlier_release_is_named_as_that(root: UPath) -> None:
    registry, version = Registry(root), a_version()
    manifest = root / registry.write(version) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 3', '"format": 1'))
    with pytest.raises(OlderVersionError, match=r"written by an earlier release .* train again"):
        registry.read("web", version.version)


def test_a_trained_model_scores_the_same_after_a_round_trip(tmp_path: Path) -> None:
    source = SourceConfig(
        name="web",
        paths=("/var/log/web",),
        format="log4j",
        model=KeyModelSettings(epochs=1, hidden=8, embedding=4),
    )
    sequences = [["a", "b", "c"]] * 20 + [["a", "c"]] * 5
    model, curve = KeyModel.fit(sequences, settings=source.model)
    scores = model.session_scores(sequences)
    evidence = SessionEvidence.fit(sequences, budget=0.001)
    version = ModelVersion.of(
        source_key="web",
        catalogue=Catalogue().to_rows(),
        model=model,
        curve=curve,
        first_day=date(2024, 3, 1),
        last_day=date(2024, 3, 2),
        sessions=25,
        sequences=2,
        parent=None,
        settings=source,
        parts=evidence.to_parts(),
    )
    registry = Registry(open_path(tmp_path))
    registry.write(version)
    read = registry.read("web", version.version)
    np.testing.assert_array_equal(read.key_model().session_scores(sequences), scores)
    np.testing.assert_array_equal(read.evidence.judge(sequences).strength, evidence.judge(sequences).strength)
    assert read.metrics["keys"] == 3
    assert "torch" in read.library_versions
    assert set(model_version.installed_libraries()) >= {"numpy", "pyarrow"}
