"""Detectors as judges: fitted to training sessions, their threshold set by the budget on those alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.config import KeyModelSettings
from deeplog_ops.detection.calibration import TAIL_LEAST, TAIL_SHARE, Calibration
from deeplog_ops.detection.session_evidence import SessionEvidence
from deeplog_ops.detection.tail import Tail
from deeplog_ops.evaluation.session_evaluation import Candidate, KeySequence
from deeplog_ops.models.contract import Fit, SessionModel
from deeplog_ops.models.detectors import DETECTORS, Detector, Margin
from deeplog_ops.models.held_out import HoldsOut, held_out_scores

DEFAULT = "default"
NOBODYS = "\0new"  # a key that no log has
PROBED = 100  # sessions with a new key that are scored
SPARED = 0.1  # where more normal sessions than this may score as high as a new key, new keys are nothing odd
CONFIDENCE = 0.99  # that the budget holds where there are too few scores for a tail


@dataclass(frozen=True)
class ThresholdJudge:
    """Flags what scores above the threshold."""

    model: SessionModel
    threshold: float

    def judge(self, sequences: Sequence[KeySequence]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        scores = self.model.session_scores(sequences)
        return scores > self.threshold, scores


def threshold_judge(
    fit: Fit, sequences: Sequence[KeySequence], weights: Sequence[int], budget: float, least_scale: float
) -> ThresholdJudge:
    """Calibrated on scores of training sessions by models that did not see them.

    Where these are too few for a tail, what holds on average is far off in many trainings: then it has a margin.
    """
    held_out = held_out_scores(sequences, weights, fit)
    calibration = Calibration.fit(held_out.score, held_out.sessions, least_scale=least_scale)
    threshold = calibration.threshold(budget)
    if calibration.sessions < 2 * TAIL_LEAST:
        tail = Tail.fit(
            held_out.score,
            held_out.sessions,
            largest=TAIL_SHARE,
            confidence=CONFIDENCE,
            least_scale=least_scale,
        )
        threshold = max(threshold, tail.threshold(budget))
    return ThresholdJudge(fit(sequences, weights), threshold)


def margin_judge(
    fit: Fit, sequences: Sequence[KeySequence], weights: Sequence[int], budget: float, margin: Margin
) -> ThresholdJudge:
    """The same with a tail that is longer than a few scores, and a margin: where a handful would set the threshold.

    No more than what one new key scores in a session of training: a short history would flag nothing at all otherwise.
    But after few sessions many normal ones bring such a key. So that is no reason to go below what nearly all of them,
    1 - SPARED, stay under by the same margin.
    """
    model = fit(sequences, weights)
    held_out = model.held_out if isinstance(model, HoldsOut) else held_out_scores(sequences, weights, fit)
    tail = Tail.fit(held_out.score, held_out.sessions, largest=margin.largest, confidence=margin.confidence)
    ceiling = max(_below_one_new_key(model, sequences), tail.threshold(SPARED))
    return ThresholdJudge(model, min(tail.threshold(budget), ceiling))


def _below_one_new_key(model: SessionModel, sequences: Sequence[KeySequence]) -> float:
    """The largest threshold that flags every one of some sessions of training with a key in them that nobody knows."""
    changed = [(*keys[: len(keys) // 2], NOBODYS, *keys[len(keys) // 2 :]) for keys in sequences[:PROBED]]
    return float(np.nextafter(model.session_scores(changed).min(), -np.inf))


def detector_candidate(name: str, detector: Detector, settings: KeyModelSettings, budget: float) -> Candidate:
    """One detector alone."""

    def fit(sequences: Sequence[KeySequence], weights: Sequence[int], seed: int) -> ThresholdJudge:
        fit_model = detector.fit_with(settings.model_copy(update={"seed": seed}))
        if detector.margin is not None:
            return margin_judge(fit_model, sequences, weights, budget, detector.margin)
        return threshold_judge(fit_model, sequences, weights, budget, detector.least_scale)

    return Candidate(name, fit, detector.seeded)


def supervised_candidate(kind: str, anomalous: Sequence[KeySequence], budget: float) -> Candidate:
    """A detector that also learns from the sessions that people called anomalous, all of them in every fold.

    Its threshold is that of the others: by the normal sessions alone.
    """
    from deeplog_ops.models.classic.supervised import LEAST_SCALE, fit_supervised

    def fit(sequences: Sequence[KeySequence], weights: Sequence[int], seed: int) -> ThresholdJudge:
        def fit_model(normal: Sequence[Sequence[str]], counts: Sequence[int]) -> SessionModel:
            labels = [False] * len(normal) + [True] * len(anomalous)
            return fit_supervised(kind, [*normal, *anomalous], [*counts, *[1] * len(anomalous)], labels, seed)

        return threshold_judge(fit_model, sequences, weights, budget, LEAST_SCALE[kind])

    return Candidate(kind, fit)


def candidates(
    names: Sequence[str], anomalous: Sequence[KeySequence], settings: KeyModelSettings, budget: float
) -> list[Candidate]:
    """The detectors of these names, and where there are verdicts those that learn from them."""
    from deeplog_ops.models.classic.supervised import SUPERVISED

    found = [detector_candidate(name, DETECTORS[name], settings, budget) for name in names]
    if anomalous:
        found += [supervised_candidate(kind, anomalous, budget) for kind in SUPERVISED]
    return found


@dataclass(frozen=True)
class VerdictJudge:
    """The default verdict, which has thresholds of its own."""

    evidence: SessionEvidence

    def judge(self, sequences: Sequence[KeySequence]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        strength = self.evidence.judge(sequences).strength
        return strength >= 1, strength


def default_verdict(budget: float) -> Candidate:
    """The verdict that a source has by default. No network and no chance is in it."""

    def fit(sequences: Sequence[KeySequence], weights: Sequence[int], seed: int) -> VerdictJudge:
        return VerdictJudge(SessionEvidence.fit(sequences, weights, budget=budget))

    return Candidate(DEFAULT, fit)
