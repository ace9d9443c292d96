"""How far a measured rate can be from the true one."""

from __future__ import annotations

from scipy.special import betaincinv


def rate_interval(hits: float, cases: float, confidence: float = 0.95) -> tuple[float, float]:
    """The two-sided interval of Clopper and Pearson (Biometrika, 1934) for a rate of which `hits` of `cases` were seen.

    Hits may be expected ones, as where each case was tried several times: then they are no whole number.
    """
    beyond = (1 - confidence) / 2
    low = float(betaincinv(hits, cases - hits + 1, beyond)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, cases - hits, 1 - beyond)) if hits < cases else 1.0
    return low, high
