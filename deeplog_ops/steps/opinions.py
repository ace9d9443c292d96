"""What the other detectors say of a day's sessions: opinions, and alarms of those that a source enables.

They are kept in a version as the sessions that they learnt from and their thresholds, and learn again when a day is
judged: these estimators take moments, and no file of the registry can hold code.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.errors import ModelError
from deeplog_ops.models.contract import SessionModel
from deeplog_ops.models.part import ModelPart
from deeplog_ops.records import DetectorOpinion

log = logging.getLogger(__name__)

PART = "opinions"
VECTORS = 1_000  # distinct sequences that an opinion is learnt from: those that most sessions have
VERDICTS = 200  # sessions known to be true that the supervised ones learn from

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Opinion:
    """What one detector says of N sequences."""

    detector: str
    scores: NDArray[np.float64]
    threshold: float

    @property
    def flagged(self) -> NDArray[np.bool_]:
        return self.scores > self.threshold


def fit_opinions(
    sequences: Sequence[Keys], weights: Sequence[int], anomalous: Sequence[Keys], *, budget: float, seed: int
) -> ModelPart:
    """The part "opinions" of a version, of distinct sequences; their thresholds come from sessions held out in turn."""
    from deeplog_ops.evaluation.judges import threshold_judge
    from deeplog_ops.models.classic.supervised import LEAST_SCALE, SUPERVISED, fit_supervised
    from deeplog_ops.models.detectors import CLASSIC, DETECTORS

    order = sorted(range(len(sequences)), key=lambda row: (-weights[row], sequences[row]))[:VECTORS]
    keys, counts = [sequences[row] for row in order], [weights[row] for row in order]
    bad = list(anomalous)[:VERDICTS]
    settings = KeyModelSettings(seed=seed)
    thresholds: dict[str, float] = {}
    for name in CLASSIC:
        fit = DETECTORS[name].fit_with(settings)
        thresholds[name] = threshold_judge(fit, keys, counts, budget, DETECTORS[name].least_scale).threshold
    for kind in SUPERVISED if bad else ():

        def supervised(some: Sequence[Sequence[str]], of: Sequence[int], kind: str = kind) -> SessionModel:
            labels = [False] * len(some) + [True] * len(bad)
            return fit_supervised(kind, [*some, *bad], [*of, *[1] * len(bad)], labels, seed)

        thresholds[kind] = threshold_judge(supervised, keys, counts, budget, LEAST_SCALE[kind]).threshold
    log.info("opinions of %s detectors on %s distinct sequences", len(thresholds), len(keys))
    return ModelPart(
        {
            "sequences": [list(each) for each in keys],
            "weights": counts,
            "anomalous": [list(each) for each in bad],
            "seed": seed,
            "thresholds": thresholds,
        }
    )


def with_normal(part: ModelPart, sequences: Sequence[Keys], weights: Sequence[int]) -> ModelPart:
    """The part with sequences that people called normal, sequence i standing for weights[i] sessions. Thresholds stay."""
    known = [tuple(keys) for keys in part.data["sequences"]]
    counts = dict(zip(known, part.data["weights"], strict=True))
    for keys, count in zip(sequences, weights, strict=True):
        counts[keys] = counts.get(keys, 0) + count
    return ModelPart(
        {**part.data, "sequences": [list(keys) for keys in counts], "weights": list(counts.values())},
        part.arrays,
    )


def opinions(part: ModelPart, sequences: Sequence[Sequence[str]]) -> list[Opinion]:
    """What each detector of a version says of N sequences, by name."""
    from deeplog_ops.models.classic.supervised import SUPERVISED, fit_supervised
    from deeplog_ops.models.detectors import DETECTORS

    data = part.data
    try:
        keys, counts, bad = data["sequences"], data["weights"], data["anomalous"]
        seed, thresholds = int(data["seed"]), dict(data["thresholds"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the version's opinions cannot be read: {error!r}") from error
    found = []
    for name, threshold in sorted(thresholds.items()):
        if name in SUPERVISED:
            labels = [False] * len(keys) + [True] * len(bad)
            model: SessionModel = fit_supervised(
                name, [*keys, *bad], [*counts, *[1] * len(bad)], labels, seed
            )
        elif name in DETECTORS:
            model = DETECTORS[name].fit_with(KeyModelSettings(seed=seed))(keys, counts)
        else:
            log.warning("this program has no detector %s, which the version has an opinion of", name)
            continue
        found.append(Opinion(name, model.session_scores(sequences), float(threshold)))
    return found


def told(
    found: Sequence[Opinion],
    verdict: NDArray[np.bool_],
    sessions: NDArray[np.int64],
    enabled: Sequence[str],
) -> list[DetectorOpinion]:
    """One row a detector: how many of the sessions (N sequences, so many each) it flags, and with the verdict."""
    judged = int(sessions.sum())
    return [
        DetectorOpinion(
            detector=each.detector,
            judged=judged,
            flagged=int(sessions[each.flagged].sum()),
            agreed=int(sessions[each.flagged & verdict].sum()),
            enabled=each.detector in enabled,
        )
        for each in found
    ]


def agreeing(found: Sequence[Opinion], ids: Sequence[str]) -> Mapping[str, list[str]]:
    """Which detectors flag each of N sequences, by the sequence's id; those that none flags are missing."""
    by_id: dict[str, list[str]] = {}
    for each in found:
        for row in np.flatnonzero(each.flagged).tolist():
            by_id.setdefault(ids[row], []).append(each.detector)
    return by_id
