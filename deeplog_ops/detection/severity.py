"""How bad, 0 to 100: what kind it is, how far from normal, how bad its lines call themselves, how much it touches.

    of an anomaly   base + oddness + level
        base      by kind, below; of a rule its own severity
        oddness   4 for each power of ten that its p-value is below 0.001, 20 at most; none of a rule
        level     5 where its worst line is a warning, 10 an error, 15 worse
    of an incident  the highest of its anomalies + reach, 100 at most
        reach     8 for each power of ten of sessions touched, or of templates whose rates are odd, 25 at most

A day's severity depends on that day alone and is kept as it was. Views set it against other days beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from deeplog_ops.records import Anomaly

BASE = {
    "unknown_template": 45,
    "missing_end": 40,
    "rate_vanished": 40,
    "key_order": 35,
    "key_counts": 35,
    "count_vector": 35,
    "rate_burst": 30,
    "rate_drop": 30,
    "rate_new": 30,
    "elapsed_time": 30,
    "parameter_value": 30,
    "new_value": 25,
}
OTHER = 30.0  # of a kind that is not named above
LEVELS = {"warning": 5, "error": 10, "critical": 15, "alert": 15, "emergency": 15}
ODD_FROM, ODD_STEP, ODD_MOST = 3.0, 4.0, 20.0
REACH_STEP, REACH_MOST = 8.0, 25.0


def anomaly_severity(anomaly: Anomaly) -> float:
    """Of one anomaly alone, 0 to 80, or a rule's own and its level's."""
    level = LEVELS.get(str(anomaly.details.get("level", "")), 0)
    if anomaly.kind == "rule":
        return float(anomaly.details.get("severity", 70)) + level
    return BASE.get(anomaly.kind, OTHER) + _oddness(anomaly.p_value) + level


def incident_severity(anomalies: Iterable[float], touched: int) -> int:
    """Of an incident with anomalies of these severities, that touches so many sessions (or templates)."""
    reach = min(REACH_STEP * math.log10(max(touched, 1)), REACH_MOST)
    return round(min(max(anomalies) + reach, 100.0))


def _oddness(p_value: float | None) -> float:
    if p_value is None:
        return 0.0
    below = -math.log10(max(p_value, 1e-300)) - ODD_FROM
    return min(max(ODD_STEP * below, 0.0), ODD_MOST)
