"""The imaginary system: an object store and the shop that stands on it. Data only."""

from deeplog_ops.simulate.system.chatter import CHATTER, CLOCK_STEPPED, HEARTBEAT, THROTTLED, Chatter
from deeplog_ops.simulate.system.downloads import DOWNLOAD
from deeplog_ops.simulate.system.orders import CHECKOUT
from deeplog_ops.simulate.system.upkeep import AUDIT, COMPACTION, REPAIR
from deeplog_ops.simulate.system.uploads import DELETE, UPLOAD
from deeplog_ops.simulate.system.values import NODES

TASKS = (UPLOAD, DOWNLOAD, CHECKOUT, REPAIR, DELETE, COMPACTION, AUDIT)

# Requests in each hour of the day, and on each day of the week from Monday, against the mean.
HOURS = (2, 1, 1, 1, 1, 2, 3, 6, 9, 11, 12, 11, 10, 11, 12, 13, 12, 10, 9, 9, 8, 6, 4, 3)
WEEKDAYS = (1.05, 1.1, 1.1, 1.05, 1.1, 0.8, 0.7)

# The share of requests that come at once with another, as a page asks for its pictures: these interleave.
TOGETHER = 0.6

__all__ = [
    "CHATTER",
    "CLOCK_STEPPED",
    "HEARTBEAT",
    "HOURS",
    "NODES",
    "TASKS",
    "THROTTLED",
    "TOGETHER",
    "WEEKDAYS",
    "Chatter",
]
