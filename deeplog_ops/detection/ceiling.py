"""Whether there is a highest threshold: what one new key in a surprising place scores, which is always flagged.

Not where to be unlike all others is what normal sessions are. Then the budget alone sets the threshold.
"""

from __future__ import annotations

from scipy.special import betaincinv

SHORT = 100  # sessions of training: with fewer nothing is sure
SURE = 0.99
CONTRADICTED = 0.03  # of normal sessions, for SURE, at the ceiling: then there is none
SHORT_CONTRADICTED = 0.5  # of the sessions of a short training


def ceiling_holds(above: int, sessions: int) -> bool:
    """Of so many training sessions, each as if left out, so many are at the ceiling or above."""
    if sessions < SHORT:
        return above <= SHORT_CONTRADICTED * sessions
    # The least share of all sessions that is likely, after Clopper and Pearson.
    share = betaincinv(above, sessions - above + 1, 1 - SURE) if above else 0.0
    return float(share) <= CONTRADICTED
