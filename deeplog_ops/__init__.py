"""deeplog-ops: a nightly platform that finds anomalies in logs, after DeepLog (Du et al., CCS'17)."""

__version__ = "0.1.0"
