"""Odd rates that people called normal: at their time of day the limit rises, or falls, to what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplog_ops.models.rate_bins import DayBins
from deeplog_ops.models.rate_scores import ONCE, DayScores
from deeplog_ops.models.rate_tail import surprise
from deeplog_ops.models.rate_windows import sums

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Vouched:
    """`counts` of a template at places on the clock, on whatever day, are normal; and up, where `rising`, else down,
    to there. `anomaly_id` is what people spoke of."""

    anomaly_id: str
    key: str
    rising: bool
    slots: tuple[int, ...]
    counts: tuple[float, ...]

    def covers(self, other: Vouched) -> bool:
        """Whether this lets pass what the other is, as far as their places tell."""
        own, its = (
            dict(zip(self.slots, self.counts, strict=True)),
            zip(other.slots, other.counts, strict=True),
        )
        return (self.key, self.rising) == (other.key, other.rising) and all(
            slot in own and (own[slot] >= count if self.rising else own[slot] <= count) for slot, count in its
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"slots": list(self.slots), "counts": list(self.counts)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Vouched:
        slots, counts = tuple(map(int, data["slots"])), tuple(map(float, data["counts"]))
        if len(slots) != len(counts):
            raise ValueError(f"{len(counts)} counts came with {len(slots)} places")
        return cls(str(data["anomaly_id"]), str(data["key"]), bool(data["rising"]), slots, counts)


def let_pass(
    found: dict[int, DayScores],
    vouched: Sequence[Vouched],
    keys: Sequence[str],
    bins: DayBins,
    dispersion: Floats,
    day_variance: Floats,
) -> None:
    """Lower, in place, the scores of what is like something vouched for, here or a bin earlier or later. Expected is
    then what was vouched for: what is much larger is still odd, against that."""
    if not vouched or 1 not in found:
        return
    rows = {key: row for row, key in enumerate(keys)}
    slots = np.array(bins.slots[: found[1].actual.shape[1]], np.int64)
    last = max(max(bins.slots), *(slot for each in vouched for slot in each.slots))
    usual = found[1].expected.copy()
    plain = {span: scores.expected.copy() for span, scores in found.items()}
    for key, rising in sorted({(each.key, each.rising) for each in vouched if each.key in rows}):
        row, nothing = rows[key], 0.0 if rising else np.inf
        further = np.maximum if rising else np.minimum
        told = np.full(last + 1, nothing)
        for each in vouched:
            if (each.key, each.rising) == (key, rising):
                told[list(each.slots)] = further(told[list(each.slots)], each.counts)
        for by in (-1, 0, 1):
            normal = further(usual[row], told[np.clip(slots + by, 0, last)])
            for span, scores in found.items():
                mean = sums(normal[None], span)[0]
                y = scores.actual[row]
                spread = ONCE * max(float(dispersion[row]), 1.0) * mean + day_variance[row] * mean**2
                towards, passes = (
                    (y > plain[span][row], y <= mean) if rising else (y < plain[span][row], y >= mean)
                )
                again = np.zeros(len(y))
                again[~passes] = surprise(y[~passes], mean[~passes], spread[~passes])
                like = towards & (again < scores.score[row])
                scores.score[row, like] = again[like]
                scores.expected[row, like] = mean[like]
                scores.variance[row, like] = spread[like]
