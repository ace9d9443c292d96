"""What the other detectors say of a day's sessions: opinions, and alarms of those that a source enables.

They are kept in a version as the sessions that they learnt from and their thresholds, and learn again when a day is
judged: these estimators take moments, and no file of the registry can hold code.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.errors import ModelError
from deeplog_ops.models.contract import SessionModel
from deeplog_ops.models.part import ModelPart
from deeplog_ops.records import DetectorOpinion, stable_digest

log = logging.getLogger(__name__)

PART = "opinions"
SEQUENCES = 1_000  # distinct ones that an opinion is learnt from: of more, a sample of the sessions
IN_NATS = ["one_class_svm"]  # whose scores are minus the logarithm of what older versions held against 1
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
    """The part "opinions" of a version, of distinct sequences; their thresholds come from sessions held out in turn.

    Of more than SEQUENCES a sample of the sessions is learnt from, and not the sequences that most sessions have: to these
    all others would be odd.
    """
    from deeplog_ops.evaluation.judges import threshold_judge
    from deeplog_ops.models.classic.supervised import LEAST_SCALE, SUPERVISED, fit_supervised
    from deeplog_ops.models.detectors import CLASSIC, DETECTORS
    from deeplog_ops.models.session_counts import sampled

    hashes = np.array([int(stable_digest(keys)[:16], 16) for keys in sequences], np.uint64)
    sessions = sampled(hashes, np.asarray(weights, np.int64), SEQUENCES)
    chosen = sorted(np.flatnonzero(sessions).tolist(), key=lambda row: (-sessions[row], sequences[row]))
    keys, counts = [sequences[row] for row in chosen], sessions[chosen].tolist()
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
            "in_nats": IN_NATS,
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


@dataclass(frozen=True)
class LearntDetector:
    """A detector of a version, learnt again."""

    detector: str
    model: SessionModel
    threshold: float

    def opinion(self, sequences: Sequence[Sequence[str]]) -> Opinion:
        return Opinion(self.detector, self.model.session_scores(sequences), self.threshold)


def opinions(part: ModelPart, sequences: Sequence[Sequence[str]]) -> list[Opinion]:
    """What each detector of a version says of N sequences, by name."""
    return [each.opinion(sequences) for each in learnt_again(part)]


def learnt_again(part: ModelPart) -> list[LearntDetector]:
    """The detectors of a version, by name. ModelError where the part is not one."""
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
        if name in IN_NATS and name not in data.get("in_nats", ()):
            threshold = -np.log1p(-threshold) if threshold < 1 else np.inf
        found.append(LearntDetector(name, model, float(threshold)))
    return found


class Tally:
    """How many of a day's sessions each detector flags, counted table by table."""

    def __init__(self) -> None:
        self._judged = 0
        self._flagged: Counter[str] = Counter()
        self._agreed: Counter[str] = Counter()

    def add(self, said: Sequence[Opinion], verdict: NDArray[np.bool_], sessions: NDArray[np.int64]) -> None:
        """Of N sequences, so many sessions each, with the default verdict on them."""
        self._judged += int(sessions.sum())
        for each in said:
            self._flagged[each.detector] += int(sessions[each.flagged].sum())
            self._agreed[each.detector] += int(sessions[each.flagged & verdict].sum())

    def told(self, enabled: Sequence[str]) -> list[DetectorOpinion]:
        """One row a detector: how many sessions it flags, and with the default verdict."""
        return [
            DetectorOpinion(
                detector=detector,
                judged=self._judged,
                flagged=flagged,
                agreed=self._agreed[detector],
                enabled=detector in enabled,
            )
            for detector, flagged in sorted(self._flagged.items())
        ]


def agreeing(said: Sequence[Opinion], ids: Sequence[str], rows: NDArray[np.bool_]) -> Mapping[str, list[str]]:
    """Which detectors flag each of the chosen rows of N sequences, by the sequence's id."""
    found: dict[str, list[str]] = {ids[row]: [] for row in np.flatnonzero(rows).tolist()}
    for each in said:
        for row in np.flatnonzero(each.flagged & rows).tolist():
            found[ids[row]].append(each.detector)
    return found
