"""Detectors in folders that a person can read: JSON, and safetensors for weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from deeplog_ops.errors import ModelError

if TYPE_CHECKING:
    from deeplog_ops.detection.session_detector import SessionDetector
    from deeplog_ops.keyed.detector import DeepLog

    Network = TypeVar("Network", bound=DeepLog)

DESCRIPTION = "detector.json"
WEIGHTS = "weights.safetensors"
_DIGEST = "weights_sha256"


def check_folder(folder: Path) -> None:
    """ModelError where `write_folder` would not write: asked before a training that takes minutes."""
    try:
        if folder.is_dir() and any(folder.iterdir()) and not (folder / DESCRIPTION).exists():
            raise ModelError(f"{folder} holds something else: an empty or new folder is expected")
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {error.strerror}") from error


def write_folder(folder: Path, description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Both files; what a folder of this kind held before is replaced. ModelError where it cannot be written."""
    weights = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    told = {**description, _DIGEST: sha256(weights).hexdigest()}
    text = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WEIGHTS).write_bytes(weights)
        (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {error.strerror}") from error


def read_folder(folder: Path, kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What `write_folder` wrote. ModelError names the file that is missing, damaged, or of another kind."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        weights = (folder / WEIGHTS).read_bytes()
        arrays = load(weights)
    except OSError as error:
        raise ModelError(
            f"{error.filename} cannot be read ({error.strerror}): a folder made by saving is expected"
        ) from error
    except (ValueError, SafetensorError) as error:
        raise ModelError(f"{folder} is damaged: {error}") from error
    if not isinstance(description, dict) or description.get("kind") != kind:
        found = description.get("kind") if isinstance(description, dict) else None
        raise ModelError(
            f"{folder / DESCRIPTION} describes a detector of kind {found!r}: {kind!r} is expected"
        )
    if description.get(_DIGEST, found := sha256(weights).hexdigest()) != found:
        raise ModelError(f"{folder} is damaged: {WEIGHTS} is not the one that {DESCRIPTION} was written with")
    return description, arrays


def save_detector(detector: SessionDetector, reading: Mapping[str, Any], folder: Path) -> None:
    """The detector of `sequences train`; `reading` says which events were a session."""
    description = {"kind": "sessions", "detector": detector.to_dict(), "reading": dict(reading)}
    write_folder(folder, description, detector.arrays())


def load_detector(folder: Path, device: str = "auto") -> tuple[SessionDetector, dict[str, Any]]:
    """What `save_detector` wrote, to be run on `device`. ModelError names what is missing or does not fit."""
    from deeplog_ops.detection.session_detector import SessionDetector

    description, arrays = read_folder(folder, "sessions")
    try:
        told = description["detector"]
        told["key_model"]["settings"]["device"] = device
        return SessionDetector.restore(told, arrays), dict(description["reading"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / DESCRIPTION} does not fit together: {error!r}") from error
    except ModelError as error:
        raise ModelError(
            f"{folder} cannot be used: {error}; one of another version is trained anew"
        ) from error


def save_network(detector: DeepLog, folder: Path) -> None:
    """See `DeepLog.save`."""
    description = {
        "kind": "next_event",
        "parameters": detector.get_params(),
        "length": detector.length_,
        "inputs": detector.n_inputs_,
        "outputs": detector.n_outputs_,
    }
    state = detector.network_.state_dict()
    write_folder(folder, description, {name: value.detach().cpu().numpy() for name, value in state.items()})


def load_network(kind: type[Network], folder: Path) -> Network:
    """See `DeepLog.load`."""
    import torch

    from deeplog_ops.keyed.detector import FIRST
    from deeplog_ops.models.key_network import KeyNetwork, KeyNetworkShape

    description, arrays = read_folder(folder, "next_event")
    try:
        detector = kind(**description["parameters"])
        detector.length_ = int(description["length"])
        detector.n_inputs_, detector.n_outputs_ = int(description["inputs"]), int(description["outputs"])
        symbols = max(detector.n_inputs_, detector.n_outputs_) + FIRST
        network = KeyNetwork(
            KeyNetworkShape(symbols, detector.embedding, detector.hidden_size, detector.num_layers)
        )
        network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder} does not fit together: {error}") from error
    detector.network_, detector.losses_ = network.eval(), []
    return detector
