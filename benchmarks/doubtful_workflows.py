"""Generated workflows whose sessions have anomalies of a few kinds among them: on these the form of doubts was chosen.

A kind is one thing that goes wrong at one step, in every session that it strikes: the step is left out, comes twice, is the
last, is preceded by an error, or fails and takes the next with it. Kinds whose results a normal session equals are not taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.generated_workflows import KeySequence, sessions
from deeplog_ops.detection.doubts import pattern_of

NORMALS = 2000
KINDS = 5
SHARE = 0.029  # of the training sessions are anomalous
LEAST = 60  # sessions of a kind: to plant some and to find others
WRONG = ("left out", "twice", "last", "error", "failed")


@dataclass(frozen=True)
class DoubtfulWorkflow:
    """Training sessions, those planted among them, and new ones of both sorts."""

    normals: list[KeySequence]
    planted: list[KeySequence]
    new_normals: list[KeySequence]
    new_anomalies: list[KeySequence]


def doubtful_workflow(seed: int) -> DoubtfulWorkflow:
    generator = np.random.default_rng(500 + seed)
    normals, many = sessions(seed, NORMALS), sessions(seed, 10 * NORMALS, 2)
    usual = {pattern_of(keys) for keys in (*normals, *many)}
    names = sorted({key for keys in normals for key in keys})
    kinds: list[list[KeySequence]] = []
    for _ in range(100):
        wrong, step = WRONG[generator.integers(len(WRONG))], names[generator.integers(len(names))]
        struck = [_struck(keys, wrong, step) for keys in many[:400] if step in keys]
        odd = [keys for keys in struck if keys and pattern_of(keys) not in usual]
        if len(odd) >= LEAST:
            kinds.append(odd)
        if len(kinds) == KINDS:
            break
    planted = SHARE * NORMALS / (1 - SHARE)
    sizes = np.maximum(2, np.round(planted * generator.dirichlet(np.ones(len(kinds))))).astype(int)
    return DoubtfulWorkflow(
        normals,
        [keys for kind, size in zip(kinds, sizes, strict=True) for keys in kind[:size]],
        sessions(seed, 3000, 1),
        [
            keys
            for kind, size in zip(kinds, sizes, strict=True)
            for keys in kind[size : size + 200] or kind[-20:]
        ],
    )


def _struck(keys: KeySequence, wrong: str, step: str) -> KeySequence:
    place = keys.index(step)
    if wrong == "left out":
        return keys[:place] + keys[place + 1 :]
    if wrong == "twice":
        return (*keys[:place], step, *keys[place:])
    if wrong == "last":
        return keys[: place + 1] if place + 1 < len(keys) else ()
    if wrong == "error":
        return (*keys[:place], f"error at {step}", *keys[place:])
    return (*keys[:place], f"{step} failed", *keys[place + 1 : place + 3])
