"""A log generator whose truth is known.

An imaginary object store and the shop that stands on it (system/) run sessions of several tasks at once, each a
walk (session.py) through a workflow graph (workflow.py) with values from known distributions (parameters.py). Some
go wrong in known ways (anomalies.py, background.py); whether an order is wrong is decided by language.py. A day is a
pure function of seed and day (day.py); files.py writes days, source.py the configuration that reads them.
"""

from deeplog_ops.simulate.day import KINDS
from deeplog_ops.simulate.files import Label, Truth, read_labels, write
from deeplog_ops.simulate.source import source_yaml

__all__ = ["KINDS", "Label", "Truth", "read_labels", "source_yaml", "write"]
