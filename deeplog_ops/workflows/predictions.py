"""A workflow from a key model's predictions (DeepLog, section 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deeplog_ops.workflows.discovery import DiscoverySettings, Keys, distinct, mined, workflow_of
from deeplog_ops.workflows.graph import Workflow

NextKeys = Callable[[Sequence[Keys]], list[dict[str, float]]]

UNLIKELY = 0.01  # an event less likely than this was not predicted
TRUSTED = 0.5  # a model that predicts fewer of the sessions than this has not learnt the log


def by_predictions(
    sequences: Sequence[Sequence[str]],
    weights: Sequence[int] | None,
    next_keys: NextKeys,
    settings: DiscoverySettings | None = None,
) -> Workflow:
    """The workflow that a model predicts for N sequences, sequence i standing for weights[i] sessions (None: 1).

    `next_keys` gives for each of some histories (keys from the session's beginning) the probability of the next
    key, with "" for the session's end; keys that it leaves out have none. It is called with many histories at once.

    At every history that some session had, the predictions say which ways on there are. A session that took another
    one is set aside: a way that the model saw and did not learn is noise. How the ways on hang together is read from
    the longer histories of the sessions that are left: of several ways after one history, branches of a fork are
    those that come later where another was taken first; alternatives are those that never do. ModelError where there
    is no session.
    """
    counted = distinct(sequences, weights)
    prefixes = sorted({keys[:place] for keys in counted for place in range(len(keys) + 1)})
    predicted = dict(zip(prefixes, next_keys(prefixes), strict=True))
    kept = {
        keys: count
        for keys, count in counted.items()
        if all(predicted[keys[:place]].get(key, 0.0) >= UNLIKELY for place, key in enumerate([*keys, ""]))
    }
    if sum(kept.values()) < TRUSTED * sum(counted.values()):
        kept = dict(counted)
    return workflow_of(mined(kept, settings or DiscoverySettings()), counted)
