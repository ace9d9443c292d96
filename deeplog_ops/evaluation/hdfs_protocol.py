"""Quality on labelled sessions, as the HDFS set is judged: normals alone decide everything before labels are seen.

The set of Xu et al. (SOSP'09) has 558,223 normal and 16,838 abnormal blocks. Measured on a sample of them, the
false-alarm rate and the recall are projected to all abnormal blocks and the normals that the usual split tests on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.detection.calibration import Calibration
from deeplog_ops.evaluation.confusion import Confusion, auc
from deeplog_ops.models.contract import Fit
from deeplog_ops.models.held_out import held_out_scores

KeySequence = tuple[str, ...]

TEST_NORMALS = 552_640
ABNORMALS = 16_838


@dataclass(frozen=True)
class ProtocolResult:
    """One split. `recall_known_keys` counts only abnormal sessions whose every key training had seen."""

    threshold: float
    false_alarm_rate: float
    recall: float
    recall_known_keys: float
    auc: float

    @property
    def projected(self) -> Confusion:
        return Confusion.projected(self.false_alarm_rate, self.recall, TEST_NORMALS, ABNORMALS)


def run_split(
    normals: Sequence[KeySequence],
    open_abnormals: Callable[[], Sequence[KeySequence]],
    fit: Fit,
    *,
    budget: float,
    share: float = 0.5,
    seed: int = 0,
) -> ProtocolResult:
    """Train on a random `share` of the normals, freeze the threshold for `budget`, then judge the rest.

    The abnormal sessions come as a function, called once the threshold stands: nothing can be chosen by them.
    """
    order = np.random.default_rng(seed).permutation(len(normals))
    cut = round(len(normals) * share)
    training, weights = _distinct([normals[row] for row in order[:cut]])
    model = fit(training, weights)
    held_out = held_out_scores(training, weights, fit)
    threshold = Calibration.fit(held_out.score, held_out.sessions).threshold(budget)

    unseen, unseen_weights = _distinct([normals[row] for row in order[cut:]])
    abnormal, abnormal_weights = _distinct(open_abnormals())
    scores = model.session_scores([*unseen, *abnormal])
    true = np.arange(len(scores)) >= len(unseen)
    counts = np.array([*unseen_weights, *abnormal_weights])
    known = {key for keys in training for key in keys}
    with_known_keys = np.array([known.issuperset(keys) for keys in [*unseen, *abnormal]])
    verdicts = Confusion.of(scores > threshold, true, counts)
    kept: NDArray[np.bool_] = ~true | with_known_keys
    return ProtocolResult(
        threshold=threshold,
        false_alarm_rate=verdicts.false_alarm_rate,
        recall=verdicts.recall,
        recall_known_keys=Confusion.of(scores[kept] > threshold, true[kept], counts[kept]).recall,
        auc=auc(scores, true, counts),
    )


def _distinct(sequences: Sequence[KeySequence]) -> tuple[list[KeySequence], list[int]]:
    counted = sorted(Counter(sequences).items())
    return [keys for keys, _ in counted], [count for _, count in counted]
