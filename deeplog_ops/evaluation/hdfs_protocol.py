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

from deeplog_ops.evaluation.confusion import Confusion, auc
from deeplog_ops.evaluation.intervals import rate_interval
from deeplog_ops.evaluation.session_evaluation import Candidate

KeySequence = tuple[str, ...]
Flags = NDArray[np.bool_]

TEST_NORMALS = 552_640
ABNORMALS = 16_838


@dataclass(frozen=True)
class ProtocolResult:
    """One split: which of the test sessions were flagged, one by one."""

    flagged_normals: Flags  # (T,)
    flagged_abnormals: Flags  # (A,)
    known_keys: Flags  # (A,) abnormal sessions whose every key training had seen
    auc: float

    @property
    def false_alarm_rate(self) -> float:
        return float(self.flagged_normals.mean())

    @property
    def recall(self) -> float:
        return float(self.flagged_abnormals.mean())

    @property
    def recall_known_keys(self) -> float:
        return float(self.flagged_abnormals[self.known_keys].mean()) if self.known_keys.any() else 1.0

    @property
    def projected(self) -> Confusion:
        return Confusion.projected(self.false_alarm_rate, self.recall, TEST_NORMALS, ABNORMALS)


@dataclass(frozen=True)
class Pooled:
    """Several splits as one. Of each pair, the second and third are the ends of an interval.

    The halves of the splits share sessions, so the intervals are those of the distinct sessions, not of all tests: a
    session that was flagged in half of the splits counts as half an alarm.
    """

    false_alarm_rate: tuple[float, float, float]
    recall: tuple[float, float, float]
    f1: tuple[float, float, float]  # projected; worst of both rates, and best of both


def pooled(results: Sequence[ProtocolResult], normals: int, confidence: float = 0.95) -> Pooled:
    """Of splits of `normals` sessions, all with the same abnormal ones. ValueError without any."""
    if not results:
        raise ValueError("no splits were given to pool")
    alarms = float(np.concatenate([result.flagged_normals for result in results]).mean())
    found = float(np.mean([result.recall for result in results]))
    least_alarms, most_alarms = rate_interval(alarms * normals, normals, confidence)
    abnormals = len(results[0].flagged_abnormals)
    least_found, most_found = rate_interval(found * abnormals, abnormals, confidence)

    def f1(rate: float, recall: float) -> float:
        return Confusion.projected(rate, recall, TEST_NORMALS, ABNORMALS).f1

    return Pooled(
        (alarms, least_alarms, most_alarms),
        (found, least_found, most_found),
        (f1(alarms, found), f1(most_alarms, least_found), f1(least_alarms, most_found)),
    )


def halves(
    normals: Sequence[KeySequence], seed: int, share: float = 0.5
) -> tuple[list[KeySequence], list[KeySequence]]:
    """A random `share` of the normals, to train on, and the rest."""
    order = np.random.default_rng(seed).permutation(len(normals))
    cut = round(len(normals) * share)
    return [normals[row] for row in order[:cut]], [normals[row] for row in order[cut:]]


def run_split(
    normals: Sequence[KeySequence],
    open_abnormals: Callable[[], Sequence[KeySequence]],
    candidate: Candidate,
    *,
    share: float = 0.5,
    seed: int = 0,
    model_seed: int = 0,
    planted: Sequence[KeySequence] = (),
) -> ProtocolResult:
    """Train on a random `share` of the normals, freeze the threshold, then judge the rest and the abnormal sessions.

    The abnormal sessions come as a function, called once the threshold stands: nothing can be chosen by them.
    `planted` sessions are put among the training ones, as if nobody had noticed them; of the abnormal ones as many of
    the same sequence are not judged.
    """
    training, test = halves(normals, seed, share)
    counted = sorted(Counter([*training, *planted]).items())
    judge = candidate.fit([keys for keys, _ in counted], [count for _, count in counted], model_seed)

    left, abnormal = Counter(planted), []
    for keys in open_abnormals():
        if left[keys]:
            left[keys] -= 1
        else:
            abnormal.append(keys)
    cases = sorted({*test, *abnormal})
    place = {keys: row for row, keys in enumerate(cases)}
    flagged, scores = judge.judge(cases)
    normal_rows = np.array([place[keys] for keys in test], np.int64)
    abnormal_rows = np.array([place[keys] for keys in abnormal], np.int64)
    rows = np.concatenate([normal_rows, abnormal_rows])
    known = {key for keys, _ in counted for key in keys}
    return ProtocolResult(
        flagged_normals=flagged[normal_rows],
        flagged_abnormals=flagged[abnormal_rows],
        known_keys=np.array([known.issuperset(keys) for keys in abnormal], bool),
        auc=auc(scores[rows], np.arange(len(rows)) >= len(test)),
    )
