"""How surprising a count is, given what was expected: in nats, on both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammainc, gammaincc, ndtr

LARGEST = 690.0  # -ln of about the smallest probability that a float holds
STEADY = 4.0  # a count expected smaller than this is never taken to be steadier than chance,
LEAST_VARIANCE = 0.5  # and no other varies less: where a bin ends, one event falls here or there
PLAIN = 2.0  # nothing came where fewer were expected: no surprise worth computing

Floats = NDArray[np.float64]


def surprise(actual: Floats, expected: Floats, variance: Floats) -> Floats:
    """-ln of twice the smaller of P(X <= actual) and P(X >= actual), at least 0. All of one shape.

    X is negative binomial where the variance is above the expected count, Poisson where they agree, and normal where
    a count is steadier than chance, as a heartbeat's.
    """
    found = np.zeros(np.broadcast(actual, expected, variance).shape)
    busy = (actual > 0) | (expected >= PLAIN)
    y, mean, spread = (np.broadcast_to(each, found.shape)[busy] for each in (actual, expected, variance))
    steady = (spread < mean) & (mean >= STEADY)
    wide = spread > mean * (1 + 1e-6)
    p = np.empty_like(mean)
    poisson = ~steady & ~wide
    p[poisson] = _smaller(
        gammaincc(y[poisson] + 1, mean[poisson]), gammainc(y[poisson], mean[poisson]), y[poisson]
    )
    p[wide] = _negative_binomial(y[wide], mean[wide], spread[wide])
    distance = np.maximum(np.abs(y[steady] - mean[steady]) - 0.5, 0.0)
    p[steady] = ndtr(-distance / np.sqrt(np.maximum(spread[steady], LEAST_VARIANCE)))
    found[busy] = np.minimum(-np.log(np.clip(2 * p, np.exp(-LARGEST), 1.0)), LARGEST)
    return found


def _negative_binomial(y: Floats, mean: Floats, variance: Floats) -> Floats:
    size = mean**2 / (variance - mean)
    share = size / (size + mean)
    return _smaller(betainc(size, y + 1, share), betainc(np.maximum(y, 1e-9), size, 1 - share), y)


def _smaller(at_most: Floats, at_least: Floats, y: Floats) -> Floats:
    return np.minimum(at_most, np.where(y > 0, at_least, 1.0))
